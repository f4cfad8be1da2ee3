"""Changing classes."""

from collections.abc import Iterable
from datetime import datetime

from django.db import IntegrityError, transaction

from tutor.accounts.models import User
from tutor.accounts.services import audit_record
from tutor.common.errors import TutorError
from tutor.content.models import Course
from tutor.roster.models import Classroom, Enrolment


@transaction.atomic
def classroom_create(
    *, name: str, course: Course, teachers: Iterable[User], now: datetime
) -> Classroom:
    """Create a class with a fresh join code.

    Raises:
        TutorError: code `not_a_teacher`.
    """
    people = list(teachers)
    for person in people:
        if not person.is_teacher:
            raise TutorError(
                f"{person.display_name} is not a teacher and cannot lead a class.",
                code="not_a_teacher",
            )
    classroom = Classroom.objects.create(name=name, course=course, created_at=now)
    classroom.teachers.set(people)
    audit_record(
        people[0] if people else None,
        action="classroom_create",
        object_kind="classroom",
        object_id=str(classroom.uuid),
        now=now,
    )
    return classroom


def classroom_join(learner: User, *, join_code: str, now: datetime) -> Classroom:
    """Enrol a learner by the class's code; spaces, hyphens and capitals do not matter.

    Raises:
        TutorError: code `unknown_join_code`, `already_joined` or `not_a_learner`.
    """
    if not learner.is_learner:
        raise TutorError("Only learners join a class by its code.", code="not_a_learner")
    code = "".join(join_code.split()).replace("-", "").upper()
    classroom = Classroom.objects.filter(
        join_code=code, is_joinable=True, is_archived=False
    ).first()
    if classroom is None:
        raise TutorError(
            "No class has this code; look at it again or ask your teacher.",
            code="unknown_join_code",
        )
    try:
        with transaction.atomic():
            Enrolment.objects.create(classroom=classroom, learner=learner, joined_at=now)
            audit_record(
                learner,
                action="classroom_join",
                object_kind="classroom",
                object_id=str(classroom.uuid),
                now=now,
            )
    except IntegrityError as error:
        raise TutorError(
            f"You are in the class {classroom.name} already.", code="already_joined"
        ) from error
    return classroom
