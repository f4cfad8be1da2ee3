"""The models pages: administrators fit, promote and roll back; teachers of the course read."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from tutor.accounts.access import teacher_page
from tutor.accounts.http import UserRequest
from tutor.common.clock import now_utc
from tutor.common.errors import TutorError
from tutor.content.models import Course
from tutor.dashboards import model_pages
from tutor.dashboards.forms import FitForm
from tutor.dashboards.model_version import version_page
from tutor.tracing.access import (
    course_for_models,
    fit_for_models,
    version_for_models,
)
from tutor.tracing.drift import LEARNERS_MOST, drift_request
from tutor.tracing.fit_starting import NIGHTLY_RULE, VOLUME_RULE
from tutor.tracing.fits import fit_cancel, fit_request
from tutor.tracing.judging import RULE
from tutor.tracing.models import ModelRole, Promotion
from tutor.tracing.promotion import promotion_start, roll_back, versions_before


@require_safe
@teacher_page
def model_courses(request: UserRequest) -> HttpResponse:
    """List the courses with what serves each."""
    context = {"rows": model_pages.course_rows(request.user)}
    return render(request, "dashboards/models.html", context)


@require_safe
@teacher_page
def course_models(request: UserRequest, course_uuid: UUID) -> HttpResponse:
    """Show a course's models; htmx gets the part that moves while a fit or a replay runs."""
    course = course_for_models(request.user, course_uuid)
    is_fragment = request.htmx and not request.htmx.history_restore_request
    return _course_models(request, course, form=FitForm(), is_fragment=bool(is_fragment))


def _course_models(
    request: UserRequest, course: Course, *, form: FitForm, is_fragment: bool = False
) -> HttpResponse:
    shows_all = "all" in request.GET
    context = {
        "page": model_pages.course_page(course, shows_all=shows_all, now=now_utc()),
        "shows_all": shows_all,
        "course": course,
        "form": form,
        "rule": RULE,
        "nightly": NIGHTLY_RULE,
        "volume": VOLUME_RULE,
        "drift_learners": LEARNERS_MOST,
        "is_fragment": is_fragment,
    }
    name = "dashboards/course_models.html#live" if is_fragment else "dashboards/course_models.html"
    return render(request, name, context, status=422 if form.errors else 200)


@require_POST
@teacher_page
def fit_start(request: UserRequest, course_uuid: UUID) -> HttpResponse:
    """Start a fit by hand."""
    course = course_for_models(request.user, course_uuid, is_deed=True)
    form = FitForm(request.POST)
    if form.is_valid():
        try:
            fit_request(course, by=request.user, now=now_utc(), **form.cleaned_data)
        except TutorError as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, _("The fit is asked for; a worker takes it."))
            return redirect("teach:course_models", course.uuid)
    return _course_models(request, course, form=form)


@require_POST
@teacher_page
def fit_stop(request: UserRequest, fit_uuid: UUID) -> HttpResponse:
    """Cancel a fit."""
    run = fit_for_models(request.user, fit_uuid, is_deed=True)
    if fit_cancel(run, by=request.user, now=now_utc()):
        messages.success(request, _("The fit is told to stop."))
    else:
        messages.info(request, _("The fit had ended already."))
    return redirect("teach:course_models", run.course.uuid)


@require_POST
@teacher_page
def drift_start(request: UserRequest, course_uuid: UUID) -> HttpResponse:
    """Have the drift measured now."""
    course = course_for_models(request.user, course_uuid, is_deed=True)
    drift_request(course, by=request.user, now=now_utc())
    messages.success(request, _("A worker measures it; look again in a minute."))
    return redirect("teach:course_models", course.uuid)


@require_safe
@teacher_page
def version_detail(request: UserRequest, version_uuid: UUID) -> HttpResponse:
    """Show one version: its test, its calibration, its parts, its data and its fit."""
    version = version_for_models(request.user, version_uuid)
    context = {"page": version_page(version), "version": version, "course": version.course}
    return render(request, "dashboards/version.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@teacher_page
def version_promote(request: UserRequest, version_uuid: UUID) -> HttpResponse:
    """Ask, then begin to make a version serve."""
    version = version_for_models(request.user, version_uuid, is_deed=True)
    if request.method == "POST":
        return _begin(
            request,
            version.course,
            lambda now: promotion_start(version, by=request.user, now=now),
        )
    context = {"version": version, "course": version.course, "is_back": False}
    return render(request, "dashboards/version_confirm.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@teacher_page
def role_roll_back(request: UserRequest, course_uuid: UUID, role: str) -> HttpResponse:
    """Ask, then begin to go back to the version that served before."""
    course = course_for_models(request.user, course_uuid, is_deed=True)
    if role not in ModelRole.values:
        raise Http404
    if request.method == "POST":
        return _begin(
            request, course, lambda now: roll_back(course, role=role, by=request.user, now=now)
        )
    earlier = versions_before(course, role=role)
    if not earlier:
        messages.error(request, _("No version served this role before."))
        return redirect("teach:course_models", course.uuid)
    context = {"version": earlier[0], "course": course, "is_back": True}
    return render(request, "dashboards/version_confirm.html", context)


def _begin(
    request: UserRequest, course: Course, deed: Callable[[datetime], Promotion]
) -> HttpResponse:
    try:
        promotion = deed(now_utc())
    except TutorError as error:
        messages.error(request, error.message)
    else:
        messages.success(
            request,
            _("The log is replayed for {model}; it serves when that is done.").format(
                model=promotion.version.model_name
            ),
        )
    return redirect("teach:course_models", course.uuid)
