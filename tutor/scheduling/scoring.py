"""What each candidate is worth: the terms of its score, for many learners at once. Pure."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tutor.scheduling.graph_arrays import F, bits_of, counts_within, gates_min
from tutor.scheduling.situations import NO_KIND, REVIEW, Situation
from tutor.scheduling.statuses import LOCKED, PolicyConfig

TERMS = ("learn", "review", "fit", "information", "variety")


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """Scores (learners, n), -inf for what is no candidate; their weighted terms; unlock counts."""

    scores: F
    terms: dict[str, F]
    unlocks: NDArray[np.int64]


def candidates_score(
    situation: Situation, kinds: NDArray[np.int8], *, config: PolicyConfig
) -> Scored:
    """Return every candidate's score and its terms, each already weighted."""
    beliefs = situation.beliefs
    is_candidate = kinds != NO_KIND
    locked = bits_of((situation.statuses.code == LOCKED) & situation.goal)
    unlocks = np.where(is_candidate, counts_within(situation.arrays.descendants, locked), 0)
    p_step = beliefs.p_correct if situation.p_step is None else situation.p_step
    information = beliefs.upper - beliefs.lower
    if situation.disagreement is not None:
        information = information + situation.disagreement
    terms = {
        "learn": config.weight_learn * _learn(situation, kinds, unlocks, config=config),
        "review": config.weight_review * _review(situation, kinds, config=config),
        "fit": -config.weight_fit * np.abs(p_step - config.target_p_correct),
        "information": config.weight_information * information,
        "variety": np.where(situation.just_right, -config.weight_variety, 0.0),
    }
    scores = np.where(is_candidate, sum(terms.values(), np.zeros(kinds.shape)), -np.inf)
    return Scored(scores=scores, terms=terms, unlocks=unlocks)


def _learn(
    situation: Situation,
    kinds: NDArray[np.int8],
    unlocks: NDArray[np.int64],
    *,
    config: PolicyConfig,
) -> F:
    """Chance to get it now, times how much of the goal it opens. A review teaches nothing new."""
    most = np.log1p(unlocks.max(axis=1, initial=0))[:, None]
    reach = np.log1p(unlocks) / np.where(most > 0, most, 1.0)
    # A skill that opens nothing is still worth learning for itself.
    worth = config.learn_floor + (1 - config.learn_floor) * reach
    basis = gates_min(situation.arrays, situation.beliefs.p_mastery)
    gets_it = situation.beliefs.p_correct * basis
    return np.where(kinds == REVIEW, 0.0, gets_it * worth)


def _review(situation: Situation, kinds: NDArray[np.int8], *, config: PolicyConfig) -> F:
    """Retention lost by waiting for the horizon, on the skill and on the easier ones it covers."""
    arrays, beliefs = situation.arrays, situation.beliefs
    later = situation.p_mastery_later
    later = beliefs.p_mastery if later is None else later
    lost = np.where(kinds == REVIEW, np.maximum(config.mastery_enter - later, 0.0), 0.0)
    if len(arrays.cover_harder):
        faded = np.maximum(config.mastery_leave - later, 0.0) * (beliefs.n_observations > 0)
        per_cover = faded[:, arrays.cover_easier] * arrays.cover_weight
        np.add.at(lost.T, arrays.cover_harder, per_cover.T)
    return np.asarray(np.minimum(lost / config.mastery_enter, 1.0))
