"""What a placement guessed and what a teacher said, laid over what a model believes. Pure.

The model's own beliefs are never changed: pages show them beside what was said.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tutor.scheduling.graph_arrays import F, GraphArrays
from tutor.scheduling.statuses import BeliefArrays, PolicyConfig, StandingArrays

# A word that counts for less than this changes no status any more, only the score.
IN_FORCE = 0.5
P_CORRECT_KNOWN = 0.9
P_CORRECT_NOT_YET = 0.3


@dataclass(frozen=True, slots=True)
class Word:
    """A teacher's word on a skill: `says` is knows, not_yet or open; `weight` from 1 down to 0."""

    skill_id: int
    says: str
    weight: float

    @property
    def is_in_force(self) -> bool:
        """Whether it still decides the status."""
        return self.weight >= IN_FORCE


def word_weight(*, age_days: float, half_life_days: float) -> float:
    """Return what a word counts for: all at first, half as much after every half-life."""
    return float(2.0 ** (-max(age_days, 0.0) / half_life_days))


@dataclass(frozen=True, slots=True, eq=False)
class OverlaidBeliefs:
    """Beliefs of one learner with everything else that is known, each (n_skills,)."""

    p_correct: F
    p_mastery: F
    lower: F
    upper: F
    n_observations: NDArray[np.int64]


def beliefs_overlay(
    arrays: GraphArrays,
    beliefs: BeliefArrays,
    *,
    placed: Mapping[int, float],
    words: Sequence[Word],
    config: PolicyConfig,
) -> BeliefArrays:
    """Return one learner's beliefs with what a placement guessed of skills that nobody has
    observed, and with teachers' words. The same object when there is neither."""
    guesses = {
        arrays.row_of[skill]: p
        for skill, p in placed.items()
        if skill in arrays.row_of and not beliefs.n_observations[arrays.row_of[skill]]
    }
    heard = [word for word in words if word.skill_id in arrays.row_of and word.says != "open"]
    if not guesses and not heard:
        return beliefs
    over = OverlaidBeliefs(
        p_correct=beliefs.p_correct.copy(),
        p_mastery=beliefs.p_mastery.copy(),
        lower=beliefs.lower.copy(),
        upper=beliefs.upper.copy(),
        n_observations=beliefs.n_observations.copy(),
    )
    for row, p in guesses.items():
        known = P_CORRECT_NOT_YET + (P_CORRECT_KNOWN - P_CORRECT_NOT_YET) * p
        moved = known - float(over.p_correct[row])
        over.p_mastery[row] = p
        over.p_correct[row] = known
        over.lower[row] = np.clip(over.lower[row] + moved, 0.0, known)
        over.upper[row] = np.clip(over.upper[row] + moved, known, 1.0)
    for word in heard:
        row, w = arrays.row_of[word.skill_id], word.weight
        knows = word.says == "knows"
        p_correct = P_CORRECT_KNOWN if knows else P_CORRECT_NOT_YET
        over.p_mastery[row] = (1 - w) * over.p_mastery[row] + w * knows
        for values in (over.p_correct, over.lower, over.upper):
            values[row] = (1 - w) * values[row] + w * p_correct
        if knows and word.is_in_force:
            least = config.mastery_min_observations
            over.n_observations[row] = max(int(over.n_observations[row]), least)
    return over


def standings_overlay(
    arrays: GraphArrays, standings: StandingArrays, words: Sequence[Word]
) -> StandingArrays:
    """Return one learner's standings, masks (1, n_skills), with the words that are in force."""
    in_force = [word for word in words if word.is_in_force and word.skill_id in arrays.row_of]
    if not in_force:
        return standings
    over = StandingArrays(
        is_open=standings.is_open.copy(),
        is_mastered=standings.is_mastered.copy(),
        was_mastered=standings.was_mastered.copy(),
        is_due=standings.is_due.copy(),
    )
    for word in in_force:
        at = (0, arrays.row_of[word.skill_id])
        if word.says != "not_yet":
            over.is_open[at] = True
        if word.says != "open":
            knows = word.says == "knows"
            over.is_mastered[at] = over.was_mastered[at] = knows
            over.is_due[at] = False
    return over
