"""Whose sitting is it, which skill of which course: what is not there gives 404."""

from uuid import UUID

from django.http import Http404

from tutor.accounts.models import User
from tutor.content.graph import SkillNode, course_graph
from tutor.content.models import Course
from tutor.practice.models import Session, SessionKind


def session_for_learner(
    user: User, session_uuid: UUID, *, kind: SessionKind | None = SessionKind.PRACTICE
) -> Session:
    """Return the learner's own sitting on a course that they still study; a kind of None is any.

    Raises:
        Http404: for strangers, and for a sitting of another kind.
    """
    found = Session.objects.select_related("course", "learner")
    if kind is not None:
        found = found.filter(kind=kind)
    session = found.filter(
        uuid=session_uuid,
        learner=user,
        course__classrooms__is_archived=False,
        course__classrooms__enrolments__learner=user,
        course__classrooms__enrolments__left_at=None,
    ).first()
    if session is None:
        raise Http404
    return session


def skill_of_course(course: Course, skill_uuid: UUID) -> SkillNode:
    """Return a skill of a course. Raises: Http404."""
    for skill in course_graph(course).skills:
        if skill.uuid == skill_uuid:
            return skill
    raise Http404
