"""What the class pages read: query counts do not grow with the class or with history."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import (
    Case,
    Count,
    F,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
    When,
    Window,
)
from django.db.models.functions import RowNumber

from tutor.accounts.models import User
from tutor.content.graph import CourseGraph, SkillNode, course_graph
from tutor.content.models import Course
from tutor.dashboards.assignments import (
    AssignmentRow,
    assignment_row,
    assignments_live,
    class_outlook,
)
from tutor.dashboards.flags import (
    AWAY_AFTER,
    GRAVEST,
    NEWEST,
    WINDOW,
    Flag,
    Seen,
    flags_of_learner,
)
from tutor.responses.models import Response
from tutor.responses.selectors import with_effective_correctness
from tutor.roster.models import Classroom, Enrolment
from tutor.scheduling.selectors import views_of_class
from tutor.scheduling.statuses import Status
from tutor.tracing.models import ModelVersion
from tutor.tracing.selectors import EVIDENCE_MIN, ClassBeliefs, beliefs_of_learners

DAYS_SHOWN = 7
# A skill holds a class back when this share of those with enough evidence is below one half.
WEAK_BELOW = 0.5
WEAK_SHARE = 0.3
WEAK_LEAST_KNOWN = 3
WEAK_SHOWN = 3
FLAGS_SHOWN = 2


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the school's calendar: first answers, how many were right, and by how many."""

    day: date
    n: int
    n_right: int
    n_learners: int
    minutes: int


@dataclass(frozen=True, slots=True)
class RosterRow:
    """A learner as the class page shows them."""

    learner: User
    joined_at: datetime
    last_at: datetime | None
    n_week: int
    n_mastered: int
    n_due: int
    flags: tuple[Flag, ...]
    is_away: bool

    @property
    def n_reached(self) -> int:
        """Skills that are mastered, or were and are due for a review."""
        return self.n_mastered + self.n_due

    @property
    def more(self) -> int:
        """How many flags there are beyond the two that are shown."""
        return max(len(self.flags) - FLAGS_SHOWN, 0)


@dataclass(frozen=True, slots=True)
class WeakSkill:
    """A skill that holds the class back: `n_weak` of the `n_known` with enough evidence."""

    skill: SkillNode
    n_weak: int
    n_known: int


@dataclass(frozen=True, slots=True)
class ClassHome:
    """Everything that the class page shows."""

    roster: tuple[RosterRow, ...]
    days: tuple[Day, ...]
    weak: tuple[WeakSkill, ...]
    n_skills: int
    version: ModelVersion
    assignments: tuple[AssignmentRow, ...]

    @property
    def n_active(self) -> int:
        """Learners with a first answer in the days shown."""
        return sum(row.n_week > 0 for row in self.roster)

    @property
    def needing_help(self) -> tuple[RosterRow, ...]:
        """Learners with a flag, gravest first."""
        flagged = [row for row in self.roster if row.flags]
        return tuple(sorted(flagged, key=lambda row: (GRAVEST[row.flags[0].kind], -len(row.flags))))

    @property
    def away(self) -> tuple[RosterRow, ...]:
        """Learners who have not practised for a while."""
        return tuple(row for row in self.roster if row.is_away)

    @property
    def week_total(self) -> int:
        """First answers in the days shown."""
        return sum(day.n for day in self.days)


def learners_with_activity(classroom: Classroom) -> QuerySet[User]:
    """Return the class's learners by name, annotated `joined_at` and `last_at` in its course."""
    answers = Response.objects.filter(learner=OuterRef("pk"), course=classroom.course_id)
    enrolments = Enrolment.objects.filter(learner=OuterRef("pk"), classroom=classroom, left_at=None)
    return (
        User.objects.filter(enrolments__classroom=classroom, enrolments__left_at=None)
        .annotate(
            last_at=Subquery(answers.order_by("-answered_at").values("answered_at")[:1]),
            joined_at=Subquery(enrolments.values("joined_at")[:1]),
        )
        .order_by("display_name", "id")
    )


def recent_of_class(
    learner_ids: Sequence[int], course: Course, *, now: datetime
) -> Mapping[int, list[Seen]]:
    """Return each learner's newest observations within the window, newest first (one query)."""
    rows = (
        with_effective_correctness(
            Response.objects.filter(
                learner_id__in=learner_ids,
                course=course,
                is_observation=True,
                answered_at__gt=now - WINDOW,
                answered_at__lte=now,
            )
        )
        .annotate(
            place=Window(
                RowNumber(),
                partition_by=[F("learner_id")],
                order_by=[F("answered_at").desc(), F("id").desc()],
            )
        )
        .filter(place__lte=NEWEST)
        .order_by("learner_id", "place")
        .values_list("learner_id", "skill_ids", "effective_is_correct", "kind", "answered_at")
    )
    found: defaultdict[int, list[Seen]] = defaultdict(list)
    for learner_id, skill_ids, is_correct, kind, at in rows:
        found[learner_id].append(Seen(tuple(skill_ids), is_correct, kind, at))
    return found


def activity_of_class(
    learner_ids: Sequence[int], course: Course, *, now: datetime
) -> tuple[tuple[Day, ...], Mapping[int, int]]:
    """Return the last seven days, and first answers in them by learner (one query).

    Days are told apart by when they begin: SQLite works out a moment's day in Python, row by row.
    """
    zone = ZoneInfo(settings.TIME_ZONE)
    today = now.astimezone(zone).date()
    begins = [
        datetime.combine(today - timedelta(days=back), time.min, tzinfo=zone)
        for back in range(DAYS_SHOWN)
    ]
    rows = (
        with_effective_correctness(
            Response.objects.filter(
                learner_id__in=learner_ids,
                course=course,
                is_observation=True,
                answered_at__gte=begins[-1],
                answered_at__lte=now,
            )
        )
        .annotate(
            back=Case(
                *(
                    When(answered_at__gte=begin, then=Value(back))
                    for back, begin in enumerate(begins)
                ),
                output_field=IntegerField(),
            )
        )
        .values("back", "learner_id")
        .annotate(
            n=Count("id"),
            n_right=Count("id", filter=Q(effective_is_correct=True)),
            spent_ms=Sum("elapsed_ms"),
        )
        .values_list("back", "learner_id", "n", "n_right", "spent_ms")
    )
    of_day: defaultdict[int, list[tuple[int, int, int]]] = defaultdict(list)
    of_learner: defaultdict[int, int] = defaultdict(int)
    for back, learner_id, n, n_right, spent_ms in rows:
        of_day[back].append((n, n_right, spent_ms or 0))
        of_learner[learner_id] += n
    days = []
    for back in range(DAYS_SHOWN - 1, -1, -1):
        parts = of_day.get(back, [])
        n, n_right, spent_ms = (sum(part[place] for part in parts) for place in range(3))
        days.append(
            Day(
                day=today - timedelta(days=back),
                n=n,
                n_right=n_right,
                n_learners=len(parts),
                minutes=round(spent_ms / 60_000),
            )
        )
    return tuple(days), of_learner


def weak_skills(beliefs: ClassBeliefs, graph: CourseGraph) -> tuple[WeakSkill, ...]:
    """Return the skills that hold most of the class back, most learners first."""
    known = beliefs.n_observations >= EVIDENCE_MIN
    weak = known & (beliefs.p_mastery < WEAK_BELOW)
    found = [
        WeakSkill(skill=skill, n_weak=n_weak, n_known=n_known)
        for skill, n_weak, n_known in zip(
            graph.skills,
            weak.sum(axis=0).tolist(),
            known.sum(axis=0).tolist(),
            strict=True,
        )
        if n_known >= WEAK_LEAST_KNOWN and n_weak >= WEAK_SHARE * n_known
    ]
    # Among equals the earlier skill comes first: the others build on it.
    return tuple(sorted(found, key=lambda row: -row.n_weak)[:WEAK_SHOWN])


def class_home(classroom: Classroom, *, now: datetime) -> ClassHome:
    """Read the class page: seven queries, whatever the size (and the graph's, once a version).

    Six more where assignments are under way.
    """
    course = classroom.course
    graph = course_graph(course)
    learners = list(learners_with_activity(classroom))
    ids = [learner.pk for learner in learners]
    beliefs = beliefs_of_learners(learners, course, now=now)
    views = views_of_class(beliefs, course)
    recent = recent_of_class(ids, course, now=now)
    days, week = activity_of_class(ids, course, now=now)
    roster = []
    for place, learner in enumerate(learners):
        view = views[learner.pk]
        mastered = view.with_status(Status.MASTERED)
        last_at: datetime | None = getattr(learner, "last_at", None)
        joined_at: datetime = learner.joined_at  # type: ignore[attr-defined]
        flags = flags_of_learner(recent.get(learner.pk, []), beliefs.of_row(place), mastered, graph)
        roster.append(
            RosterRow(
                learner=learner,
                joined_at=joined_at,
                last_at=last_at,
                n_week=week.get(learner.pk, 0),
                n_mastered=len(mastered),
                n_due=len(view.with_status(Status.REVIEW_DUE)),
                flags=tuple(flags),
                is_away=now - (last_at or joined_at) > AWAY_AFTER,
            )
        )
    under_way = [one for one in assignments_live(classroom) if one.due_at > now]
    rows: tuple[AssignmentRow, ...] = ()
    if under_way:
        outlook = class_outlook(classroom, now=now, learners=learners, views=views)
        rows = tuple(assignment_row(one, outlook, now=now) for one in under_way)
    return ClassHome(
        roster=tuple(roster),
        days=days,
        weak=weak_skills(beliefs, graph),
        n_skills=len(graph.skills),
        version=beliefs.version,
        assignments=rows,
    )
