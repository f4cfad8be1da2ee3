"""What lies ahead of a learner: the way to the goal, the sitting at hand, reviews that fall due."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from django.db.models import Min, QuerySet, Sum

from tutor.accounts.models import User
from tutor.content.graph import course_graph
from tutor.content.models import Course
from tutor.responses.models import Response
from tutor.scheduling.guidance import Aim, Guidance, guidance_of_learner
from tutor.scheduling.models import SkillStanding
from tutor.scheduling.paths import (
    GoalPath,
    Pace,
    SittingPlan,
    pace_of,
    path_to_goal,
    sitting_plan,
)
from tutor.scheduling.selectors import View, standings_of_learner, view_of
from tutor.scheduling.services import Offer
from tutor.scheduling.situations import Kind
from tutor.tracing.selectors import LearnerBeliefs, beliefs_of_learner

# How many newest times a pace is read from, and the longest that a step is believed to take.
OWN_TIMES, COURSE_TIMES = 60, 600
LONGEST_MS = 15 * 60_000
RECENT_WEEKS = 3
WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class AimPath:
    """An aim with what is left of it; `aim` is None for the course as a whole."""

    aim: Aim | None
    path: GoalPath


def pace_of_learner(learner: User, course: Course, *, now: datetime) -> Pace:
    """Return the learner's pace (three queries)."""
    own = timed_responses(course).filter(learner=learner).order_by("-answered_at", "-id")
    recent = Response.objects.filter(
        learner=learner, course=course, answered_at__gte=now - RECENT_WEEKS * WEEK
    ).aggregate(total=Sum("elapsed_ms"), first=Min("answered_at"))
    minutes = None
    if recent["total"] and recent["first"]:
        weeks = max((now - recent["first"]) / WEEK, 1.0)
        minutes = recent["total"] / 60_000 / weeks
    return pace_of(
        own_ms=_times(own, OWN_TIMES),
        course_ms=times_of_course(course),
        minutes_a_week=minutes,
    )


def timed_responses(course: Course) -> "QuerySet[Response]":
    """Return the first answers whose time says how long a step takes."""
    return Response.objects.filter(
        course=course, is_observation=True, elapsed_ms__gt=0, elapsed_ms__lte=LONGEST_MS
    )


def times_of_course(course: Course) -> list[int]:
    """Return the newest times of everybody on a course, in milliseconds (one query)."""
    return _times(timed_responses(course).order_by("-id"), COURSE_TIMES)


def _times(rows: "QuerySet[Response]", most: int) -> list[int]:
    return [ms for ms in rows.values_list("elapsed_ms", flat=True)[:most] if ms is not None]


def aim_paths(view: View, guidance: Guidance, *, pace: Pace, now: datetime) -> tuple[AimPath, ...]:
    """Return what is left of each aim, the most pressing first; of the course when there is none.

    Costs no query.
    """
    whole = np.ones(view.arrays.n, dtype=np.bool_)
    aims: Sequence[Aim | None] = guidance.aims or (None,)
    return tuple(
        AimPath(
            aim=aim,
            path=path_to_goal(
                view.arrays,
                view.many,
                view.beliefs.p_mastery,
                whole if aim is None else view.arrays.closure(aim.skill_ids),
                pace=pace,
                weeks_until_due=(
                    None if aim is None or aim.due_at is None else (aim.due_at - now) / WEEK
                ),
            ),
        )
        for aim in aims
    )


def paths_of_learner(
    learner: User,
    course: Course,
    *,
    now: datetime,
    beliefs: LearnerBeliefs | None = None,
) -> tuple[AimPath, ...]:
    """Return what is left of each of the learner's aims (five queries, seven without beliefs)."""
    graph = course_graph(course)
    guidance = guidance_of_learner(learner, course, now=now)
    view = view_of(
        graph,
        beliefs or beliefs_of_learner(learner, course, now=now),
        standings_of_learner(learner, graph),
        course=course,
        guidance=guidance,
    )
    return aim_paths(view, guidance, pace=pace_of_learner(learner, course, now=now), now=now)


def sitting_of_offer(offer: Offer, *, pace: Pace, minutes: float = 20.0) -> SittingPlan:
    """Return a sitting of about `minutes` from an offer at hand."""
    candidates = [(row.skill_id, Kind(row.kind)) for row in offer.candidates]
    if offer.drawn is not None:
        # What is offered first comes first in its part of the sitting.
        candidates.insert(0, candidates.pop(offer.drawn))
    return sitting_plan(candidates, pace=pace, minutes=minutes)


@dataclass(frozen=True, slots=True)
class DueReview:
    """A review that is due: of whom, of what, since when, how late in its own interval."""

    learner_id: int
    skill_id: int
    due_at: datetime
    lateness: float


def reviews_due(
    course: Course, *, learner_ids: Sequence[int] | None = None, until: datetime
) -> list[DueReview]:
    """Return the reviews due until a moment, of all learners or those named (one query).

    By learner, the most overdue in terms of its own interval first.
    """
    rows = SkillStanding.objects.filter(
        skill__course=course,
        skill__is_retired=False,
        mastered_at__isnull=False,
        review_due_at__lte=until,
    )
    if learner_ids is not None:
        rows = rows.filter(learner_id__in=learner_ids)
    found = [
        DueReview(
            learner_id=learner_id,
            skill_id=skill_id,
            due_at=due_at,
            lateness=_lateness(due_at, right_at or mastered_at, until=until),
        )
        for learner_id, skill_id, due_at, right_at, mastered_at in rows.values_list(
            "learner_id", "skill_id", "review_due_at", "right_at", "mastered_at"
        ).iterator(chunk_size=5_000)
        if due_at is not None and mastered_at is not None
    ]
    found.sort(key=lambda review: (review.learner_id, -review.lateness, review.skill_id))
    return found


def _lateness(due_at: datetime, right_at: datetime, *, until: datetime) -> float:
    lasted = max((due_at - right_at).total_seconds(), 86_400.0)
    return (until - due_at).total_seconds() / lasted
