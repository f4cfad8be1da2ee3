"""Who may see what of the content room; strangers get 404."""

from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404

from tutor.accounts.models import User
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


def course_for_author(course_uuid: UUID) -> Course:
    """Return a course for anybody who may author, which every teacher may. Raises: Http404."""
    course = Course.objects.filter(uuid=course_uuid).first()
    if course is None:
        raise Http404
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
