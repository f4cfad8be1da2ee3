"""What each candidate is worth: the terms of its score, for many learners at once. Pure.

Candidates are few beside all skills, so everything here is a vector over pairs of a learner and a
candidate.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from tutor.scheduling.graph_arrays import F, Mask, Rows, bits_of, counts_within
from tutor.scheduling.situations import LEARN, NO_KIND, REVIEW, Situation
from tutor.scheduling.statuses import LOCKED, PolicyConfig

Value = TypeVar("Value", bound=np.generic)

TERMS = ("learn", "review", "finish", "fit", "information", "variety")


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """Pairs (m,) of a learner and a candidate's row, by learner, with score and weighted terms.

    `terms` also holds `unlocks`: how many locked skills of the goal the candidate leads to.
    """

    who: Rows
    rows: Rows
    scores: F
    terms: dict[str, F]


def candidates_score(
    situation: Situation, kinds: NDArray[np.int8], *, config: PolicyConfig
) -> Scored:
    """Return every candidate's score and its terms, each already weighted."""
    who, rows = np.nonzero(kinds != NO_KIND)
    pairs = _Pairs(situation, who, rows, kinds[who, rows])
    beliefs = situation.beliefs
    p_step = beliefs.p_correct if situation.p_step is None else situation.p_step
    information = pairs.of(beliefs.upper) - pairs.of(beliefs.lower)
    if situation.disagreement is not None:
        information = information + pairs.of(situation.disagreement)
    unlocks = pairs.unlocks
    terms = {
        "learn": config.weight_learn * _learn(pairs, unlocks, config=config),
        "review": config.weight_review * _review(pairs, config=config),
        "finish": np.where(pairs.may_wait, -config.weight_finish, 0.0),
        "fit": -config.weight_fit * np.abs(pairs.of(p_step) - config.target_p_correct),
        "information": config.weight_information * information,
        "variety": -config.weight_variety * pairs.of(situation.just_right)
        - config.weight_again_today * pairs.of(situation.right_today),
    }
    scores = sum(terms.values(), np.zeros(len(who)))
    return Scored(who=who, rows=rows, scores=scores, terms=terms | {"unlocks": unlocks})


@dataclass(frozen=True, eq=False)
class _Pairs:
    situation: Situation
    who: Rows
    rows: Rows
    kinds: NDArray[np.int8]

    def of(self, values: NDArray[Value]) -> NDArray[Value]:
        """Return (m,) what (learners, skills) holds of each pair."""
        return np.asarray(values[self.who, self.rows])

    @cached_property
    def unlocks(self) -> F:
        situation = self.situation
        locked = bits_of((situation.statuses.code == LOCKED) & situation.goal)
        counts = counts_within(situation.arrays.descendants, locked, who=self.who, rows=self.rows)
        return counts.astype(np.float64)

    @cached_property
    def may_wait(self) -> Mask:
        """Which candidates give way (m,): what rests, and what is new while begun skills wait."""
        is_new = self.kinds == LEARN
        rests = self.of(self.situation.rests) & ~is_new
        waiting = np.zeros(self.situation.n_learners, dtype=np.bool_)
        waiting[self.who[~is_new & ~rests]] = True
        return np.asarray(rests | (is_new & waiting[self.who]))

    @cached_property
    def retention(self) -> F:
        """What is left of P(mastery) now, (learners, skills)."""
        situation = self.situation
        now = situation.retention
        return situation.beliefs.p_mastery if now is None else now

    @cached_property
    def basis(self) -> F:
        """How well the least known prerequisite is still known, (m,); 1 without any."""
        gates = self.situation.arrays.gates_padded[self.rows]
        known = self.retention[self.who[:, None], np.maximum(gates, 0)]
        return np.asarray(np.where(gates >= 0, known, 1.0).min(axis=1))


def _learn(pairs: _Pairs, unlocks: F, *, config: PolicyConfig) -> F:
    """Chance to get it now, times how much of the goal it opens. A review teaches nothing new."""
    most = np.zeros(pairs.situation.n_learners)
    np.maximum.at(most, pairs.who, unlocks)
    reach = np.log1p(unlocks) / np.maximum(np.log1p(most), 1e-9)[pairs.who]
    # A skill that opens nothing is still worth learning for itself.
    worth = config.learn_floor + (1 - config.learn_floor) * reach
    gets_it = pairs.of(pairs.situation.beliefs.p_correct) * pairs.basis
    return np.where(pairs.kinds == REVIEW, 0.0, gets_it * worth)


def _review(pairs: _Pairs, *, config: PolicyConfig) -> F:
    """Retention lost by waiting for the horizon, on the skill and on the easier ones it covers."""
    situation = pairs.situation
    arrays, later = situation.arrays, situation.retention_later
    later = pairs.retention if later is None else later
    waits = np.maximum(config.mastery_enter - pairs.of(later), 0.0)
    lost = np.where(pairs.kinds == REVIEW, waits, 0.0)
    if len(arrays.cover_harder):
        faded = np.maximum(config.mastery_leave - later, 0.0)
        faded = faded * (situation.beliefs.n_observations > 0)
        covered = np.zeros(faded.shape)
        per_cover = faded[:, arrays.cover_easier] * arrays.cover_weight
        np.add.at(covered.T, arrays.cover_harder, per_cover.T)
        lost = lost + pairs.of(covered)
    return np.asarray(np.minimum(lost / config.mastery_enter, 1.0))
