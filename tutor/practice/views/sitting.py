"""A sitting: one step at a time. Every deed is a POST that ends on the practice page."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from tutor.accounts.access import learner_page
from tutor.accounts.http import UserRequest
from tutor.common.clock import now_utc
from tutor.common.errors import TutorError
from tutor.common.http import HtmxRequest
from tutor.content.text import text_inline
from tutor.practice import services
from tutor.practice.access import session_for_learner
from tutor.practice.beginning import opening_read
from tutor.practice.forms import DeedForm, StartForm
from tutor.practice.kept import answer_forget, answer_keep, answer_kept, login_redirect
from tutor.practice.models import Activity, Session, SessionKind
from tutor.practice.preview import answer_preview
from tutor.practice.recording import Deed, Outcome
from tutor.practice.refill import screen_refilled
from tutor.practice.screen import StepScreen, screen_build
from tutor.roster.access import course_for_learner

PAGE = "practice/practice.html"


@require_POST
@learner_page
def start(request: UserRequest, course_uuid: UUID) -> HttpResponse:
    """Begin with what is offered or chosen, or resume."""
    course = course_for_learner(request.user, course_uuid)
    form = StartForm(request.POST)
    skill_id = form.cleaned_data["skill"] if form.is_valid() else None
    try:
        session = services.session_start(request.user, course, skill_id=skill_id, now=now_utc())
    except TutorError as error:
        messages.warning(request, error.message)
        return redirect("course_home", course_uuid=course.uuid)
    return redirect("practice", session_uuid=session.uuid)


@require_GET
@never_cache
@learner_page
def practice(request: UserRequest, session_uuid: UUID) -> HttpResponse:
    """Show what is on the screen of a sitting, on whatever device."""
    session = session_for_learner(request.user, session_uuid)
    return _screen(request, session)


def _screen(
    request: UserRequest, session: Session, *, deed: str = "", activity: Activity | None = None
) -> HttpResponse:
    screen = screen_build(session, now=now_utc(), activity=activity)
    context = {"screen": screen, "session": session, "focus": _focus(screen, deed)}
    return _page(request, context)


def _page(request: UserRequest, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    template = f"{PAGE}#screen" if request.htmx else PAGE
    return render(request, template, context, status=status)


def _focus(screen: StepScreen | None, deed: str) -> str:
    """Return where the keyboard goes on after a deed; nowhere when a page is opened."""
    if deed in {"answer", "dont_know"} and screen is not None:
        return "feedback" if screen.is_solved else "field"
    return {"hint": "hint", "scaffold": "hint", "go_on": "head"}.get(deed, "head" if deed else "")


DeedView = Callable[[UserRequest, Session, DeedForm], HttpResponse]


def _deed(*, is_kept: bool) -> Callable[[DeedView], Callable[..., HttpResponseBase]]:
    """Guard a deed's view: POST only, the learner's own sitting, a form with its token.

    A deed without a login goes to the login; an answer is kept on the way (`is_kept`).
    """

    def decorate(view: DeedView) -> Callable[..., HttpResponseBase]:
        @require_POST
        @never_cache
        @wraps(view)
        def guarded(request: HtmxRequest, session_uuid: UUID) -> HttpResponseBase:
            if not request.user.is_authenticated:
                has_kept = is_kept and answer_keep(request, session_uuid)
                return login_redirect(request, session_uuid, is_kept=has_kept)
            return deed(request, session_uuid)

        @learner_page
        def deed(request: UserRequest, session_uuid: UUID) -> HttpResponse:
            session = session_for_learner(request.user, session_uuid)
            form = DeedForm(request.POST)
            if not form.is_valid():
                messages.warning(request, _("That page was out of date. Here is where you are."))
                return _after(request, session, Outcome(Deed.REPEATED), deed="")
            return view(request, session, form)

        return guarded

    return decorate


ANCHORS = {"answer": "#feedback", "dont_know": "#feedback", "hint": "#hint-last"}


def _after(request: UserRequest, session: Session, outcome: Outcome, *, deed: str) -> HttpResponse:
    if outcome.deed is Deed.OUTDATED:
        messages.warning(request, outcome.message)
    if request.htmx:
        return _screen(request, session, deed=deed, activity=outcome.activity)
    address = reverse("practice", args=[session.uuid])
    return redirect(address + ANCHORS.get(deed, ""))


def _unread(
    request: UserRequest, session: Session, form: DeedForm, outcome: Outcome
) -> HttpResponse:
    screen = screen_build(session, now=now_utc())
    if screen is None:
        return _after(request, session, outcome, deed="answer")
    hint_key = form.cleaned_data["hint_key"]
    context = {
        "screen": screen_refilled(screen, raw=form.raw_answer(), hint_key=hint_key),
        "session": session,
        "focus": "field",
        "unread": text_inline(outcome.message),
        "unread_hint": hint_key,
    }
    return _page(request, context, status=422)


@_deed(is_kept=True)
def answer(request: UserRequest, session: Session, form: DeedForm) -> HttpResponse:
    """Check an answer. One that cannot be read comes back with the form and counts nothing."""
    outcome = services.answer_submit(
        session,
        raw_answer=form.raw_answer(),
        attempt_token=form.cleaned_data["attempt_token"],
        elapsed_ms=form.cleaned_data["elapsed_ms"],
        now=now_utc(),
    )
    answer_forget(request)
    if outcome.deed is Deed.UNREADABLE:
        return _unread(request, session, form, outcome)
    return _after(request, session, outcome, deed="answer")


@_deed(is_kept=True)
def scaffold(request: UserRequest, session: Session, form: DeedForm) -> HttpResponse:
    """Check the answer to a helping question."""
    outcome = services.scaffold_answer(
        session,
        hint_key=form.cleaned_data["hint_key"],
        raw_answer=form.raw_answer(),
        attempt_token=form.cleaned_data["attempt_token"],
        now=now_utc(),
    )
    answer_forget(request)
    if outcome.deed is Deed.UNREADABLE:
        return _unread(request, session, form, outcome)
    return _after(request, session, outcome, deed="scaffold")


@_deed(is_kept=False)
def hint(request: UserRequest, session: Session, form: DeedForm) -> HttpResponse:
    """Open the next hint."""
    outcome = services.hint_open(
        session, attempt_token=form.cleaned_data["attempt_token"], now=now_utc()
    )
    return _after(request, session, outcome, deed="hint")


@_deed(is_kept=False)
def dont_know(request: UserRequest, session: Session, form: DeedForm) -> HttpResponse:
    """Go on without an answer; the worked solution is shown."""
    outcome = services.dont_know(
        session,
        attempt_token=form.cleaned_data["attempt_token"],
        elapsed_ms=form.cleaned_data["elapsed_ms"],
        now=now_utc(),
    )
    return _after(request, session, outcome, deed="dont_know")


@_deed(is_kept=False)
def read(request: UserRequest, session: Session, form: DeedForm) -> HttpResponse:
    """Go on from the lesson to its first problem."""
    opening_read(session, attempt_token=form.cleaned_data["attempt_token"], now=now_utc())
    return _after(request, session, Outcome(Deed.RECORDED), deed="read")


@_deed(is_kept=False)
def go_on(request: UserRequest, session: Session, form: DeedForm) -> HttpResponse:
    """Go on after feedback: the next step, or what was planned next."""
    outcome = services.activity_continue(
        session, attempt_token=form.cleaned_data["attempt_token"], now=now_utc()
    )
    return _after(request, session, outcome, deed="go_on")


@require_POST
@learner_page
def end(request: UserRequest, session_uuid: UUID) -> HttpResponse:
    """End the sitting and go home."""
    session = session_for_learner(request.user, session_uuid)
    services.session_end(session, now=now_utc())
    return redirect("course_home", course_uuid=session.course.uuid)


def session_address(session: Session) -> str:
    """Return where a sitting is shown."""
    if session.kind == SessionKind.PLACEMENT:
        return reverse("placement", args=[session.course.uuid])
    return reverse("practice", args=[session.uuid])


@require_GET
@never_cache
@learner_page
def kept(request: UserRequest, session_uuid: UUID) -> HttpResponse:
    """After a login: offer to send the answer that was kept (practice.js sends it at once)."""
    session = session_for_learner(request.user, session_uuid, kind=None)
    found = answer_kept(request, session_uuid)
    if found is None:
        return redirect(session_address(session))
    context = {"kept": found, "session": session, "address": session_address(session)}
    return render(request, "practice/kept.html", context)


@require_POST
@never_cache
@learner_page
def preview(request: UserRequest, session_uuid: UUID) -> HttpResponse:
    """Show what is being typed as maths, or what could not be read of it; grades nothing."""
    session = session_for_learner(request.user, session_uuid, kind=None)
    found = answer_preview(
        session,
        raw=request.POST.get("answer", ""),
        hint_key=request.POST.get("hint_key", ""),
    )
    return render(request, f"{PAGE}#preview", {"preview": found})
