"""Making and changing classes, and joining one by its code."""

from collections.abc import Iterable
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from tutor.accounts.models import User
from tutor.accounts.services import audit_record
from tutor.common.errors import TutorError
from tutor.content.models import Course
from tutor.roster.models import Classroom, Enrolment, join_code_make


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


@transaction.atomic
def classroom_rename(classroom: Classroom, *, name: str, by: User, now: datetime) -> None:
    """Give a class another name."""
    _change(classroom, "classroom_rename", by=by, now=now, name=name.strip())


@transaction.atomic
def classroom_archive(classroom: Classroom, *, is_archived: bool, by: User, now: datetime) -> None:
    """Put a class away, or bring it back. Nothing of it is lost; its learners do not see it."""
    action = "classroom_archive" if is_archived else "classroom_unarchive"
    _change(classroom, action, by=by, now=now, is_archived=is_archived)


@transaction.atomic
def join_code_renew(classroom: Classroom, *, by: User, now: datetime) -> None:
    """Give a class a new join code and let it in; the old one ends at once."""
    _change(
        classroom, "join_code_renew", by=by, now=now, join_code=join_code_make(), is_joinable=True
    )


@transaction.atomic
def joining_switch(classroom: Classroom, *, is_joinable: bool, by: User, now: datetime) -> None:
    """Let learners join by the code, or stop that; who is in stays in."""
    action = "joining_open" if is_joinable else "joining_close"
    _change(classroom, action, by=by, now=now, is_joinable=is_joinable)


def _change(
    classroom: Classroom, action: str, *, by: User, now: datetime, **values: str | bool
) -> None:
    for name, value in values.items():
        setattr(classroom, name, value)
    classroom.save(update_fields=list(values))
    audit_record(by, action=action, object_kind="classroom", object_id=str(classroom.uuid), now=now)


@transaction.atomic
def teacher_add(classroom: Classroom, *, username: str, by: User, now: datetime) -> User:
    """Let a colleague teach the class too; a second call changes nothing.

    Raises:
        TutorError: code `unknown_teacher`.
    """
    person = User.objects.filter(username__iexact=username.strip(), is_active=True).first()
    if person is None or not person.is_teacher:
        raise TutorError(
            _("No teacher has the username '{username}'; ask your colleague for it.").format(
                username=username.strip()
            ),
            code="unknown_teacher",
        )
    if not classroom.teachers.filter(pk=person.pk).exists():
        classroom.teachers.add(person)
        _teachers_record(classroom, "teacher_add", person, by=by, now=now)
    return person


@transaction.atomic
def teacher_remove(classroom: Classroom, person: User, *, by: User, now: datetime) -> None:
    """Take a teacher off the class; a second call changes nothing.

    Raises:
        TutorError: code `last_teacher`.
    """
    # Two who remove each other at once must not leave the class to nobody.
    Classroom.objects.select_for_update().get(pk=classroom.pk)
    teachers = set(classroom.teachers.values_list("pk", flat=True))
    if teachers == {person.pk}:
        raise TutorError(
            _("{name} is the only teacher of {classroom}; add another one first.").format(
                name=person.display_name, classroom=classroom.name
            ),
            code="last_teacher",
        )
    if person.pk in teachers:
        classroom.teachers.remove(person)
        _teachers_record(classroom, "teacher_remove", person, by=by, now=now)


def _teachers_record(
    classroom: Classroom, action: str, person: User, *, by: User, now: datetime
) -> None:
    audit_record(
        by,
        action=action,
        object_kind="classroom",
        object_id=str(classroom.uuid),
        detail={"teacher": str(person.uuid)},
        now=now,
    )
