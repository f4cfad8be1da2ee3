"""Who may see what of the content room; strangers get 404."""

from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404
from django.utils.translation import gettext as _

from tutor.accounts.models import User
from tutor.common.errors import TutorError
from tutor.content.models import Asset, Course, ImportJob


def import_jobs_of(user: User) -> QuerySet[ImportJob]:
    """A teacher's own imports, newest first; administrators see everybody's."""
    jobs = ImportJob.objects.select_related("course", "created_by")
    return jobs if user.is_administrator else jobs.filter(created_by=user)


def import_job_for(user: User, job_uuid: UUID) -> ImportJob:
    """Return an import that the person may see. Raises: Http404."""
    job = import_jobs_of(user).filter(uuid=job_uuid).first()
    if job is None:
        raise Http404
    return job


def can_author(user: User, course: Course) -> bool:
    """Whether the person may change a course: its authors, administrators, and every teacher
    while it has no author.
    """
    if not user.is_teacher or not user.is_active:
        return False
    if user.is_administrator:
        return True
    authors = course.authors.all()
    return not authors or user in authors


def author_check(user: User, course: Course) -> None:
    """Refuse who may not change a course; every import, roll-back and edit comes through here.

    Raises:
        TutorError: code `not_an_author`.
    """
    if not can_author(user, course):
        raise TutorError(
            _(
                "'{course}' is changed by its authors only. Ask one of them, or an administrator, "
                "to add you to the course's authors."
            ).format(course=course.title),
            code="not_an_author",
        )


def course_for_teacher(course_uuid: UUID) -> Course:
    """Return a course to look at, which every teacher may. Raises: Http404."""
    course = Course.objects.filter(uuid=course_uuid).first()
    if course is None:
        raise Http404
    return course


def course_for_author(user: User, course_uuid: UUID) -> Course:
    """Return a course to change. Raises: Http404, or PermissionDenied to other teachers."""
    course = course_for_teacher(course_uuid)
    if not can_author(user, course):
        raise PermissionDenied
    return course


def asset_for(user: User, course_uuid: UUID, key: str) -> Asset:
    """Return a picture to teachers and to learners who are or were in a class on the course.

    Past learners too, since their own history shows the pictures. Raises: Http404.
    """
    assets = Asset.objects.filter(course__uuid=course_uuid, key=key)
    if not user.is_teacher:
        # By the reverse relation: the roster's room stands above this one.
        assets = assets.filter(course__classrooms__enrolments__learner=user)
    asset = assets.first()
    if asset is None:
        raise Http404
    return asset
