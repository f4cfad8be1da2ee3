"""Which skills may be proposed at all: the fringe, what is due, a step back, and the caps. Pure."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tutor.scheduling.graph_arrays import F, Mask, bits_read
from tutor.scheduling.situations import (
    LEARN,
    NO_KIND,
    PRACTISE,
    REMEDIAL,
    REVIEW,
    Situation,
)
from tutor.scheduling.statuses import (
    LEARNING,
    MASTERED,
    READY,
    REVIEW_DUE,
    STATUSES,
    PolicyConfig,
)

_KIND_OF = np.full(len(STATUSES), NO_KIND, dtype=np.int8)
_KIND_OF[READY], _KIND_OF[LEARNING], _KIND_OF[REVIEW_DUE] = LEARN, PRACTISE, REVIEW

Kinds = NDArray[np.int8]


def candidates_find(situation: Situation, *, config: PolicyConfig) -> Kinds:
    """Return (learners, n) the kind in which each skill may be proposed, NO_KIND where not.

    A cap is dropped rather than leave a learner with nothing to do; a lock never is.
    """
    kinds = _KIND_OF[situation.statuses.code]
    kinds = np.where(situation.goal, kinds, NO_KIND).astype(np.int8)
    _remedy(kinds, situation)
    # Asked again they would tell nothing, and the same draw would come for ever.
    kinds[situation.exhausted] = NO_KIND
    return _capped(kinds, situation, config=config)


def _remedy(kinds: Kinds, situation: Situation) -> None:
    """Stop drilling a skill that spins; offer its weakest ancestor in its place, if any."""
    who, rows = np.nonzero(situation.spinning & (kinds == PRACTISE))
    if not len(who):
        return
    arrays, statuses = situation.arrays, situation.statuses
    may = statuses.is_open & (statuses.code != MASTERED)
    weak = bits_read(arrays.ancestors[rows], arrays.n) & may[who]
    p_correct = np.where(weak, situation.beliefs.p_correct[who], np.inf)
    has_one = weak.any(axis=1)
    who, weakest = who[has_one], np.argmin(p_correct, axis=1)[has_one]
    kinds[who, rows[has_one]] = NO_KIND
    kinds[who, weakest] = REMEDIAL


def _capped(kinds: Kinds, situation: Situation, *, config: PolicyConfig) -> Kinds:
    refused = situation.worn.copy()
    refused |= (kinds == LEARN) & (situation.new_today >= config.most_new_skills_a_day)[:, None]
    refused |= _reviews_for_later(kinds, situation, config=config)
    kept = np.where(refused, NO_KIND, kinds).astype(np.int8)
    is_empty = ~(kept != NO_KIND).any(axis=1)
    kept[is_empty] = kinds[is_empty]
    return kept


def _reviews_for_later(kinds: Kinds, situation: Situation, *, config: PolicyConfig) -> Mask:
    """Return the reviews that wait: today's share of a backlog goes to the most overdue."""
    is_review = kinds == REVIEW
    left = np.maximum(config.most_reviews_a_day - situation.reviews_today, 0)
    waits = np.zeros(kinds.shape, dtype=np.bool_)
    for learner in np.flatnonzero(is_review.sum(axis=1) > left).tolist():
        due = np.flatnonzero(is_review[learner])
        late = overdueness_of(situation, config=config)[learner, due]
        waits[learner, due[np.argsort(-late, kind="stable")[left[learner] :]]] = True
    return waits


def overdueness_of(situation: Situation, *, config: PolicyConfig) -> F:
    """Return (learners, n) how late a review is: by its dates, or by what was forgotten beyond."""
    if situation.overdueness is not None:
        return situation.overdueness
    leave = config.mastery_leave
    return np.asarray((leave - situation.beliefs.p_mastery) / leave)


def is_wheel_spinning(outcomes: Sequence[bool], *, config: PolicyConfig) -> bool:
    """Return whether a skill was practised ten times without three right in a row.

    Fewer opportunities are undetermined, not spinning. The order of `outcomes` does not matter.
    """
    if len(outcomes) < config.wheel_opportunities:
        return False
    run = 0
    for is_right in outcomes:
        run = run + 1 if is_right else 0
        if run >= config.wheel_run:
            return False
    return True
