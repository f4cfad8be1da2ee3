"""All of somebody's classes at a glance: how many practise, and how many need help.

Queries grow with the number of courses, not with classes, learners or history.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count

from tutor.accounts.models import User
from tutor.content.graph import course_graph
from tutor.content.models import Course
from tutor.dashboards.flags import STUCK_LEAST, STUCK_MOST_RIGHT, flags_of_learner
from tutor.dashboards.selectors import DAYS_SHOWN, recent_of_class
from tutor.responses.models import Response
from tutor.roster.models import Classroom, Enrolment
from tutor.scheduling.selectors import day_start, views_of_class
from tutor.scheduling.statuses import Status
from tutor.tracing.selectors import beliefs_of_learners

# Every flag takes at least so many answers that were not right: whoever has fewer needs no beliefs.
WRONG_LEAST = STUCK_LEAST - STUCK_MOST_RIGHT


@dataclass(frozen=True, slots=True)
class ClassRow:
    """A class in figures: of its learners, who practised this week and who needs help."""

    classroom: Classroom
    n_learners: int
    n_active: int
    n_answers: int
    n_help: int


@dataclass(frozen=True, slots=True)
class Overview:
    """Classes that are under way, and those put away."""

    rows: tuple[ClassRow, ...]
    archived: tuple[ClassRow, ...]

    @property
    def n_help(self) -> int:
        """How many learners need help in all, each counted once a class."""
        return sum(row.n_help for row in self.rows)


def classes_overview(classrooms: Sequence[Classroom], *, now: datetime) -> Overview:
    """Read the figures of classes with their course at hand: two queries, and four a course."""
    members: defaultdict[int, list[int]] = defaultdict(list)
    present = Enrolment.objects.filter(
        classroom_id__in=[classroom.pk for classroom in classrooms], left_at=None
    )
    for classroom_id, learner_id in present.values_list("classroom_id", "learner_id"):
        members[classroom_id].append(learner_id)
    live = [classroom for classroom in classrooms if not classroom.is_archived]
    courses = {classroom.course_id: classroom.course for classroom in live}
    learners: defaultdict[int, set[int]] = defaultdict(set)
    for classroom in live:
        learners[classroom.course_id].update(members[classroom.pk])
    answers = _answers(learners, now=now)
    help_of = {
        course_id: _needing_help(course, sorted(learners[course_id]), now=now)
        for course_id, course in courses.items()
    }

    def row(classroom: Classroom) -> ClassRow:
        mine, of_course = members[classroom.pk], answers.get(classroom.course_id, {})
        helped = help_of.get(classroom.course_id, frozenset())
        is_live = not classroom.is_archived
        return ClassRow(
            classroom=classroom,
            n_learners=len(mine),
            n_active=sum(pk in of_course for pk in mine) if is_live else 0,
            n_answers=sum(of_course.get(pk, 0) for pk in mine) if is_live else 0,
            n_help=sum(pk in helped for pk in mine) if is_live else 0,
        )

    rows = [row(classroom) for classroom in classrooms]
    return Overview(
        rows=tuple(each for each in rows if not each.classroom.is_archived),
        archived=tuple(each for each in rows if each.classroom.is_archived),
    )


def _answers(
    learners: Mapping[int, Collection[int]], *, now: datetime
) -> Mapping[int, Mapping[int, int]]:
    """Return first answers of this week by course and learner (one query)."""
    everybody = {pk for of_course in learners.values() for pk in of_course}
    rows = (
        Response.objects.filter(
            learner_id__in=everybody,
            course_id__in=list(learners),
            is_observation=True,
            answered_at__gte=day_start(now) - timedelta(days=DAYS_SHOWN - 1),
            answered_at__lte=now,
        )
        .values("course_id", "learner_id")
        .annotate(n=Count("id"))
        .values_list("course_id", "learner_id", "n")
    )
    found: defaultdict[int, dict[int, int]] = defaultdict(dict)
    for course_id, learner_id, n in rows:
        found[course_id][learner_id] = n
    return found


def _needing_help(course: Course, learner_ids: Sequence[int], *, now: datetime) -> frozenset[int]:
    """Return who has a flag, by the rules of the class page (one query, four where any may)."""
    graph = course_graph(course)
    recent = recent_of_class(learner_ids, course, now=now)
    suspects = [
        User(pk=pk)
        for pk, newest in recent.items()
        if sum(not seen.is_correct for seen in newest) >= WRONG_LEAST
    ]
    if not suspects:
        return frozenset()
    beliefs = beliefs_of_learners(suspects, course, now=now)
    views = views_of_class(beliefs, course)
    return frozenset(
        learner.pk
        for place, learner in enumerate(suspects)
        if flags_of_learner(
            recent[learner.pk],
            beliefs.of_row(place),
            views[learner.pk].with_status(Status.MASTERED),
            graph,
        )
    )
