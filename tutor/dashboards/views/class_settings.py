"""A class's name, its teachers, and putting it away."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from tutor.accounts.http import UserRequest
from tutor.common.clock import now_utc
from tutor.common.errors import TutorError
from tutor.dashboards.roster_forms import NameForm, TeacherForm
from tutor.roster.access import class_page, class_page_of_any, is_closed
from tutor.roster.models import Classroom
from tutor.roster.services import (
    classroom_archive,
    classroom_rename,
    teacher_add,
    teacher_remove,
)


@require_http_methods(["GET", "HEAD", "POST"])
@class_page_of_any
def settings_page(request: UserRequest, classroom: Classroom) -> HttpResponse:
    """Show a class's settings; a POST gives it another name."""
    if request.method != "POST":
        return _settings(request, classroom)
    form = NameForm(request.POST)
    if not form.is_valid():
        return _settings(request, classroom, name_form=form, status=422)
    classroom_rename(classroom, name=form.cleaned_data["name"], by=request.user, now=now_utc())
    messages.success(request, _("The class is called {name} now.").format(name=classroom.name))
    return redirect("teach:settings", classroom.uuid)


def _settings(
    request: UserRequest,
    classroom: Classroom,
    *,
    name_form: NameForm | None = None,
    teacher_form: TeacherForm | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        "classroom": classroom,
        "teachers": classroom.teachers.order_by("display_name", "id"),
        "is_open": not is_closed(classroom, request.user),
        "name_form": name_form or NameForm(initial={"name": classroom.name}),
        "teacher_form": teacher_form or TeacherForm(),
    }
    return render(request, "dashboards/class_settings.html", context, status=status)


@require_POST
@class_page_of_any
def archive_switch(request: UserRequest, classroom: Classroom) -> HttpResponse:
    """Put the class away, or bring it back."""
    is_archived = request.POST.get("do") != "unarchive"
    classroom_archive(classroom, is_archived=is_archived, by=request.user, now=now_utc())
    said = (
        _("{name} is archived. Nothing of it is lost; bring it back here at any time.")
        if is_archived
        else _("{name} is back.")
    )
    messages.success(request, said.format(name=classroom.name))
    return redirect("teach:settings", classroom.uuid)


@require_POST
@class_page
def colleague_add(request: UserRequest, classroom: Classroom) -> HttpResponse:
    """Let a colleague teach the class too."""
    form = TeacherForm(request.POST)
    if form.is_valid():
        username = form.cleaned_data["username"]
        try:
            person = teacher_add(classroom, username=username, by=request.user, now=now_utc())
        except TutorError as error:
            form.add_error("username", error.message)
        else:
            messages.success(request, _("{name} teaches this class too.").format(name=person))
            return redirect("teach:settings", classroom.uuid)
    return _settings(request, classroom, teacher_form=form, status=422)


@require_POST
@class_page
def colleague_remove(
    request: UserRequest, classroom: Classroom, teacher_uuid: UUID
) -> HttpResponse:
    """Take a teacher off the class, oneself too."""
    person = get_object_or_404(classroom.teachers, uuid=teacher_uuid)
    try:
        teacher_remove(classroom, person, by=request.user, now=now_utc())
    except TutorError as error:
        messages.error(request, error.message)
        return redirect("teach:settings", classroom.uuid)
    messages.success(request, _("{name} does not teach this class any more.").format(name=person))
    if person == request.user and not request.user.is_administrator:
        return redirect("teach:classrooms")
    return redirect("teach:settings", classroom.uuid)
