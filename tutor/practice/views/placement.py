"""Placement: what it is, one question at a time, and where it says to begin."""

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from tutor.accounts.access import learner_page
from tutor.accounts.http import UserRequest
from tutor.common.clock import now_utc
from tutor.common.errors import TutorError
from tutor.common.http import HtmxRequest
from tutor.content.text import text_inline
from tutor.practice import placing
from tutor.practice.access import session_for_learner
from tutor.practice.forms import DeedForm
from tutor.practice.kept import answer_forget, answer_keep, login_redirect
from tutor.practice.models import Session, SessionKind
from tutor.practice.placement_page import PlacementPage, placement_page
from tutor.practice.recording import Deed, Outcome
from tutor.practice.refill import screen_refilled
from tutor.roster.access import course_for_learner

PAGE = "practice/placement.html"


@require_GET
@never_cache
@learner_page
def placement(request: UserRequest, course_uuid: UUID) -> HttpResponse:
    """Show the offer of a placement, the question at hand, or the result."""
    course = course_for_learner(request.user, course_uuid)
    page = placement_page(request.user, course, now=now_utc())
    return render(request, PAGE, {"page": page, "course": course})


@require_POST
@learner_page
def start(request: UserRequest, course_uuid: UUID) -> HttpResponse:
    """Begin the placement, or resume it."""
    course = course_for_learner(request.user, course_uuid)
    try:
        placing.placing_start(request.user, course, now=now_utc())
    except TutorError as error:
        messages.warning(request, error.message)
        return redirect("course_home", course_uuid=course.uuid)
    return redirect("placement", course_uuid=course.uuid)


DeedView = Callable[[Session, DeedForm], Outcome]


def _deed(view: DeedView) -> Callable[..., HttpResponseBase]:
    """Guard a deed's view: POST only, the learner's own placement, a form with its token.

    Without a login the answer is kept on the way to it.
    """

    @require_POST
    @never_cache
    @wraps(view)
    def guarded(request: HtmxRequest, session_uuid: UUID) -> HttpResponseBase:
        if not request.user.is_authenticated:
            is_kept = answer_keep(request, session_uuid)
            return login_redirect(request, session_uuid, is_kept=is_kept)
        return deed(request, session_uuid)

    @learner_page
    def deed(request: UserRequest, session_uuid: UUID) -> HttpResponse:
        session = session_for_learner(request.user, session_uuid, kind=SessionKind.PLACEMENT)
        form = DeedForm(request.POST)
        if not form.is_valid():
            messages.warning(request, _("That page was out of date. Here is where you are."))
            return _after(request, session)
        outcome = view(session, form)
        answer_forget(request)
        if outcome.deed is Deed.UNREADABLE:
            return _unread(request, session, form, outcome)
        if outcome.deed is Deed.OUTDATED:
            messages.warning(request, outcome.message)
        return _after(request, session)

    return guarded


def _after(request: UserRequest, session: Session) -> HttpResponse:
    if not request.htmx:
        return redirect("placement", course_uuid=session.course.uuid)
    page = placement_page(session.learner, session.course, now=now_utc())
    return _screen(request, session, page, focus="head")


def _screen(
    request: UserRequest,
    session: Session,
    page: PlacementPage,
    *,
    focus: str,
    unread: str = "",
    status: int = 200,
) -> HttpResponse:
    context = {"page": page, "course": session.course, "focus": focus, "unread": unread}
    template = f"{PAGE}#screen" if request.htmx else PAGE
    return render(request, template, context, status=status)


def _unread(
    request: UserRequest, session: Session, form: DeedForm, outcome: Outcome
) -> HttpResponse:
    page = placement_page(session.learner, session.course, now=now_utc())
    if page.asked is None:
        return _after(request, session)
    screen = screen_refilled(page.asked.screen, raw=form.raw_answer())
    page = replace(page, asked=replace(page.asked, screen=screen))
    message = text_inline(outcome.message)
    return _screen(request, session, page, focus="field", unread=message, status=422)


@_deed
def answer(session: Session, form: DeedForm) -> Outcome:
    """Take an answer, and show the next question."""
    return placing.placing_answer(
        session,
        raw_answer=form.raw_answer(),
        attempt_token=form.cleaned_data["attempt_token"],
        elapsed_ms=form.cleaned_data["elapsed_ms"],
        now=now_utc(),
    )


@_deed
def dont_know(session: Session, form: DeedForm) -> Outcome:
    """Go on without an answer."""
    return placing.placing_dont_know(
        session,
        attempt_token=form.cleaned_data["attempt_token"],
        elapsed_ms=form.cleaned_data["elapsed_ms"],
        now=now_utc(),
    )


@require_POST
@learner_page
def stop(request: UserRequest, session_uuid: UUID) -> HttpResponse:
    """End the placement early, and show where to begin."""
    session = session_for_learner(request.user, session_uuid, kind=SessionKind.PLACEMENT)
    placing.placing_stop(session, now=now_utc())
    return redirect("placement", course_uuid=session.course.uuid)
