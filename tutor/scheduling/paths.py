"""The way to a goal, what fits in a sitting, and whether a date can be met. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from tutor.scheduling.graph_arrays import F, GraphArrays, Mask
from tutor.scheduling.situations import Kind
from tutor.scheduling.statuses import LOCKED, MASTERED, READY, REVIEW_DUE, UNKNOWN, StatusArrays

# Answers that a skill takes from nothing to mastery: few when all goes well, more when not.
STEPS_LEAST, STEPS_MOST = 4, 9
REVIEW_STEPS = 2
LESSON_MINUTES = (2.0, 5.0)
SITTING_MINUTES = 20.0
# Reviews take at most this share of a sitting, new lessons at most this many.
REVIEW_SHARE = 0.4
NEW_LESSONS = 2


@dataclass(frozen=True, slots=True)
class Pace:
    """Minutes that one step takes, as a range, and minutes that the learner gives in a week."""

    step_low: float
    step_high: float
    minutes_a_week: float


@dataclass(frozen=True, slots=True)
class PathSkill:
    """A skill on the way, and the minutes that it may still take."""

    skill_id: int
    minutes_low: float
    minutes_high: float


class Fit(StrEnum):
    """Whether a goal fits before its date at the learner's pace."""

    DONE = "done"
    FITS = "fits"
    TIGHT = "tight"
    TOO_MUCH = "too_much"
    NO_DATE = "no_date"


@dataclass(frozen=True, slots=True)
class GoalPath:
    """What is left of a goal: skills in an order that can be learned, and time as a range.

    `n_skills` counts the goal with everything it builds on, as far as that can be practised.
    """

    left: tuple[PathSkill, ...]
    n_skills: int
    minutes_low: float
    minutes_high: float
    minutes_until_due: float | None
    fit: Fit

    @property
    def n_mastered(self) -> int:
        """How many skills of the goal are mastered."""
        return self.n_skills - len(self.left)


def path_to_goal(
    arrays: GraphArrays,
    statuses: StatusArrays,
    p_mastery: F,
    goal: Mask,
    *,
    pace: Pace,
    weeks_until_due: float | None,
) -> GoalPath:
    """Return one learner's way to a goal mask (n,): its skills that are not mastered, in an order
    in which each comes after what it builds on."""
    code = statuses.code[0]
    rows = [
        row for row in arrays.order.tolist() if goal[row] and code[row] not in (MASTERED, UNKNOWN)
    ]
    left = tuple(
        _skill_left(arrays, int(code[row]), float(p_mastery[row]), row, pace) for row in rows
    )
    low = sum(skill.minutes_low for skill in left)
    high = sum(skill.minutes_high for skill in left)
    until = None if weeks_until_due is None else max(weeks_until_due, 0.0) * pace.minutes_a_week
    return GoalPath(
        left=left,
        n_skills=int((goal & (code != UNKNOWN)).sum()),
        minutes_low=low,
        minutes_high=high,
        minutes_until_due=until,
        fit=_fit(bool(left), low, high, until),
    )


def _skill_left(
    arrays: GraphArrays, code: int, p_mastery: float, row: int, pace: Pace
) -> PathSkill:
    if code == REVIEW_DUE:
        least = most = float(REVIEW_STEPS)
    else:
        share = 1.0 - min(max(p_mastery, 0.0), 1.0)
        least, most = 1 + (STEPS_LEAST - 1) * share, 2 + (STEPS_MOST - 2) * share
    lesson = LESSON_MINUTES if code in (READY, LOCKED) else (0.0, 0.0)
    return PathSkill(
        skill_id=arrays.skill_ids[row],
        minutes_low=least * pace.step_low + lesson[0],
        minutes_high=most * pace.step_high + lesson[1],
    )


def _fit(is_left: bool, low: float, high: float, until: float | None) -> Fit:
    if not is_left:
        return Fit.DONE
    if until is None:
        return Fit.NO_DATE
    if high <= until:
        return Fit.FITS
    return Fit.TIGHT if low <= until else Fit.TOO_MUCH


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a sitting: what for, on which skills, for how long."""

    kind: Kind
    skill_ids: tuple[int, ...]
    minutes: float


@dataclass(frozen=True, slots=True)
class SittingPlan:
    """A sitting: reviews first, then one or two new lessons, then mixed practice."""

    blocks: tuple[Block, ...]

    @property
    def minutes(self) -> float:
        """How long it takes, in all."""
        return sum(block.minutes for block in self.blocks)


def sitting_plan(
    candidates: Sequence[tuple[int, Kind]],
    *,
    pace: Pace,
    minutes: float = SITTING_MINUTES,
) -> SittingPlan:
    """Return a sitting of about `minutes` from candidates (skill, kind) by falling score.

    What is new is practised in the same sitting, mixed with what was begun before.
    """
    step = (pace.step_low + pace.step_high) / 2
    reviews = [skill for skill, kind in candidates if kind is Kind.REVIEW]
    new = [skill for skill, kind in candidates if kind is Kind.LEARN][:NEW_LESSONS]
    begun = [skill for skill, kind in candidates if kind in (Kind.PRACTISE, Kind.REMEDIAL)]
    review_minutes = REVIEW_STEPS * step
    share = REVIEW_SHARE if new or begun else 1.0
    n_reviews = min(len(reviews), max(1, int(share * minutes / review_minutes)))
    left = minutes - n_reviews * review_minutes
    blocks = []
    if n_reviews:
        blocks.append(
            Block(Kind.REVIEW, tuple(reviews[:n_reviews]), round(n_reviews * review_minutes, 1))
        )
    lesson = sum(LESSON_MINUTES) / 2
    n_new = 0
    while n_new < len(new) and left >= lesson + STEPS_LEAST * step:
        left -= lesson + STEPS_LEAST * step
        n_new += 1
    if n_new:
        taken = n_new * (lesson + STEPS_LEAST * step)
        blocks.append(Block(Kind.LEARN, tuple(new[:n_new]), round(taken, 1)))
    mixed = (*begun, *new[:n_new])
    if mixed and left >= step:
        blocks.append(Block(Kind.PRACTISE, mixed, round(left, 1)))
    return SittingPlan(blocks=tuple(blocks))


def pace_of(
    *, own_ms: Sequence[int], course_ms: Sequence[int], minutes_a_week: float | None
) -> Pace:
    """Return a pace from times of single steps, the learner's own and everybody's.

    With few own times the course's count more; with none at all a step takes 1 to 3 minutes, and a
    learner who has not begun is taken to give three sittings a week.
    """
    low, high = 1.0, 3.0
    if len(course_ms) >= 5:
        low, high = (float(q) / 60_000 for q in np.percentile(course_ms, [25, 75]))
    if len(own_ms) >= 5:
        share = min(len(own_ms) / 30, 1.0)
        own_low, own_high = (float(q) / 60_000 for q in np.percentile(own_ms, [25, 75]))
        low, high = low + share * (own_low - low), high + share * (own_high - high)
    low = max(low, 0.2)
    return Pace(
        step_low=low,
        step_high=max(high, 1.2 * low),
        minutes_a_week=3 * SITTING_MINUTES if minutes_a_week is None else minutes_a_week,
    )
