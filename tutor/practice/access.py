"""Whose sitting is it: strangers get 404."""

from uuid import UUID

from django.http import Http404

from tutor.accounts.models import User
from tutor.practice.models import Session


def session_for_learner(user: User, session_uuid: UUID) -> Session:
    """Return the learner's own sitting on a course that they still study. Raises: Http404."""
    session = (
        Session.objects.select_related("course", "learner")
        .filter(
            uuid=session_uuid,
            learner=user,
            course__classrooms__is_archived=False,
            course__classrooms__enrolments__learner=user,
            course__classrooms__enrolments__left_at=None,
        )
        .first()
    )
    if session is None:
        raise Http404
    return session
