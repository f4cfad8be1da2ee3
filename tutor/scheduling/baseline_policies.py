"""Known ways to choose what is next, to compare with. Pure; the interface of every policy.

Those that remember more than a `Situation` says are told of every answer by `observe`.
"""

from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from tutor.scheduling.graph_arrays import F, GraphArrays, Mask, Rows, gates_min
from tutor.scheduling.situations import (
    LEARN,
    NO_KIND,
    PRACTISE,
    Decision,
    Situation,
    best_of,
    drawn_from,
)
from tutor.scheduling.statuses import MASTERED, REVIEW_DUE


@runtime_checkable
class Remembering(Protocol):
    """A policy with a memory of its own: `begin` it once, then tell it of every answer."""

    def begin(self, arrays: GraphArrays, *, n_learners: int) -> None: ...
    def observe(self, who: Rows, skills: Rows, is_right: Mask, *, at_days: float) -> None: ...


def _may(situation: Situation) -> Mask:
    return np.asarray(situation.goal & situation.arrays.is_practisable)


def _kinds(situation: Situation) -> NDArray[np.int8]:
    new = situation.beliefs.n_observations == 0
    kinds = np.where(new, np.int8(LEARN), np.int8(PRACTISE))
    return np.where(_may(situation), kinds, np.int8(NO_KIND))


def _best(situation: Situation, scores: F) -> Decision:
    return best_of(np.where(_may(situation), scores, -np.inf), kinds=_kinds(situation))


def _sampled(situation: Situation, weights: F, *, u: F) -> Decision:
    return drawn_from(np.where(_may(situation), weights, 0.0), kinds=_kinds(situation), u=u)


def _in_order(situation: Situation) -> F:
    """Return (1, n) values in [0, 1) that are the higher the earlier a skill comes."""
    n = situation.arrays.n
    return 1.0 - (np.arange(n)[None] + 1.0) / n


def _is_done(situation: Situation) -> NDArray[np.bool_]:
    """Return what was mastered once: a tutor without forgetting never comes back to it."""
    code = situation.statuses.code
    return np.asarray((code == MASTERED) | (code == REVIEW_DUE))


@dataclass(frozen=True)
class RandomPolicy:
    """Any skill of the goal, with the same chance."""

    name: str = "random"

    def decide(self, situation: Situation, *, u: F) -> Decision:
        """Return a draw among all."""
        return _sampled(situation, np.ones(situation.statuses.code.shape), u=u)


@dataclass(frozen=True)
class CurriculumPolicy:
    """The course's order, so many steps of each skill, and from the beginning when through."""

    steps_each: int = 8
    name: str = "curriculum"

    def decide(self, situation: Situation, *, u: F) -> Decision:
        """Return the first skill with the fewest full rounds."""
        rounds = situation.beliefs.n_observations // self.steps_each
        return _best(situation, _in_order(situation) - rounds)


@dataclass(frozen=True)
class LowestMasteryPolicy:
    """The skill with the lowest P(mastery) below 0.95, whatever it builds on."""

    name: str = "mastery_lowest"

    def decide(self, situation: Situation, *, u: F) -> Decision:
        """Return the least mastered, ties in the course's order."""
        scores = -situation.beliefs.p_mastery + 1e-6 * _in_order(situation)
        return _best(situation, scores)


@dataclass(frozen=True)
class MasteryOrderPolicy:
    """The course's order, each skill until P(mastery) once reached 0.95: a cognitive tutor."""

    name: str = "mastery_order"

    def decide(self, situation: Situation, *, u: F) -> Decision:
        """Return the first skill that was never mastered; then the least mastered."""
        scores = np.where(
            _is_done(situation), -1.0 - situation.beliefs.p_mastery, _in_order(situation)
        )
        return _best(situation, scores)


@dataclass
class OuterFringePolicy:
    """Skills whose prerequisites were all mastered: one by lot, until it is mastered itself.

    Source: Doignon and Falmagne (1999), the outer fringe, as ALEKS offers it.
    """

    name: str = "outer_fringe"
    _last: Rows = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    def begin(self, arrays: GraphArrays, *, n_learners: int) -> None:
        """Forget everything."""
        self._last = np.full(n_learners, -1, dtype=np.int64)

    def observe(self, who: Rows, skills: Rows, is_right: Mask, *, at_days: float) -> None:
        """Remember what each learner is at."""
        self._last[who] = skills

    def decide(self, situation: Situation, *, u: F) -> Decision:
        """Return the skill at hand while it is in the fringe, else one of the fringe."""
        done = _is_done(situation)
        fringe = ~done & (gates_min(situation.arrays, done.astype(np.float64)) > 0)
        fringe &= situation.goal & situation.arrays.is_practisable
        # When the fringe is empty all is mastered, and anything may come.
        weights = np.where(fringe, 1.0, np.where(fringe.any(axis=1, keepdims=True), 0.0, 1.0))
        at = np.flatnonzero(self._last >= 0)
        here = at[fringe[at, self._last[at]]]
        weights[here] = 0.0
        weights[here, self._last[here]] = 1.0
        return _sampled(situation, weights, u=u)


@dataclass
class ZPDESPolicy:
    """A bandit on what is being learned, within a zone that grows along the graph.

    Source: Clement, Roy, Oudeyer and Lopes (2015): the reward is the rise of success over the last
    answers, a skill enters the zone when what it builds on succeeds, and leaves it when mastered.
    """

    window: int = 6
    keep: float = 0.7
    explore: float = 0.2
    opens_at: float = 0.6
    leaves_at: float = 0.95
    name: str = "zpdes"

    def begin(self, arrays: GraphArrays, *, n_learners: int) -> None:
        """Forget everything."""
        shape = (n_learners, arrays.n)
        self._recent = np.full((*shape, self.window), np.nan)
        self._quality = np.full(shape, 0.1)

    def observe(self, who: Rows, skills: Rows, is_right: Mask, *, at_days: float) -> None:
        """Move the quality of each skill practised by how its success went on."""
        recent = self._recent[who, skills]
        recent = np.concatenate([recent[:, 1:], is_right[:, None].astype(np.float64)], axis=1)
        self._recent[who, skills] = recent
        half = self.window // 2
        filled = np.where(np.isnan(recent), 0.0, recent)
        reward = filled[:, half:].mean(axis=1) - filled[:, :half].mean(axis=1)
        quality = self.keep * self._quality[who, skills] + (1 - self.keep) * reward
        self._quality[who, skills] = np.maximum(quality, 0.0)

    def decide(self, situation: Situation, *, u: F) -> Decision:
        """Return a draw in proportion to quality, with some exploration of the zone."""
        filled = np.where(np.isnan(self._recent), 0.0, self._recent)
        success = filled.mean(axis=2)
        opened = gates_min(situation.arrays, success) >= self.opens_at
        zone = opened & (success < self.leaves_at)
        zone &= situation.goal & situation.arrays.is_practisable
        quality = np.where(zone, self._quality, 0.0)
        share = quality / np.maximum(quality.sum(axis=1, keepdims=True), 1e-12)
        n = np.maximum(zone.sum(axis=1, keepdims=True), 1)
        weights = np.where(zone, (1 - self.explore) * share + self.explore / n, 0.0)
        # An empty zone: everything succeeds, and anything may come.
        weights = np.where(zone.any(axis=1, keepdims=True), weights, 1.0)
        return _sampled(situation, weights, u=u)


@dataclass
class LeitnerPolicy:
    """Boxes with doubling intervals: what is due first, and when nothing is, the next new skill.

    Source: Leitner (1972); a right answer moves a skill one box up, a wrong one to the first.
    """

    first_days: float = 1.0
    most_box: int = 6
    name: str = "leitner"

    def begin(self, arrays: GraphArrays, *, n_learners: int) -> None:
        """Forget everything."""
        self._box = np.full((n_learners, arrays.n), -1, dtype=np.int64)
        self._due = np.full((n_learners, arrays.n), np.inf)

    def observe(self, who: Rows, skills: Rows, is_right: Mask, *, at_days: float) -> None:
        """Move each skill to its next box."""
        box = np.where(is_right, np.minimum(self._box[who, skills] + 1, self.most_box), 0)
        self._box[who, skills] = box
        days = np.where(is_right, self.first_days * 2.0**box, 0.0)
        # Due on the day, not at the minute: a sitting is at about the same hour each day.
        self._due[who, skills] = at_days + np.maximum(days - 0.3, 0.0)

    def decide(self, situation: Situation, *, u: F) -> Decision:
        """Return the longest due; nothing due: the next new skill; nothing new: the next due."""
        late = situation.at_days - self._due
        is_new = self._box < 0
        scores = np.where(late >= 0, 10.0 + np.minimum(late, 1e3) * 1e-3, -1.0 + late * 1e-4)
        scores = np.where(is_new, _in_order(situation), scores)
        return _best(situation, scores)
