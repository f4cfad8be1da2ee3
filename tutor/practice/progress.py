"""The progress page, and the list of answers that its numbers lead to."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.core.paginator import Page, Paginator

from tutor.accounts.models import User
from tutor.common.templatetags.stepwise import percent
from tutor.content.graph import SkillNode, course_graph
from tutor.content.models import Course
from tutor.practice.answer_rows import ResponseRow, response_rows
from tutor.practice.answers import (
    Period,
    Summary,
    answer_lines,
    responses_count,
    responses_found,
    run_of_days,
    school_day,
    summary_of,
    week_of,
)
from tutor.practice.map_page import SkillRow, skill_rows
from tutor.scheduling.models import SkillStanding
from tutor.scheduling.selectors import statuses_of_learner
from tutor.scheduling.statuses import Status
from tutor.tracing.selectors import SkillBelief, beliefs_of_learner

WEEKS_SHOWN = 4
RETENTION_SHOWN = 8
PAGE_ROWS = 50


@dataclass(frozen=True, slots=True)
class DayDot:
    """A day of the calendar: what was done on it. `is_ahead` has not come yet."""

    day: date
    summary: Summary
    is_today: bool
    is_ahead: bool


@dataclass(frozen=True, slots=True)
class WeekRow:
    """A week of the calendar."""

    period: Period
    days: tuple[DayDot, ...]
    summary: Summary


@dataclass(frozen=True, slots=True)
class RetentionRow:
    """A skill now, and in a week without practice."""

    row: SkillRow
    later: SkillBelief
    status_later: str

    @property
    def is_due_now(self) -> bool:
        """Whether the review that stands there in a week is due already."""
        return self.row.status == self.status_later == Status.REVIEW_DUE


@dataclass(frozen=True, slots=True)
class Retention:
    """What a week without practice does: `n_kept` of `n_mastered` skills stay mastered.

    `rows` are those that lose, most first; `n_hidden` lose less, `n_same` nothing that shows.
    """

    n_mastered: int
    n_kept: int
    rows: tuple[RetentionRow, ...]
    n_hidden: int
    n_same: int


@dataclass(frozen=True, slots=True)
class ProgressPage:
    """How a learner is getting on with one course. `run_days` is the run that still goes on."""

    n_mastered: int
    n_begun: int
    n_skills: int
    this_week: WeekRow
    last_week: WeekRow
    weeks: tuple[WeekRow, ...]
    n_days: int
    run_days: int
    mastered_this_week: tuple[SkillNode, ...]
    retention: Retention


def progress_page(learner: User, course: Course, *, now: datetime) -> ProgressPage:
    """Return a learner's progress; a fixed number of queries, and the last four weeks' answers."""
    graph = course_graph(course)
    beliefs = beliefs_of_learner(learner, course, now=now)
    statuses = statuses_of_learner(learner, course, now=now, beliefs=beliefs)
    rows = skill_rows(graph, statuses, beliefs)
    week = week_of(school_day(now))
    first = week.first - timedelta(weeks=WEEKS_SHOWN - 1)
    weeks = _weeks(learner, course, Period(first=first, last=week.last), today=school_day(now))
    practised = [dot.day for row in weeks for dot in row.days if dot.summary.n_responses]
    mastered = SkillStanding.objects.filter(
        learner=learner,
        skill__course=course,
        mastered_at__gte=week.begins_at,
        mastered_at__lt=week.ends_at,
    ).order_by("mastered_at", "skill_id")
    return ProgressPage(
        n_mastered=sum(row.status == Status.MASTERED for row in rows.values()),
        n_begun=sum(row.status in {Status.LEARNING, Status.REVIEW_DUE} for row in rows.values()),
        n_skills=sum(row.status != Status.UNKNOWN for row in rows.values()),
        this_week=weeks[-1],
        last_week=weeks[-2],
        weeks=weeks,
        n_days=len(practised),
        run_days=run_of_days(practised, today=school_day(now)),
        mastered_this_week=tuple(
            graph.skill_of[skill_id]
            for skill_id in mastered.values_list("skill_id", flat=True)
            if skill_id in graph.skill_of
        ),
        retention=_retention(learner, course, rows, now=now),
    )


def _weeks(learner: User, course: Course, period: Period, *, today: date) -> tuple[WeekRow, ...]:
    lines = answer_lines(learner, course, period)
    found = []
    for number in range(WEEKS_SHOWN):
        week = week_of(period.first + timedelta(weeks=number))
        days = [week.first + timedelta(days=place) for place in range(7)]
        found.append(
            WeekRow(
                period=week,
                days=tuple(
                    DayDot(
                        day=day,
                        summary=summary_of(line for line in lines if line.day == day),
                        is_today=day == today,
                        is_ahead=day > today,
                    )
                    for day in days
                ),
                summary=summary_of(line for line in lines if week.first <= line.day <= week.last),
            )
        )
    return tuple(found)


def _retention(
    learner: User, course: Course, rows: Mapping[int, SkillRow], *, now: datetime
) -> Retention:
    """Ask the model and the scheduler what a week from now would be, with no answer until then."""
    later = now + timedelta(weeks=1)
    beliefs = beliefs_of_learner(learner, course, now=later)
    statuses = statuses_of_learner(learner, course, now=later, beliefs=beliefs)
    begun = [
        RetentionRow(row=row, later=beliefs.of(skill), status_later=statuses[skill].status.value)
        for skill, row in rows.items()
        if row.belief.has_evidence
    ]
    mastered = [found for found in begun if found.row.status == Status.MASTERED]
    losing = [
        found
        for found in begun
        if percent(found.later.p_correct) != percent(found.row.belief.p_correct)
        and found.later.p_correct < found.row.belief.p_correct
    ]
    losing.sort(key=lambda found: found.later.p_correct - found.row.belief.p_correct)
    return Retention(
        n_mastered=sum(row.status == Status.MASTERED for row in rows.values()),
        n_kept=sum(found.status_later == Status.MASTERED for found in mastered),
        rows=tuple(losing[:RETENTION_SHOWN]),
        n_hidden=max(len(losing) - RETENTION_SHOWN, 0),
        n_same=len(begun) - len(losing),
    )


@dataclass(frozen=True, slots=True)
class AnswersPage:
    """Own answers, newest first, and what they come to. Times are known within a period."""

    skill: SkillNode | None
    period: Period | None
    summary: Summary
    rows: tuple[ResponseRow, ...]
    pager: Page[int]


def answers_page(
    learner: User,
    course: Course,
    *,
    skill: SkillNode | None = None,
    period: Period | None = None,
    number: int = 1,
) -> AnswersPage:
    """Return a page of the learner's answers, narrowed by skill and period."""
    found = responses_found(
        learner, course, skill_id=None if skill is None else skill.id, period=period
    )
    summary = responses_count(found)
    lines = {}
    if period is not None:
        lines = {line.response_id: line for line in answer_lines(learner, course, period)}
        if skill is None:
            summary = summary_of(lines.values())
    pager = Paginator(range(summary.n_responses), PAGE_ROWS).get_page(number)
    begin = pager.start_index() - 1 if summary.n_responses else 0
    return AnswersPage(
        skill=skill,
        period=period,
        summary=summary,
        rows=response_rows(found[begin : begin + PAGE_ROWS], course, lines=lines),
        pager=pager,
    )
