"""What a policy is told and what it answers, for many learners at once. Pure: numpy only.

The site asks with one learner, a simulation with thousands; every array has a row per learner.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tutor.scheduling.graph_arrays import F, GraphArrays, Mask, Rows
from tutor.scheduling.statuses import BeliefArrays, StatusArrays


class Kind(StrEnum):
    """Why an activity is proposed."""

    LEARN = "learn"
    PRACTISE = "practise"
    REVIEW = "review"
    REMEDIAL = "remedial"


KINDS = tuple(Kind)
LEARN, PRACTISE, REVIEW, REMEDIAL = range(len(KINDS))
NO_KIND = -1
NOBODY = -1
"""The row of no skill: where a learner has nothing left to do."""


@dataclass(frozen=True, slots=True, eq=False)
class Situation:
    """Where learners stand; masks and floats are (n_learners, n_skills) unless said otherwise.

    `goal` (1 or n_learners, n_skills) are the skills that may be proposed. `just_right` are those
    of the last answer when it was right; `worn` were asked too often in a row; `exhausted` have
    nothing fresh left to ask in this sitting; `spinning` were practised in vain; `right_today`
    counts today's right answers. `rests` are those that had their share for now (see `resting`).
    `at_days` is now.
    `retention` is what is left of P(mastery) now, `retention_later` after the policy's review
    horizon without practice; `p_step` P(correct) of the best step at hand, `disagreement` that of
    two models on P(correct), `overdueness` how late a review is in units of its own interval; None
    where nobody can say.
    """

    arrays: GraphArrays
    beliefs: BeliefArrays
    statuses: StatusArrays
    goal: Mask
    just_right: Mask
    worn: Mask
    exhausted: Mask
    spinning: Mask
    right_today: F
    rests: Mask
    new_today: Rows
    reviews_today: Rows
    at_days: float = 0.0
    retention: F | None = None
    retention_later: F | None = None
    p_step: F | None = None
    disagreement: F | None = None
    overdueness: F | None = None

    @property
    def n_learners(self) -> int:
        """How many learners there are."""
        return len(self.new_today)


@dataclass(frozen=True, slots=True, eq=False)
class Decision:
    """What is offered to each learner; all (n_learners, k) but where said.

    `ranked` holds the rows of the candidates by falling score, NOBODY after the last; `propensity`
    the chance with which each is offered first, `scores` and `terms` what each is worth. `place`
    (n_learners,) says which one was drawn, NOBODY for nothing left to do. `kinds` is
    (n_learners, n_skills), NO_KIND for what is no candidate.
    """

    ranked: Rows
    propensity: F
    place: Rows
    kinds: NDArray[np.int8]
    scores: F
    terms: Mapping[str, F]

    @property
    def chosen(self) -> Rows:
        """The row of the skill that was drawn for each learner, NOBODY for nothing."""
        place = np.maximum(self.place, 0)[:, None]
        found = np.take_along_axis(self.ranked, place, axis=1)[:, 0]
        return np.where(self.place >= 0, found, NOBODY)


class Policy(Protocol):
    """Anything that chooses what is next, for many learners at once."""

    @property
    def name(self) -> str: ...

    def decide(self, situation: Situation, *, u: F) -> Decision:
        """Return the candidates and a draw; `u` (n_learners,) are uniform in [0, 1)."""


def drawn(
    who: Rows,
    rows: Rows,
    scores: F,
    terms: Mapping[str, F],
    *,
    kinds: NDArray[np.int8],
    u: F,
    most: int,
    temperature: float,
    epsilon: float,
) -> Decision:
    """Draw one of each learner's best candidates from a softmax with an epsilon floor.

    who, rows and scores (m,) are pairs of a learner and a candidate; ties go by row. Every
    candidate among the best `most` keeps at least epsilon / their number.
    """
    n_learners, k = len(u), max(most, 1)
    order = np.lexsort((rows, -scores, who))
    counts = np.bincount(who, minlength=n_learners)
    place_of = np.arange(len(order)) - (np.cumsum(counts) - counts)[who[order]]
    best = order[place_of < k]
    at = (who[best], place_of[place_of < k])

    def laid_out(values: F, empty: float) -> F:
        table = np.full((n_learners, k), empty)
        table[at] = values[best]
        return table

    ranked = np.full((n_learners, k), NOBODY, dtype=np.int64)
    ranked[at] = rows[best]
    values = laid_out(scores, -np.inf)
    is_there = ranked >= 0
    n = is_there.sum(axis=1)
    top = np.where(n > 0, values[:, 0], 0.0)[:, None]
    weights = np.where(is_there, np.exp((values - top) / temperature), 0.0)
    share = weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-300)
    floor = (epsilon / np.maximum(n, 1))[:, None]
    propensity = np.where(is_there, (1 - epsilon) * share + floor, 0.0)
    upto = np.cumsum(propensity, axis=1)
    place = (upto <= (u * upto[:, -1])[:, None]).sum(axis=1)
    return Decision(
        ranked=ranked,
        propensity=propensity,
        place=np.where(n > 0, np.minimum(place, n - 1), NOBODY),
        kinds=kinds,
        scores=values,
        terms={name: laid_out(term, 0.0) for name, term in terms.items()},
    )


def drawn_from(weights: F, *, kinds: NDArray[np.int8], u: F) -> Decision:
    """Draw one skill of each learner in proportion to weights (n_learners, n_skills).

    Only what was drawn is listed, with its propensity: for policies without a ranking.
    """
    upto = np.cumsum(weights, axis=1)
    total = upto[:, -1]
    row = (upto <= (u * total)[:, None]).sum(axis=1)
    row = np.minimum(row, weights.shape[1] - 1)
    found = np.take_along_axis(weights, row[:, None], axis=1)
    is_some = total > 0
    propensity = np.where(is_some[:, None], found / np.maximum(total, 1e-300)[:, None], 0.0)
    return Decision(
        ranked=np.where(is_some, row, NOBODY)[:, None],
        propensity=propensity,
        place=np.where(is_some, 0, NOBODY),
        kinds=kinds,
        scores=found,
        terms={},
    )


def best_of(scores: F, *, kinds: NDArray[np.int8]) -> Decision:
    """Take the highest finite score (n_learners, n_skills) of each learner, ties by row."""
    row = np.argmax(scores, axis=1)
    found = np.take_along_axis(scores, row[:, None], axis=1)
    is_some = np.isfinite(found)
    return Decision(
        ranked=np.where(is_some, row[:, None], NOBODY),
        propensity=is_some.astype(np.float64),
        place=np.where(is_some[:, 0], 0, NOBODY),
        kinds=kinds,
        scores=found,
        terms={},
    )
