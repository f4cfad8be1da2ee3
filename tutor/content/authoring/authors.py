"""Who may change a course: its authors bring in others and step back."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from tutor.accounts.models import User
from tutor.accounts.services import audit_record
from tutor.common.errors import TutorError
from tutor.content.access import author_check
from tutor.content.models import Course


def author_add(course: Course, username: str, *, by: User, now: datetime) -> User:
    """Let a teacher change the course; the first author of an open course closes it to others.

    Raises:
        TutorError: code `not_an_author` or `no_teacher`.
    """
    author_check(by, course)
    teacher = User.objects.filter(username__iexact=username.strip(), is_active=True).first()
    if teacher is None or not teacher.is_teacher:
        raise TutorError(
            _("There is no teacher with the username '{username}'.").format(username=username),
            code="no_teacher",
        )
    with transaction.atomic():
        course.authors.add(teacher)
        _record(course, teacher, "course_author_add", by=by, now=now)
    return teacher


def author_remove(course: Course, username: str, *, by: User, now: datetime) -> User:
    """Take a teacher from the course's authors. The last one stays, or anybody could change it.

    Raises:
        TutorError: code `not_an_author`, `no_teacher` or `last_author`.
    """
    with transaction.atomic():
        # Two who remove each other at once must not leave the course to everybody.
        Course.objects.select_for_update().get(pk=course.pk)
        author_check(by, course)
        authors = list(course.authors.all())
        teacher = next((a for a in authors if a.username.lower() == username.lower()), None)
        if teacher is None:
            raise TutorError(
                _("'{username}' is no author of this course.").format(username=username),
                code="no_teacher",
            )
        if len(authors) == 1 and not by.is_administrator:
            raise TutorError(
                _("The last author stays: add another first, or ask an administrator."),
                code="last_author",
            )
        course.authors.remove(teacher)
        _record(course, teacher, "course_author_remove", by=by, now=now)
    return teacher


def _record(course: Course, teacher: User, action: str, *, by: User, now: datetime) -> None:
    audit_record(
        by,
        action=action,
        object_kind="course",
        object_id=str(course.uuid),
        detail={"author": str(teacher.uuid)},
        now=now,
    )
