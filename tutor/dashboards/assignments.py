"""What the assignment pages show: who is how far, and whether the rest fits before the date."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tutor.accounts.models import User
from tutor.content.graph import CourseGraph, SkillNode, course_graph
from tutor.practice.home import range_text
from tutor.roster.models import Classroom
from tutor.roster.selectors import classroom_learners
from tutor.scheduling.class_outlooks import goal_paths, paces_of_learners
from tutor.scheduling.models import Assignment
from tutor.scheduling.paths import Fit, GoalPath, Pace
from tutor.scheduling.selectors import View, views_of_class
from tutor.scheduling.statuses import Status
from tutor.tracing.selectors import beliefs_of_learners


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one learner is with an assignment, in the numbers that the learner reads."""

    learner: User
    path: GoalPath
    n_begun: int
    first_left: SkillNode | None

    @property
    def next_uuid(self) -> UUID | None:
        """The first skill that is left, where the drill-down begins."""
        return self.first_left.uuid if self.first_left else None

    @property
    def left_text(self) -> str:
        """What is left, as a range of time."""
        return range_text(self.path.minutes_low, self.path.minutes_high) if self.path.left else ""


@dataclass(frozen=True, slots=True)
class AssignmentRow:
    """An assignment with everybody it is for."""

    assignment: Assignment
    skills: tuple[SkillNode, ...]
    progress: tuple[Progress, ...]
    is_for_all: bool
    is_past: bool

    @property
    def counts(self) -> dict[str, int]:
        """How many learners there are of each outlook."""
        return {fit.value: sum(each.path.fit is fit for each in self.progress) for fit in Fit}

    @property
    def n_done(self) -> int:
        """How many have mastered all of it."""
        return self.counts[Fit.DONE]

    @property
    def n_open(self) -> int:
        """How many have something left."""
        return len(self.progress) - self.n_done

    @property
    def n_behind(self) -> int:
        """For how many it is more than fits."""
        return self.counts[Fit.TOO_MUCH]


@dataclass(frozen=True, slots=True)
class ClassOutlook:
    """A class as assignments see it: where everybody stands, and how fast they go."""

    learners: tuple[User, ...]
    graph: CourseGraph
    views: Mapping[int, View]
    paces: Mapping[int, Pace]

    def progress(
        self, skill_ids: Collection[int], named: Collection[int], *, due_at: datetime, now: datetime
    ) -> tuple[Progress, ...]:
        """Return how far everybody is who is named, or everybody; without a query."""
        learners = [each for each in self.learners if not named or each.pk in named]
        paths = goal_paths(
            self.views,
            skill_ids,
            [each.pk for each in learners],
            paces=self.paces,
            due_at=due_at,
            now=now,
        )
        return tuple(
            Progress(
                learner,
                path,
                n_begun=self._n_begun(self.views[learner.pk], path),
                first_left=self.graph.skill_of[path.left[0].skill_id] if path.left else None,
            )
            for learner in learners
            for path in (paths[learner.pk],)
        )

    def _n_begun(self, view: View, path: GoalPath) -> int:
        begun = {*view.with_status(Status.LEARNING), *view.with_status(Status.REVIEW_DUE)}
        return sum(skill.skill_id in begun for skill in path.left)


def class_outlook(
    classroom: Classroom,
    *,
    now: datetime,
    learners: Sequence[User] | None = None,
    views: Mapping[int, View] | None = None,
) -> ClassOutlook:
    """Read a class for its assignments: eight queries, four where views are at hand."""
    course = classroom.course
    present = classroom_learners(classroom) if learners is None else learners
    if views is None:
        views = views_of_class(beliefs_of_learners(present, course, now=now), course)
    return ClassOutlook(
        learners=tuple(present),
        graph=course_graph(course),
        views=views,
        paces=paces_of_learners([learner.pk for learner in present], course, now=now),
    )


def assignments_live(classroom: Classroom) -> list[Assignment]:
    """Return the class's assignments that were not withdrawn, by date (three queries)."""
    return list(
        Assignment.objects.filter(classroom=classroom, withdrawn_at=None)
        .select_related("created_by")
        .prefetch_related("skills", "learners")
        .order_by("due_at", "id")
    )


def assignment_row(
    assignment: Assignment, outlook: ClassOutlook, *, now: datetime
) -> AssignmentRow:
    """Return an assignment with everybody's progress, without a query when it is prefetched."""
    skill_of = outlook.graph.skill_of
    skills = tuple(skill_of[each.pk] for each in assignment.skills.all() if each.pk in skill_of)
    named = {each.pk for each in assignment.learners.all()}
    return AssignmentRow(
        assignment=assignment,
        skills=skills,
        progress=outlook.progress(
            [skill.id for skill in skills], named, due_at=assignment.due_at, now=now
        ),
        is_for_all=not named,
        is_past=assignment.due_at <= now,
    )


def assignment_rows(
    classroom: Classroom, *, outlook: ClassOutlook | None = None, now: datetime
) -> tuple[AssignmentRow, ...]:
    """Return the class's assignments with progress, those to come first."""
    found = assignments_live(classroom)
    if not found:
        return ()
    outlook = outlook or class_outlook(classroom, now=now)
    rows = [assignment_row(assignment, outlook, now=now) for assignment in found]
    return tuple(
        [row for row in rows if not row.is_past] + [row for row in reversed(rows) if row.is_past]
    )
