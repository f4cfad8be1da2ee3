"""Whose data a caller reads: learners of the caller's own classes, administrators everybody's."""

from dataclasses import dataclass
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404

from tutor.accounts.models import User
from tutor.content.models import Course
from tutor.roster.access import classroom_in_use
from tutor.roster.models import Enrolment
from tutor.tracing.access import course_for_models


@dataclass(frozen=True, slots=True)
class Reach:
    """A course and the learners whose work on it the caller may see.

    `learners` is None where that is everybody, those too who were erased or are in no class.
    """

    course: Course
    learners: QuerySet[User] | None

    def people(self) -> QuerySet[User]:
        """Return the learners who have an account."""
        if self.learners is not None:
            return self.learners
        return User.objects.filter(responses__course=self.course).distinct()

    def narrowed(self, learner_uuid: UUID | None) -> "Reach":
        """Return the reach to one of its learners. Raises: Http404 for anybody else."""
        if learner_uuid is None:
            return self
        learners = self.learners if self.learners is not None else User.objects.all()
        found = learners.filter(uuid=learner_uuid)
        if not found.exists():
            raise Http404
        return Reach(self.course, found)


def classroom_reach(person: User, classroom_uuid: UUID) -> Reach:
    """Return the reach of a class: who is in it now. Raises: Http404, PermissionDenied."""
    classroom = classroom_in_use(person, classroom_uuid)
    present = Enrolment.objects.filter(classroom=classroom, left_at=None)
    learners = User.objects.filter(pk__in=present.values("learner"))
    return Reach(course=classroom.course, learners=learners)


def course_reach(person: User, course_uuid: UUID) -> Reach:
    """Return the reach of a course: the learners of the caller's classes on it. Raises: Http404."""
    course = course_for_models(person, course_uuid)
    if person.is_administrator:
        return Reach(course=course, learners=None)
    present = Enrolment.objects.filter(
        classroom__course=course,
        classroom__teachers=person,
        classroom__is_archived=False,
        left_at=None,
    )
    return Reach(course=course, learners=User.objects.filter(pk__in=present.values("learner")))
