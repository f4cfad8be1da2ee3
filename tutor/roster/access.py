"""Who is related to what: strangers get 404, so that nothing's existence is given away."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseClientRedirect

from tutor.accounts.access import member_page
from tutor.accounts.http import UserRequest
from tutor.accounts.models import User
from tutor.content.models import Course
from tutor.roster.models import Classroom

P = ParamSpec("P")
ClassPage = Callable[Concatenate[UserRequest, Classroom, P], HttpResponseBase]


def course_for_learner(user: User, course_uuid: UUID) -> Course:
    """Return a course that the learner studies in a class now. Raises: Http404."""
    course = Course.objects.filter(
        uuid=course_uuid,
        classrooms__is_archived=False,
        classrooms__enrolments__learner=user,
        classrooms__enrolments__left_at=None,
    ).first()
    if course is None:
        raise Http404
    return course


def classroom_for_teacher(user: User, classroom_uuid: UUID) -> Classroom:
    """Return a class that the person teaches; administrators reach every class.

    Raises:
        Http404: for strangers.
        PermissionDenied: for the class's own learners.
    """
    classroom = Classroom.objects.select_related("course").filter(uuid=classroom_uuid).first()
    if classroom is None:
        raise Http404
    if user.is_administrator:
        return classroom
    if user.is_teacher and classroom.teachers.filter(pk=user.pk).exists():
        return classroom
    if classroom.enrolments.filter(learner=user, left_at=None).exists():
        raise PermissionDenied
    raise Http404


def is_closed(classroom: Classroom, user: User) -> bool:
    """Whether a class was put away: its teachers reach its learners only once it is back."""
    return classroom.is_archived and not user.is_administrator


def classroom_in_use(user: User, classroom_uuid: UUID) -> Classroom:
    """Return a class whose learners the person may look at and act on now.

    Raises:
        Http404: for strangers.
        PermissionDenied: for the class's own learners; for its teachers while it is archived.
    """
    classroom = classroom_for_teacher(user, classroom_uuid)
    if is_closed(classroom, user):
        raise PermissionDenied(_("This class is archived; bring it back first."))
    return classroom


def learner_in_classroom(classroom: Classroom, learner_uuid: UUID) -> User:
    """Return a learner who is in the class now. Raises: Http404."""
    learner = User.objects.filter(
        uuid=learner_uuid, enrolments__classroom=classroom, enrolments__left_at=None
    ).first()
    if learner is None:
        raise Http404
    return learner


def course_for_member(user: User, course_uuid: UUID) -> Course:
    """Return a course for its learners and for every teacher. Raises: Http404."""
    if user.is_teacher:
        course = Course.objects.filter(uuid=course_uuid).first()
        if course is None:
            raise Http404
        return course
    return course_for_learner(user, course_uuid)


def class_page(view: ClassPage[P]) -> Callable[..., HttpResponseBase]:
    """Let a class's teachers in and hand the view its class; the address names `classroom_uuid`.

    Relation first: strangers get 404 whatever their role, the class's own learners 403. Of an
    archived class its teachers are shown the settings instead, where it is brought back. What is
    shown is in the audit log (`accounts.auditing`).
    """

    @wraps(view)
    def reached(
        request: UserRequest, classroom_uuid: UUID, *args: P.args, **kwargs: P.kwargs
    ) -> HttpResponseBase:
        classroom = classroom_for_teacher(request.user, classroom_uuid)
        if is_closed(classroom, request.user):
            if request.method not in {"GET", "HEAD"}:
                raise PermissionDenied
            address = reverse("teach:settings", args=[classroom.uuid])
            # A part of a page that fetches itself anew must not take the whole page in.
            return HttpResponseClientRedirect(address) if request.htmx else redirect(address)
        return view(request, classroom, *args, **kwargs)

    return member_page(reached)


def class_page_of_any(view: ClassPage[P]) -> Callable[..., HttpResponseBase]:
    """Let a class's teachers in as `class_page` does, into archived ones too."""

    @wraps(view)
    def reached(
        request: UserRequest, classroom_uuid: UUID, *args: P.args, **kwargs: P.kwargs
    ) -> HttpResponseBase:
        classroom = classroom_for_teacher(request.user, classroom_uuid)
        return view(request, classroom, *args, **kwargs)

    return member_page(reached)
