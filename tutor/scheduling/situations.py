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
    nothing fresh left to ask in this sitting; `spinning` were practised in vain. `p_mastery_later`
    is the forecast after the policy's review horizon without practice. `p_step` is P(correct) of
    the best step at hand, `disagreement` that of two models on P(correct), `overdueness` how late
    a review is in units of its own interval; each None where nobody can say.
    """

    arrays: GraphArrays
    beliefs: BeliefArrays
    statuses: StatusArrays
    goal: Mask
    just_right: Mask
    worn: Mask
    exhausted: Mask
    spinning: Mask
    new_today: Rows
    reviews_today: Rows
    p_mastery_later: F | None = None
    p_step: F | None = None
    disagreement: F | None = None
    overdueness: F | None = None

    @property
    def n_learners(self) -> int:
        """How many learners there are."""
        return len(self.new_today)


@dataclass(frozen=True, slots=True, eq=False)
class Decision:
    """What is offered to each learner.

    `ranked` (n_learners, k) holds the rows of the candidates by falling score, NOBODY after the
    last; `propensity` the chance with which each is offered first; `place` (n_learners,) which one
    was drawn, NOBODY for nothing left to do. `kinds` and `scores` are (n_learners, n_skills), with
    NO_KIND and -inf for what is no candidate; every term of a score is kept under its name.
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


def ranked_of(scores: F, *, most: int) -> tuple[Rows, F]:
    """Return the rows of the best `most` finite scores by falling score, and those scores.

    Ties go by row; NOBODY and -inf stand where a learner has fewer.
    """
    k = min(most, scores.shape[1])
    if k < scores.shape[1]:
        # Everything that ties with the k-th must compete, or the row would not decide a tie.
        kth = -np.partition(-scores, k - 1, axis=1)[:, k - 1]
        width = max(int((scores >= kth[:, None]).sum(axis=1).max()), k) if len(scores) else k
        width = min(width, scores.shape[1])
        part = np.argpartition(-scores, width - 1, axis=1)[:, :width]
        part.sort(axis=1)
    else:
        part = np.broadcast_to(np.arange(scores.shape[1]), scores.shape)
    values = np.take_along_axis(scores, part, axis=1)
    best = np.argsort(-values, axis=1, kind="stable")[:, :k]
    found = np.take_along_axis(values, best, axis=1)
    rows = np.where(np.isfinite(found), np.take_along_axis(part, best, axis=1), NOBODY)
    return rows, found


def drawn(
    kinds: NDArray[np.int8],
    scores: F,
    terms: Mapping[str, F],
    *,
    u: F,
    most: int,
    temperature: float,
    epsilon: float,
) -> Decision:
    """Draw one of each learner's best candidates from a softmax with an epsilon floor.

    Every candidate keeps at least epsilon / n; a temperature of 0 takes the best but for the floor.
    """
    ranked, values = ranked_of(scores, most=most)
    is_there = ranked >= 0
    n = is_there.sum(axis=1, keepdims=True)
    if temperature > 0:
        top = np.where(np.isfinite(values[:, :1]), values[:, :1], 0.0)
        weights = np.where(is_there, np.exp((values - top) / temperature), 0.0)
    else:
        weights = np.zeros(values.shape)
        weights[:, 0] = is_there[:, 0]
    total = np.maximum(weights.sum(axis=1, keepdims=True), 1e-300)
    floor = epsilon / np.maximum(n, 1)
    propensity = np.where(is_there, (1 - epsilon) * weights / total + floor, 0.0)
    upto = np.cumsum(propensity, axis=1)
    place = (upto <= (u * upto[:, -1])[:, None]).sum(axis=1)
    place = np.where(n[:, 0] > 0, np.minimum(place, n[:, 0] - 1), NOBODY)
    return Decision(
        ranked=ranked, propensity=propensity, place=place, kinds=kinds, scores=scores, terms=terms
    )
