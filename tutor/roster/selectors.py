"""Reading classes."""

from django.db.models import QuerySet

from tutor.accounts.models import Role, User
from tutor.content.models import Course
from tutor.roster.models import Classroom


def courses_of_learner(user: User) -> list[Course]:
    """Return the courses that the learner studies in a class now, by title."""
    return list(
        Course.objects.filter(
            classrooms__is_archived=False,
            classrooms__enrolments__learner=user,
            classrooms__enrolments__left_at=None,
        ).distinct()
    )


def classrooms_of_teacher(user: User) -> QuerySet[Classroom]:
    """Return the classes that the person teaches, archived ones too; for administrators all."""
    classrooms = Classroom.objects.select_related("course")
    return classrooms if user.is_administrator else classrooms.filter(teachers=user)


def classroom_learners(classroom: Classroom) -> list[User]:
    """Return the learners who are in the class now, by name."""
    return list(
        User.objects.filter(enrolments__classroom=classroom, enrolments__left_at=None).order_by(
            "display_name", "id"
        )
    )


def learners_of_teacher(user: User) -> QuerySet[User]:
    """Return the learners of the person's classes that are not archived; for administrators all."""
    learners = User.objects.filter(role=Role.LEARNER)
    if user.is_administrator:
        return learners
    return learners.filter(
        enrolments__classroom__teachers=user,
        enrolments__classroom__is_archived=False,
        enrolments__left_at=None,
    ).distinct()
