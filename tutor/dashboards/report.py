"""A learner's report for those at home: plain words, no marks, nobody else in it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Count, Q, Sum
from django.db.models.functions import TruncDate

from tutor.accounts.models import User
from tutor.content.graph import CourseGraph, SkillNode, course_graph
from tutor.content.models import Course
from tutor.dashboards.learner import SkillRow, skills_of_learner
from tutor.responses.models import Response
from tutor.responses.selectors import with_effective_correctness
from tutor.scheduling.models import SkillStanding
from tutor.scheduling.selectors import day_start
from tutor.scheduling.statuses import Status
from tutor.tracing.selectors import EVIDENCE_MIN

PERIOD = timedelta(days=28)
# A skill's estimate is called sure when its interval begins above this.
SURE_FROM = 0.8
SHOWN = 12
NEXT_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Known:
    """A skill that counts as mastered, and whether the estimate is sure."""

    skill: SkillNode
    is_sure: bool
    is_new: bool


@dataclass(frozen=True, slots=True)
class LessonPart:
    """Skills of one lesson."""

    title: str
    skills: tuple[Known, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that the report says; the period ends now."""

    since: datetime
    until: datetime
    n_days: int
    n_answers: int
    n_right: int
    minutes: int
    known: tuple[LessonPart, ...]
    n_known: int
    n_new: int
    n_skills: int
    working: tuple[SkillNode, ...]
    early: tuple[SkillNode, ...]
    refresh: tuple[SkillNode, ...]
    coming: tuple[SkillNode, ...]


def report_of_learner(learner: User, course: Course, *, now: datetime) -> Report:
    """Read a learner's report (seven queries, whatever the history)."""
    graph = course_graph(course)
    skills = skills_of_learner(learner, course, now=now)
    since = day_start(now) - PERIOD
    new = set(
        SkillStanding.objects.filter(
            learner=learner, skill__course=course, is_mastered=True, mastered_at__gte=since
        ).values_list("skill_id", flat=True)
    )
    days = list(
        with_effective_correctness(
            Response.objects.filter(
                learner=learner,
                course=course,
                is_observation=True,
                answered_at__gte=since,
                answered_at__lte=now,
            )
        )
        .annotate(day=TruncDate("answered_at", tzinfo=ZoneInfo(settings.TIME_ZONE)))
        .values("day")
        .annotate(
            n=Count("id"),
            n_right=Count("id", filter=Q(effective_is_correct=True)),
            time=Sum("elapsed_ms"),
        )
        .values_list("n", "n_right", "time")
    )
    mastered = [row for row in skills.rows if row.status.status is Status.MASTERED]
    begun = [row for row in skills.rows if row.status.status is Status.LEARNING]
    offer = skills.offer
    proposed = [offer.first, *offer.alternatives] if offer.first else []
    return Report(
        since=since,
        until=now,
        n_days=len(days),
        n_answers=sum(day[0] for day in days),
        n_right=sum(day[1] for day in days),
        minutes=round(sum(day[2] or 0 for day in days) / 60_000),
        known=tuple(_by_lesson(mastered, new, graph)),
        n_known=len(mastered),
        n_new=sum(row.skill.id in new for row in mastered),
        n_skills=len(skills.rows),
        working=_nodes(row for row in begun if row.belief.n_observations >= EVIDENCE_MIN),
        early=_nodes(row for row in begun if 0 < row.belief.n_observations < EVIDENCE_MIN),
        refresh=_nodes(row for row in skills.rows if row.status.status is Status.REVIEW_DUE),
        coming=tuple(dict.fromkeys(graph.skill_of[candidate.skill_id] for candidate in proposed))[
            :NEXT_SHOWN
        ],
    )


def _nodes(rows: Iterable[SkillRow]) -> tuple[SkillNode, ...]:
    """Return the skills, those practised last first, as many as a page can say."""
    found = sorted(
        rows, key=lambda row: row.belief.last_at.timestamp() if row.belief.last_at else 0.0
    )
    return tuple(row.skill for row in found[::-1][:SHOWN])


def _by_lesson(rows: Iterable[SkillRow], new: set[int], graph: CourseGraph) -> Iterable[LessonPart]:
    parts: dict[str, list[Known]] = {}
    for row in rows:
        lessons = graph.lessons_by_skill[row.skill.id]
        parts.setdefault(lessons[0].title if lessons else "", []).append(
            Known(
                skill=row.skill,
                is_sure=row.belief.lower >= SURE_FROM,
                is_new=row.skill.id in new,
            )
        )
    return [LessonPart(title=title, skills=tuple(known)) for title, known in parts.items()]
