"""A class as it works now: who is on what, the last answer, who may be stuck."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from tutor.accounts.models import User
from tutor.content.graph import SkillNode, course_graph
from tutor.practice.models import Activity, Session
from tutor.responses.models import Response
from tutor.responses.selectors import effective_correctness
from tutor.roster.models import Classroom
from tutor.roster.selectors import classroom_learners

# Who did nothing for so long is not working now.
HERE_WITHIN = timedelta(minutes=15)
# So long on one step without an answer, or so many of the newest answers wrong, may be stuck.
STILL_AFTER = timedelta(minutes=4)
ANSWERS_WITHIN = timedelta(hours=1)
NEWEST = 5
WRONG_IN_A_ROW = 3
REFRESH_SECONDS = 8


class Now(StrEnum):
    """How a learner stands at the moment, those to go to first."""

    STUCK = "stuck"
    STILL = "still"
    WORKING = "working"
    AWAY = "away"


@dataclass(frozen=True, slots=True)
class Answer:
    """One of the newest responses of a learner."""

    is_right: bool
    kind: str
    at: datetime


@dataclass(frozen=True, slots=True)
class LiveRow:
    """A learner as the live view shows them; `newest` begins with the newest answer."""

    learner: User
    now: Now
    skill: SkillNode | None
    problem: str
    step_since: datetime | None
    last_active_at: datetime | None
    newest: tuple[Answer, ...]
    tries: int
    n_hour: int


def live_of_class(classroom: Classroom, *, now: datetime) -> tuple[LiveRow, ...]:
    """Return everybody in the class, those to go to first (four queries, whatever the history)."""
    graph = course_graph(classroom.course)
    learners = classroom_learners(classroom)
    ids = [learner.pk for learner in learners]
    activities = {
        activity.session.learner_id: activity
        for activity in Activity.objects.select_related("session", "revision__problem")
        .defer("revision__document", "feedback")
        .filter(
            session__learner_id__in=ids,
            session__course=classroom.course_id,
            session__last_active_at__gt=now - HERE_WITHIN,
            session__ended_at=None,
            finished_at=None,
        )
        .order_by("session_id")
    }
    sessions: dict[int, datetime] = dict(
        Session.objects.filter(
            learner_id__in=ids,
            course=classroom.course_id,
            last_active_at__gt=now - HERE_WITHIN,
            ended_at=None,
        ).values_list("learner_id", "last_active_at")
    )
    answers_of = _answers(ids, classroom, now=now)
    rows = []
    for learner in learners:
        activity = activities.get(learner.pk)
        of_hour = answers_of.get(learner.pk, [])
        answers = tuple(of_hour[:NEWEST])
        rows.append(
            LiveRow(
                learner=learner,
                now=_now(activity, sessions.get(learner.pk), answers, now=now),
                skill=graph.skill_of.get(activity.skill_id_aim or 0) if activity else None,
                problem=str(activity.revision.problem) if activity else "",
                step_since=activity.step_shown_at if activity else None,
                last_active_at=sessions.get(learner.pk),
                newest=answers,
                tries=activity.tries if activity else 0,
                n_hour=len(of_hour),
            )
        )
    order = list(Now)
    return tuple(sorted(rows, key=lambda row: order.index(row.now)))


def _now(
    activity: Activity | None,
    active_at: datetime | None,
    newest: Sequence[Answer],
    *,
    now: datetime,
) -> Now:
    if active_at is None:
        return Now.AWAY
    run = newest[:WRONG_IN_A_ROW]
    if len(run) == WRONG_IN_A_ROW and not any(answer.is_right for answer in run):
        return Now.STUCK
    if (
        activity is not None
        and not activity.is_solved
        and now - max(active_at, activity.step_shown_at) > STILL_AFTER
    ):
        return Now.STILL
    return Now.WORKING


def _answers(
    learner_ids: Sequence[int], classroom: Classroom, *, now: datetime
) -> dict[int, list[Answer]]:
    """Return each learner's first answers of the last hour, newest first."""
    rows = (
        Response.objects.filter(
            learner_id__in=learner_ids,
            course=classroom.course_id,
            is_observation=True,
            answered_at__gt=now - ANSWERS_WITHIN,
            answered_at__lte=now,
        )
        .order_by("-answered_at", "-id")
        .values_list("learner_id", effective_correctness(), "kind", "answered_at")
    )
    found: dict[int, list[Answer]] = {}
    for learner_id, is_right, kind, at in rows:
        found.setdefault(learner_id, []).append(Answer(is_right=is_right, kind=kind, at=at))
    return found
