"""What if the class practised some skills this week: the serving model's own expectation."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from tutor.accounts.models import User
from tutor.common.clock import days_since_epoch
from tutor.content.graph import SkillNode, course_graph
from tutor.content.models import Course
from tutor.roster.models import Classroom
from tutor.roster.selectors import classroom_learners
from tutor.scheduling.outlooks import times_of_course
from tutor.scheduling.paths import pace_of
from tutor.scheduling.statuses import PolicyConfig
from tutor.tracing.engine import KTModelsError
from tutor.tracing.models import ModelVersion
from tutor.tracing.rehearsal import PlannedStep, rehearse
from tutor.tracing.selectors import beliefs_of_blobs, states_of_learners

HORIZON_DAYS = 7.0
SKILLS_MOST = 3
# States rolled forward by one answer, at most, for one question; more learners, fewer futures.
UPDATES_MOST = 6_000
FUTURES_LEAST, FUTURES_MOST = 3, 12
STEPS_MOST = 90
OUTCOMES = 400
# An outcome outside of this share of the drawn ones is left out of the range.
RANGE = (10, 90)
# Fewer than this share of a learner's futures end mastered: likely still not there.
UNLIKELY = 1 / 3


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is practised: sittings in the week, minutes in each."""

    sittings: int
    minutes: int


@dataclass(frozen=True, slots=True)
class Range:
    """A mean with the ends of the middle 80 % of drawn outcomes."""

    value: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class SkillOutlook:
    """One skill of the class: now, in a week without practice, and with it.

    `mastered_*` count who reaches the chance of mastery at which a status is entered: futures have
    no statuses, which remember that a skill was mastered and are kept down to a lower chance.
    """

    skill: SkillNode
    n: int
    n_evidence: int
    right_now: float
    right_idle: float
    right: Range
    mastered_now: int
    mastered_idle: int
    mastered: Range
    unlikely: tuple[User, ...]


@dataclass(frozen=True, slots=True)
class WhatIf:
    """The answer to a question, and what it rests on."""

    plan: Plan
    skills: tuple[SkillOutlook, ...]
    steps_a_sitting: int
    minutes_a_step: float
    n_times: int
    n_learners: int
    n_futures: int
    version: ModelVersion


def what_if(
    classroom: Classroom, skill_ids: Sequence[int], plan: Plan, *, now: datetime, seed: int
) -> WhatIf | None:
    """Forecast a week of practice by every learner of the class (three queries).

    Four where none of them has a state yet. None where the class is empty or the model cannot be
    asked.
    """
    course = classroom.course
    graph = course_graph(course)
    learners = classroom_learners(classroom)
    if not learners:
        return None
    ids = [learner.pk for learner in learners]
    held = states_of_learners(ids, course, now=now)
    version, blobs = held.version, [held.blobs[pk] for pk in ids]
    minutes_a_step, n_times = _pace(course)
    a_sitting = max(1, min(round(plan.minutes / minutes_a_step), STEPS_MOST // plan.sittings))
    steps = _steps(skill_ids, plan, a_sitting=a_sitting, minutes_a_step=minutes_a_step, now=now)
    n_futures = int(
        np.clip(UPDATES_MOST // (len(learners) * len(steps)), FUTURES_LEAST, FUTURES_MOST)
    )
    end = days_since_epoch(now) + HORIZON_DAYS
    rng = np.random.default_rng(seed)
    try:
        futures = rehearse(
            version, blobs, steps, skill_ids=skill_ids, at_days=end, n_futures=n_futures, rng=rng
        )
        idle = rehearse(version, blobs, [], skill_ids=skill_ids, at_days=end, n_futures=1, rng=rng)
    except KTModelsError:
        return None
    beliefs = beliefs_of_blobs(
        version,
        blobs,
        learner_ids=ids,
        skill_ids=skill_ids,
        now=now,
    )
    enter = PolicyConfig().mastery_enter
    outlooks = []
    for column, skill_id in enumerate(skill_ids):
        is_there = futures.p_mastery[:, :, column] >= enter
        outlooks.append(
            SkillOutlook(
                skill=graph.skill_of[skill_id],
                n=len(learners),
                n_evidence=int((beliefs.n_observations[:, column] > 0).sum()),
                right_now=float(beliefs.p_correct[:, column].mean()),
                right_idle=float(idle.p_correct[0, :, column].mean()),
                right=_range(futures.p_correct[:, :, column], rng, is_mean=True),
                mastered_now=int((beliefs.p_mastery[:, column] >= enter).sum()),
                mastered_idle=int((idle.p_mastery[0, :, column] >= enter).sum()),
                mastered=_range(is_there.astype(np.float64), rng, is_mean=False),
                unlikely=tuple(
                    learner
                    for learner, share in zip(learners, is_there.mean(axis=0), strict=True)
                    if share < UNLIKELY
                ),
            )
        )
    return WhatIf(
        plan=plan,
        skills=tuple(outlooks),
        steps_a_sitting=a_sitting,
        minutes_a_step=minutes_a_step,
        n_times=n_times,
        n_learners=len(learners),
        n_futures=n_futures,
        version=version,
    )


def _pace(course: Course) -> tuple[float, int]:
    """Return the minutes that a step takes on this course, and from how many times."""
    times = times_of_course(course)
    pace = pace_of(own_ms=[], course_ms=times, minutes_a_week=None)
    return (pace.step_low + pace.step_high) / 2, len(times)


def _steps(
    skill_ids: Sequence[int], plan: Plan, *, a_sitting: int, minutes_a_step: float, now: datetime
) -> list[PlannedStep]:
    """Spread the sittings evenly over the week, and mix the skills within each."""
    begin = days_since_epoch(now)
    gap = HORIZON_DAYS / (plan.sittings + 1)
    return [
        PlannedStep(
            skill_id=skill_ids[(sitting * a_sitting + step) % len(skill_ids)],
            at_days=begin + gap * (sitting + 1) + step * minutes_a_step / 1440,
        )
        for sitting in range(plan.sittings)
        for step in range(a_sitting)
    ]


def _range(values: NDArray[np.float64], rng: np.random.Generator, *, is_mean: bool) -> Range:
    """Return the class's total or mean (n_futures, n_learners) over outcomes.

    Learners do not depend on each other, so an outcome takes any of each learner's futures.
    """
    n_futures, n_learners = values.shape
    pick = rng.integers(0, n_futures, (OUTCOMES, n_learners))
    outcomes = values[pick, np.arange(n_learners)].sum(axis=1)
    expected = float(values.mean(axis=0).sum())
    if is_mean:
        outcomes, expected = outcomes / n_learners, expected / n_learners
    lower, upper = np.percentile(outcomes, RANGE)
    return Range(value=expected, lower=float(lower), upper=float(upper))
