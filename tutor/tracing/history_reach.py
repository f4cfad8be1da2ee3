"""Who may bring which history in: a teacher that of their own class, administrators any."""

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from tutor.accounts.models import User
from tutor.common.errors import TutorError
from tutor.content.access import author_check
from tutor.content.models import Course
from tutor.roster.access import is_closed
from tutor.roster.models import Classroom
from tutor.roster.selectors import classrooms_of_teacher
from tutor.tracing.models import ResponseImport


def import_course_check(
    by: User, *, course_key: str, classroom: Classroom | None, is_creating_content: bool
) -> None:
    """Refuse what would end refused, before a file is kept for it.

    Raises:
        TutorError: code `not_a_teacher`, `class_needed`, `not_own_class`,
            `class_archived`, `other_course`, `unknown_course`, or `not_an_author` of a course that
            content is to be made in.
    """
    # A job may run after its owner's role or account has ended.
    if not (by.is_teacher and by.is_active):
        raise TutorError("Only teachers import response logs.", code="not_a_teacher")
    course = Course.objects.filter(key=course_key).first()
    if course is None and not (is_creating_content and by.is_administrator):
        raise TutorError(
            _(
                "There is no course '{course}'; import it first, or have an administrator import "
                "the log with content made for it."
            ).format(course=course_key),
            code="unknown_course",
        )
    if course is not None and is_creating_content:
        author_check(by, course)
    if classroom is None:
        if not by.is_administrator:
            raise TutorError(
                _("Say which class of yours the learners of the log join."), code="class_needed"
            )
        return
    if not classrooms_of_teacher(by).filter(pk=classroom.pk).exists():
        raise TutorError(
            _("You do not teach {name}.").format(name=classroom.name), code="not_own_class"
        )
    if is_closed(classroom, by):
        raise TutorError(
            _("{name} is archived; bring it back first.").format(name=classroom.name),
            code="class_archived",
        )
    if course is None or classroom.course_id != course.pk:
        raise TutorError(
            _("The class {name} is not of the course '{course}'.").format(
                name=classroom.name, course=course_key
            ),
            code="other_course",
        )


def response_imports_of(user: User) -> QuerySet[ResponseImport]:
    """Return a teacher's own imports; administrators see everybody's."""
    jobs = ResponseImport.objects.select_related("classroom")
    return jobs if user.is_administrator else jobs.filter(created_by=user)
