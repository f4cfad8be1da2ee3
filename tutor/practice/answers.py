"""A learner's own answers: found, counted, and with the time that each took.

The drill-down of every number on a learner's pages, so what is counted here is what they show.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Count, Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.utils.translation import gettext as _

from tutor.accounts.models import User
from tutor.content.models import Course
from tutor.responses.models import Response
from tutor.responses.selectors import (
    JudgedResponse,
    effective_correctness,
    with_effective_correctness,
)

# A try that follows within this time may belong to a step that was shown before the period.
TRIES_WITHIN = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days at the school; `last` is the last of them."""

    first: date
    last: date

    @property
    def begins_at(self) -> datetime:
        """The first moment."""
        return datetime.combine(self.first, time(), ZoneInfo(settings.TIME_ZONE))

    @property
    def ends_at(self) -> datetime:
        """The moment after the last."""
        return datetime.combine(self.last + timedelta(days=1), time(), ZoneInfo(settings.TIME_ZONE))


def school_day(moment: datetime) -> date:
    """Return the day at the school."""
    return moment.astimezone(ZoneInfo(settings.TIME_ZONE)).date()


def week_of(day: date) -> Period:
    """Return the week from Monday to Sunday that a day is in."""
    monday = day - timedelta(days=day.weekday())
    return Period(first=monday, last=monday + timedelta(days=6))


@dataclass(frozen=True, slots=True)
class AnswerLine:
    """A response as far as it is counted. `seconds` is the time that it added to its step's."""

    response_id: int
    day: date
    is_counted: bool
    is_right: bool
    seconds: int


@dataclass(frozen=True, slots=True)
class Summary:
    """What answers come to: all responses, the counted ones, the right ones of these, the time."""

    n_responses: int = 0
    n_counted: int = 0
    n_right: int = 0
    seconds: int = 0
    n_days: int = 0

    @property
    def time_text(self) -> str:
        """The time in words, to the second, so that parts add up to their whole."""
        return duration_text(self.seconds)


def duration_text(seconds: int) -> str:
    """Return a time in words."""
    if seconds < 60:
        return _("{seconds} s").format(seconds=seconds)
    if seconds < 3600:
        return _("{minutes} min {seconds} s").format(minutes=seconds // 60, seconds=seconds % 60)
    return _("{hours} h {minutes} min {seconds} s").format(
        hours=seconds // 3600, minutes=seconds % 3600 // 60, seconds=seconds % 60
    )


def answer_lines(learner: User, course: Course, period: Period) -> list[AnswerLine]:
    """Return the learner's responses in a period, oldest first (one query).

    A response's clock runs from when its step was shown, so a later try counts only what it adds.
    """
    rows = (
        Response.objects.filter(
            learner=learner,
            course=course,
            answered_at__gte=period.begins_at - TRIES_WITHIN,
            answered_at__lt=period.ends_at,
        )
        .order_by("answered_at", "id")
        .values_list(
            "id",
            "answered_at",
            "session_uuid",
            "step_id",
            "variant_seed",
            "elapsed_ms",
            "is_observation",
            effective_correctness(),
        )
    )
    spent: dict[tuple[object, int, int], int] = {}
    lines = []
    for pk, at, session, step, seed, elapsed_ms, is_observation, is_right in rows:
        key = (session, step, seed)
        # The first response to a step's showing is its observation.
        before = 0 if is_observation else spent.get(key, 0)
        total = (elapsed_ms or 0) // 1000
        spent[key] = max(total, before)
        if at >= period.begins_at:
            lines.append(
                AnswerLine(
                    response_id=pk,
                    day=school_day(at),
                    is_counted=is_observation,
                    is_right=is_observation and is_right,
                    seconds=max(total - before, 0),
                )
            )
    return lines


def summary_of(lines: Iterable[AnswerLine]) -> Summary:
    """Return what lines come to."""
    found = list(lines)
    return Summary(
        n_responses=len(found),
        n_counted=sum(line.is_counted for line in found),
        n_right=sum(line.is_right for line in found),
        seconds=sum(line.seconds for line in found),
        n_days=len({line.day for line in found}),
    )


def run_of_days(days: Sequence[date], *, today: date) -> int:
    """Return how many days in a row, up to today or yesterday, are among `days`."""
    ordered = sorted({day for day in days if day <= today}, reverse=True)
    if not ordered or today - ordered[0] > timedelta(days=1):
        return 0
    run = 1
    for later, earlier in pairwise(ordered):
        if later - earlier != timedelta(days=1):
            break
        run += 1
    return run


def responses_on_skill(responses: QuerySet[Response], skill_id: int) -> QuerySet[Response]:
    """Narrow responses to those that told the model of a skill: by the skills they had then.

    As text, because SQLite cannot look into a list.
    """
    return responses.annotate(skills_text=Cast("skill_ids", TextField())).filter(
        skills_text__regex=rf"(^|[^0-9]){int(skill_id)}([^0-9]|$)"
    )


def responses_found(
    learner: User, course: Course, *, skill_id: int | None = None, period: Period | None = None
) -> "QuerySet[JudgedResponse]":
    """Return the learner's responses, newest first, narrowed by skill and period."""
    responses = Response.objects.filter(learner=learner, course=course)
    if period is not None:
        responses = responses.filter(
            answered_at__gte=period.begins_at, answered_at__lt=period.ends_at
        )
    if skill_id is not None:
        responses = responses_on_skill(responses, skill_id)
    return (
        with_effective_correctness(responses)
        .select_related("step__problem", "revision")
        .order_by("-answered_at", "-id")
    )


def responses_count(responses: "QuerySet[JudgedResponse]") -> Summary:
    """Count responses (one query); without the time, which needs each of them."""
    found = responses.order_by().aggregate(
        n=Count("id"),
        counted=Count("id", filter=Q(is_observation=True)),
        right=Count("id", filter=Q(is_observation=True, effective_is_correct=True)),
    )
    return Summary(n_responses=found["n"], n_counted=found["counted"], n_right=found["right"])
