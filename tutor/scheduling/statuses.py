"""What each skill is to a learner: pure functions of a graph, beliefs and what is remembered.

Nothing here knows Django, the clock or a random source. See docs/scheduling.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tutor.scheduling.graph_arrays import (
    F,
    GraphArrays,
    Mask,
    SkillGraph,
    graph_arrays,
)

__all__ = [
    "BeliefArrays",
    "PolicyConfig",
    "SkillGraph",
    "SkillStatus",
    "Standing",
    "StandingArrays",
    "Status",
    "StatusArrays",
    "is_mastered_now",
    "mastered_now",
    "standing_arrays",
    "statuses_compute",
    "statuses_many",
    "statuses_read",
]


class Status(StrEnum):
    """What a skill is to a learner now."""

    LOCKED = "locked"
    READY = "ready"
    LEARNING = "learning"
    MASTERED = "mastered"
    REVIEW_DUE = "review_due"
    UNKNOWN = "unknown"


STATUSES = tuple(Status)
LOCKED, READY, LEARNING, MASTERED, REVIEW_DUE, UNKNOWN = range(len(STATUSES))


class BeliefArrays(Protocol):
    """Beliefs as arrays in the order of the graph's `skill_ids`: (n_skills,), or for many learners
    (n_learners, n_skills)."""

    @property
    def p_correct(self) -> NDArray[np.float64]: ...
    @property
    def p_mastery(self) -> NDArray[np.float64]: ...
    @property
    def lower(self) -> NDArray[np.float64]: ...
    @property
    def upper(self) -> NDArray[np.float64]: ...
    @property
    def n_observations(self) -> NDArray[np.int64]: ...


@dataclass(frozen=True, slots=True)
class Standing:
    """What is remembered of a skill besides the belief; `is_due`: its interval has passed."""

    is_open: bool = False
    is_mastered: bool = False
    was_mastered: bool = False
    is_due: bool = False


@dataclass(frozen=True, slots=True)
class PolicyConfig:
    """Thresholds, weights and caps. Probabilities unless the name says otherwise."""

    gate: float = 0.70
    gate_mastery: float = 0.90
    mastery_enter: float = 0.95
    mastery_leave: float = 0.80
    mastery_min_observations: int = 3
    target_p_correct: float = 0.80
    weight_learn: float = 1.0
    weight_review: float = 1.2
    weight_fit: float = 0.2
    weight_information: float = 0.8
    weight_variety: float = 0.5
    weight_again_today: float = 0.4
    weight_finish: float = 2.0
    learn_floor: float = 0.7
    review_horizon_days: float = 7.0
    review_first_days: float = 1.0
    review_growth: float = 2.0
    temperature: float = 0.15
    epsilon: float = 0.02
    most_candidates: int = 12
    most_in_a_row: int = 5
    most_answers_a_day: int = 1
    most_answers_first_day: int = 2
    most_new_skills_a_day: int = 5
    most_reviews_a_day: int = 20
    wheel_opportunities: int = 10
    wheel_run: int = 3


@dataclass(frozen=True, slots=True)
class SkillStatus:
    """A skill's status, and for a locked one the prerequisites that hold it."""

    status: Status
    is_open: bool
    held_by: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class StandingArrays:
    """Standings of learners as masks (n_learners, n_skills)."""

    is_open: Mask
    is_mastered: Mask
    was_mastered: Mask
    is_due: Mask


@dataclass(frozen=True, slots=True, eq=False)
class StatusArrays:
    """Statuses of learners: `code` indexes STATUSES; all (n_learners, n_skills).

    `passes` says that a skill holds nobody back who wants to go on to what is built on it.
    """

    code: NDArray[np.int8]
    is_open: Mask
    passes: Mask


def standing_arrays(arrays: GraphArrays, standings: Mapping[int, Standing]) -> StandingArrays:
    """Return one learner's standings by skill id as masks (1, n)."""
    is_open, is_mastered, was_mastered, is_due = np.zeros((4, 1, arrays.n), dtype=np.bool_)
    for skill, standing in standings.items():
        row = arrays.row_of.get(skill)
        if row is not None:
            is_open[0, row] = standing.is_open
            is_mastered[0, row] = standing.is_mastered
            was_mastered[0, row] = standing.was_mastered
            is_due[0, row] = standing.is_due
    return StandingArrays(
        is_open=is_open, is_mastered=is_mastered, was_mastered=was_mastered, is_due=is_due
    )


def statuses_many(
    arrays: GraphArrays, beliefs: BeliefArrays, standings: StandingArrays, *, config: PolicyConfig
) -> StatusArrays:
    """Return every skill's status for many learners; beliefs are (n_learners, n_skills).

    A skill without a step cannot be measured, so it is `unknown`.
    """
    practised = beliefs.n_observations > 0
    passes = (
        (beliefs.lower >= config.gate)
        | ((beliefs.p_mastery >= config.gate_mastery) & practised)
        | standings.was_mastered
    )
    is_held = np.zeros(passes.shape, dtype=np.bool_)
    rows, begins = arrays.gated
    if len(rows):
        is_held[:, rows] = ~np.logical_and.reduceat(passes[:, arrays.gate_parent], begins, axis=1)
    is_open = (standings.is_open | ~is_held) & arrays.is_practisable
    is_mastered = mastered_now(beliefs, standings, config=config)
    code = np.where(is_open, np.where(practised, LEARNING, READY), LOCKED).astype(np.int8)
    code[standings.was_mastered | standings.is_mastered] = REVIEW_DUE
    code[is_mastered & ~standings.is_due] = MASTERED
    code[:, ~arrays.is_practisable] = UNKNOWN
    return StatusArrays(code=code, is_open=is_open, passes=passes)


def mastered_now(beliefs: BeliefArrays, standings: StandingArrays, *, config: PolicyConfig) -> Mask:
    """Return which skills count as mastered: entered high, left low, so as not to flicker."""
    enters = (beliefs.p_mastery >= config.mastery_enter) & (
        beliefs.n_observations >= config.mastery_min_observations
    )
    return np.where(standings.is_mastered, beliefs.p_mastery >= config.mastery_leave, enters)


def statuses_compute(
    graph: SkillGraph,
    beliefs: BeliefArrays,
    standings: Mapping[int, Standing],
    *,
    config: PolicyConfig,
) -> dict[int, SkillStatus]:
    """Return every skill's status for one learner, whose beliefs are (n_skills,)."""
    arrays = graph_arrays(graph)
    many = statuses_many(
        arrays, one_learner(beliefs), standing_arrays(arrays, standings), config=config
    )
    return statuses_read(graph, many)


def statuses_read(graph: SkillGraph, many: StatusArrays) -> dict[int, SkillStatus]:
    """Return the statuses of the one learner in `many` by skill id, with what holds each back."""
    row_of = graph_arrays(graph).row_of
    passes = many.passes[0].tolist()
    found: dict[int, SkillStatus] = {}
    for skill, code, is_open in zip(
        graph.skill_ids, many.code[0].tolist(), many.is_open[0].tolist(), strict=True
    ):
        if is_open or code == UNKNOWN:
            found[skill] = _UNHELD[code, is_open]
            continue
        held_by = tuple(parent for parent in graph.gates[skill] if not passes[row_of[parent]])
        found[skill] = SkillStatus(status=STATUSES[code], is_open=False, held_by=held_by)
    return found


# Few kinds of status are not held by anything; on a large graph it pays to share them.
_UNHELD = {
    (code, is_open): SkillStatus(status=status, is_open=is_open)
    for code, status in enumerate(STATUSES)
    for is_open in (False, True)
}


@dataclass(frozen=True, slots=True, eq=False)
class ManyBeliefs:
    """Beliefs of learners at hand, every array (n_learners, n_skills)."""

    p_correct: F
    p_mastery: F
    lower: F
    upper: F
    n_observations: NDArray[np.int64]


def one_learner(beliefs: BeliefArrays) -> ManyBeliefs:
    """Return one learner's beliefs (n_skills,) as those of many (1, n_skills)."""
    return ManyBeliefs(
        p_correct=beliefs.p_correct[None],
        p_mastery=beliefs.p_mastery[None],
        lower=beliefs.lower[None],
        upper=beliefs.upper[None],
        n_observations=beliefs.n_observations[None],
    )


def is_mastered_now(
    p_mastery: float, n_observations: int, standing: Standing, *, config: PolicyConfig
) -> bool:
    """Return whether one skill counts as mastered; the rule of `mastered_now`."""
    if standing.is_mastered:
        return p_mastery >= config.mastery_leave
    return p_mastery >= config.mastery_enter and n_observations >= config.mastery_min_observations
