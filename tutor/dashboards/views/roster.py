"""The roster of a class: who is in it, how one joins, and learners added by hand or by table."""

from uuid import UUID

from django.contrib import messages
from django.db.models import Q
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from tutor.accounts.http import UserRequest
from tutor.accounts.passwords import password_renew
from tutor.common.clock import now_utc
from tutor.common.errors import TutorError
from tutor.common.tables import csv_text
from tutor.common.texts import text_asked
from tutor.dashboards.downloads import csv_response
from tutor.dashboards.roster_forms import LearnerForm, MoveForm, RosterFileForm
from tutor.dashboards.selectors import learners_with_activity
from tutor.roster.access import class_page, learner_in_classroom
from tutor.roster.importing import RosterPlan, Slip, roster_import, roster_plan
from tutor.roster.membership import learner_move, learner_remove
from tutor.roster.models import Classroom
from tutor.roster.services import join_code_renew, joining_switch
from tutor.roster.sheets import (
    MOST_BYTES,
    Sheet,
    sheet_decode,
    sheet_read,
    sheet_too_large,
)

SEARCH_MOST = 80


@require_safe
@class_page
def roster_page(request: UserRequest, classroom: Classroom) -> HttpResponse:
    """List the class, with search; with htmx the list alone."""
    return _roster(request, classroom, LearnerForm())


def _roster(
    request: UserRequest, classroom: Classroom, form: LearnerForm, *, status: int = 200
) -> HttpResponse:
    words = text_asked(request.GET, "q", most=SEARCH_MOST)
    learners = learners_with_activity(classroom)
    found = learners
    if words:
        found = learners.filter(Q(display_name__icontains=words) | Q(username__icontains=words))
    join_url = reverse("join") + f"?code={classroom.join_code}"
    context = {
        "classroom": classroom,
        "learners": list(found),
        "n_learners": learners.count(),
        "words": words,
        "form": form,
        "join_url": request.build_absolute_uri(join_url),
    }
    is_part = request.htmx and not request.htmx.history_restore_request
    name = "dashboards/roster.html#list" if is_part else "dashboards/roster.html"
    return render(request, name, context, status=status)


@require_safe
@class_page
def roster_csv(_request: UserRequest, classroom: Classroom) -> HttpResponse:
    """Send the class as a table that the import reads back without a change."""
    rows = (
        (
            learner.display_name,
            learner.username,
            date_format(localtime(learner.joined_at), "Y-m-d"),  # type: ignore[attr-defined]
            date_format(localtime(learner.last_at), "Y-m-d H:i") if learner.last_at else None,  # type: ignore[attr-defined]
        )
        for learner in learners_with_activity(classroom)
    )
    text = csv_text(["name", "username", "joined", "last active"], rows, is_marked=True)
    return csv_response(text, f"roster {classroom.name}")


@sensitive_post_parameters("password")
@sensitive_variables("slips", "form")
@require_POST
@class_page
def learner_new(request: UserRequest, classroom: Classroom) -> HttpResponse:
    """Add one learner and show the slip, this once."""
    form = LearnerForm(request.POST)
    if form.is_valid():
        # A table of one row passes the same rules as any other.
        columns = ("name", "username", "password")
        row = [form.cleaned_data[column] for column in columns]
        sheet = sheet_read(csv_text(columns, [row]), file="")
        plan = roster_plan(classroom, sheet, by=request.user)
        for error in plan.errors:
            field = error.column if error.column in form.fields else None
            form.add_error(field, _("Expected: {what}.").format(what=error.expected))
        if not plan.errors:
            if not plan.changes:
                form.add_error("name", _("This learner is in the class already."))
            else:
                return _imported(request, classroom, form, sheet)
    return _roster(request, classroom, form, status=422)


def _imported(
    request: UserRequest, classroom: Classroom, form: LearnerForm | RosterFileForm, sheet: Sheet
) -> HttpResponse:
    """Import a table that has no errors; show slips where accounts were made."""
    try:
        slips = roster_import(classroom, sheet, by=request.user, now=now_utc())
    except TutorError as error:
        form.add_error(None, error.message)
        if isinstance(form, LearnerForm):
            return _roster(request, classroom, form, status=422)
        return _import_page(request, classroom, form, None, status=422)
    if slips:
        return slips_page(request, classroom, slips)
    messages.success(request, _("Done. Nobody needed a new account."))
    return redirect("teach:roster", classroom.uuid)


def slips_page(
    request: UserRequest, classroom: Classroom, slips: tuple[Slip, ...], *, is_new: bool = True
) -> HttpResponse:
    """Show what learners are handed; the only time that the passwords can be read."""
    context = {
        "classroom": classroom,
        "slips": slips,
        "is_new": is_new,
        "site": request.get_host(),
    }
    return render(request, "dashboards/slips.html", context, status=201)


@sensitive_post_parameters()
@sensitive_variables("form", "sheet", "plan")
@require_http_methods(["GET", "HEAD", "POST"])
@class_page
def roster_import_page(request: UserRequest, classroom: Classroom) -> HttpResponse:
    """Look at a table and say what it would do; import it when asked to and nothing is wrong."""
    if request.method != "POST":
        return _import_page(request, classroom, RosterFileForm(), None)
    form = RosterFileForm(request.POST, request.FILES)
    if not form.is_valid():
        return _import_page(request, classroom, form, None, status=422)
    sheet = _sheet_of(form, request.POST.get("name", ""))
    plan = roster_plan(classroom, sheet, by=request.user)
    if "apply" in request.POST and not plan.errors:
        return _imported(request, classroom, form, sheet)
    return _import_page(request, classroom, form, plan, status=422 if plan.errors else 200)


def _sheet_of(form: RosterFileForm, name: str) -> Sheet:
    uploaded = form.cleaned_data["file"]
    if not uploaded:
        return sheet_read(form.cleaned_data["text"], file=name[:100] or _("your table"))
    if uploaded.size > MOST_BYTES:
        return sheet_too_large(uploaded.size, file=uploaded.name)
    read = sheet_decode(uploaded.read(), file=uploaded.name)
    return read if isinstance(read, Sheet) else sheet_read(read, file=uploaded.name)


def _import_page(
    request: UserRequest,
    classroom: Classroom,
    form: RosterFileForm,
    plan: RosterPlan | None,
    *,
    status: int = 200,
) -> HttpResponse:
    if plan is not None:
        # What was read comes back as text, to be mended here or sent once more.
        form = RosterFileForm(initial={"text": plan.sheet.text})
        # Here what was read comes first, to be mended.
        form.fields["text"].label = _("The table")
        form.fields["file"].label = _("Or another file")
    context = {"classroom": classroom, "form": form, "plan": plan}
    return render(request, "dashboards/roster_import.html", context, status=status)


@require_POST
@class_page
def join_code_change(request: UserRequest, classroom: Classroom) -> HttpResponse:
    """Renew the join code, or switch joining on or off."""
    wanted, now = request.POST.get("do", ""), now_utc()
    if wanted == "renew":
        join_code_renew(classroom, by=request.user, now=now)
        messages.success(request, _("The class has a new code. The old one has ended."))
    elif wanted in {"open", "close"}:
        joining_switch(classroom, is_joinable=wanted == "open", by=request.user, now=now)
        messages.success(
            request,
            _("Learners can join by the code.")
            if wanted == "open"
            else _("Nobody can join by the code now. Who is in the class stays."),
        )
    else:
        raise Http404
    return redirect("teach:roster", classroom.uuid)


@require_safe
@class_page
def account_page(request: UserRequest, classroom: Classroom, learner_uuid: UUID) -> HttpResponse:
    """Show what a teacher may do with a learner's account and place in the class."""
    return _account(request, classroom, learner_uuid)


def _account(
    request: UserRequest,
    classroom: Classroom,
    learner_uuid: UUID,
    form: MoveForm | None = None,
    *,
    status: int = 200,
) -> HttpResponse:
    learner = learner_in_classroom(classroom, learner_uuid)
    enrolment = learner.enrolments.get(classroom=classroom, left_at=None)
    context = {
        "classroom": classroom,
        "learner": learner,
        "enrolment": enrolment,
        "form": form or MoveForm(user=request.user, source=classroom),
    }
    return render(request, "dashboards/account.html", context, status=status)


@sensitive_variables("plain", "slip")
@require_POST
@class_page
def learner_password(
    request: UserRequest, classroom: Classroom, learner_uuid: UUID
) -> HttpResponse:
    """Give a learner of the class a new password and show it, this once."""
    learner = learner_in_classroom(classroom, learner_uuid)
    if not learner.is_learner:
        raise Http404
    plain = password_renew(learner, by=request.user, now=now_utc())
    slip = Slip(learner=learner, password=plain)
    return slips_page(request, classroom, (slip,), is_new=False)


@require_POST
@class_page
def learner_leave(request: UserRequest, classroom: Classroom, learner_uuid: UUID) -> HttpResponse:
    """Take a learner out of the class."""
    learner = learner_in_classroom(classroom, learner_uuid)
    learner_remove(classroom, learner, by=request.user, now=now_utc())
    messages.success(
        request,
        _("{name} is out of {classroom}. The account and all answers stay.").format(
            name=learner.display_name, classroom=classroom.name
        ),
    )
    return redirect("teach:roster", classroom.uuid)


@require_POST
@class_page
def learner_change_class(
    request: UserRequest, classroom: Classroom, learner_uuid: UUID
) -> HttpResponse:
    """Move a learner to another of one's own classes."""
    learner = learner_in_classroom(classroom, learner_uuid)
    form = MoveForm(request.POST, user=request.user, source=classroom)
    if form.is_valid():
        target: Classroom = form.cleaned_data["target"]
        try:
            learner_move(learner, source=classroom, target=target, by=request.user, now=now_utc())
        except TutorError as error:
            form.add_error(None, error.message)
        else:
            messages.success(
                request,
                _("{name} is in {classroom} now.").format(
                    name=learner.display_name, classroom=target.name
                ),
            )
            return redirect("teach:roster", target.uuid)
    return _account(request, classroom, learner_uuid, form, status=422)
