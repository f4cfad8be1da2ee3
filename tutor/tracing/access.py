"""Who may see a course's models, and who may change what serves."""

from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404

from tutor.accounts.models import User
from tutor.content.models import Course
from tutor.tracing.models import FitRun, ModelVersion


def courses_with_models(user: User) -> QuerySet[Course]:
    """Return the courses of the person's classes; every course for administrators."""
    courses = Course.objects.order_by("title", "id")
    if user.is_administrator:
        return courses
    return courses.filter(classrooms__teachers=user).distinct()


def course_for_models(user: User, course_uuid: UUID, *, is_deed: bool = False) -> Course:
    """Return a course whose models the person may see, or change for a deed.

    Raises:
        Http404: for whoever teaches no class on the course.
        PermissionDenied: for a deed of anybody but an administrator.
    """
    course = courses_with_models(user).filter(uuid=course_uuid).first()
    if course is None:
        raise Http404
    if is_deed and not user.is_administrator:
        raise PermissionDenied
    return course


def version_for_models(user: User, version_uuid: UUID, *, is_deed: bool = False) -> ModelVersion:
    """Return a version with its course and fit; raises as `course_for_models` does."""
    version = (
        ModelVersion.objects.select_related("course", "fit_run__requested_by")
        .filter(uuid=version_uuid)
        .first()
    )
    if version is None:
        raise Http404
    course_for_models(user, version.course.uuid, is_deed=is_deed)
    return version


def fit_for_models(user: User, fit_uuid: UUID, *, is_deed: bool = False) -> FitRun:
    """Return a fit with its course; raises as `course_for_models` does."""
    run = FitRun.objects.select_related("course").filter(uuid=fit_uuid).first()
    if run is None:
        raise Http404
    course_for_models(user, run.course.uuid, is_deed=is_deed)
    return run
