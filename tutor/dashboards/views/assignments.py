"""Assignments of a class: the list, one with its progress, making, changing, taking back."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from tutor.accounts.http import UserRequest
from tutor.common.clock import now_utc
from tutor.common.errors import TutorError
from tutor.content.graph import course_graph
from tutor.dashboards.assignment_forms import SOME, AssignmentForm, initial_of
from tutor.dashboards.assignments import (
    Progress,
    assignment_row,
    assignment_rows,
    class_outlook,
)
from tutor.dashboards.heatmap import groups_of
from tutor.roster.access import class_page
from tutor.roster.models import Classroom
from tutor.roster.selectors import classroom_learners
from tutor.scheduling.goals import assignment_change, assignment_make, assignment_withdraw
from tutor.scheduling.models import Assignment

FIELD_OF_CODE = {"date_past": "due", "no_skills": "skills", "not_in_class": "learners"}
# Up to so many skills a course shows them all; a larger one folds its lessons.
OPEN_SKILLS = 24


@require_safe
@class_page
def assignment_list(request: UserRequest, classroom: Classroom) -> HttpResponse:
    """List the class's assignments with how far everybody is."""
    rows = assignment_rows(classroom, now=now_utc())
    context = {
        "classroom": classroom,
        "rows": [row for row in rows if not row.is_past],
        "past": [row for row in rows if row.is_past],
    }
    return render(request, "dashboards/assignments.html", context)


@require_safe
@class_page
def assignment_page(
    request: UserRequest, classroom: Classroom, assignment_uuid: UUID
) -> HttpResponse:
    """Show one assignment's progress, which follows by itself; with htmx the table alone."""
    now = now_utc()
    assignment = _assignment(classroom, assignment_uuid)
    row = assignment_row(assignment, class_outlook(classroom, now=now), now=now)
    is_part = request.htmx and not request.htmx.history_restore_request
    name = "dashboards/assignment.html#progress" if is_part else "dashboards/assignment.html"
    return render(request, name, {"classroom": classroom, "row": row, "now": now})


@require_http_methods(["GET", "HEAD", "POST"])
@class_page
def assignment_new(request: UserRequest, classroom: Classroom) -> HttpResponse:
    """Offer the form, look whether it fits, or make the assignment."""
    now = now_utc()
    if request.method != "POST":
        named = request.GET.getlist("learner")
        initial: dict[str, Any] = {"skills": request.GET.getlist("skill"), "learners": named}
        if named:
            initial["audience"] = SOME
        return _form_page(request, classroom, _form(classroom, now=now, initial=initial))
    form = _form(classroom, now=now, data=request.POST)
    return _decide(request, classroom, form, None, now=now)


@require_http_methods(["GET", "HEAD", "POST"])
@class_page
def assignment_edit(
    request: UserRequest, classroom: Classroom, assignment_uuid: UUID
) -> HttpResponse:
    """Offer the form filled in, look whether it fits, or change the assignment."""
    now = now_utc()
    assignment = _assignment(classroom, assignment_uuid)
    if request.method != "POST":
        form = _form(classroom, now=now, initial=initial_of(assignment))
        return _form_page(request, classroom, form, assignment)
    form = _form(classroom, now=now, data=request.POST)
    return _decide(request, classroom, form, assignment, now=now)


@require_POST
@class_page
def assignment_take_back(
    request: UserRequest, classroom: Classroom, assignment_uuid: UUID
) -> HttpResponse:
    """Withdraw an assignment."""
    assignment = _assignment(classroom, assignment_uuid)
    assignment_withdraw(assignment, by=request.user, now=now_utc())
    messages.success(
        request,
        _("“{title}” is withdrawn. What was practised for it stays.").format(
            title=assignment.title
        ),
    )
    return redirect("teach:assignments", classroom.uuid)


def _assignment(classroom: Classroom, assignment_uuid: UUID) -> Assignment:
    return get_object_or_404(
        Assignment.objects.prefetch_related("skills", "learners").select_related("created_by"),
        classroom=classroom,
        uuid=assignment_uuid,
        withdrawn_at=None,
    )


def _form(
    classroom: Classroom,
    *,
    now: datetime,
    data: Any = None,
    initial: dict[str, Any] | None = None,
) -> AssignmentForm:
    return AssignmentForm(
        data,
        initial=initial,
        graph=course_graph(classroom.course),
        learners=classroom_learners(classroom),
        today=localdate(now),
    )


def _decide(
    request: UserRequest,
    classroom: Classroom,
    form: AssignmentForm,
    assignment: Assignment | None,
    *,
    now: datetime,
) -> HttpResponse:
    if not form.is_valid():
        return _form_page(request, classroom, form, assignment, status=422)
    if "look" in request.POST:
        named = {learner.pk for learner in form.named()}
        progress = class_outlook(classroom, now=now).progress(
            form.skill_ids(), named, due_at=form.due_at(), now=now
        )
        return _form_page(request, classroom, form, assignment, progress=progress)
    asked: dict[str, Any] = {
        "title": form.title_given(),
        "skill_ids": form.skill_ids(),
        "due_at": _due_at(form, assignment),
        "learners": form.named(),
        "note": form.cleaned_data["note"],
    }
    try:
        if assignment is None:
            assignment = assignment_make(classroom, **asked, by=request.user, now=now)
        else:
            assignment_change(assignment, **asked, by=request.user, now=now)
    except TutorError as error:
        form.add_error(FIELD_OF_CODE.get(error.code), error.message)
        return _form_page(request, classroom, form, assignment, status=422)
    messages.success(
        request, _("“{title}” is on its learners’ home pages.").format(title=assignment.title)
    )
    return redirect("teach:assignment", classroom.uuid, assignment.uuid)


def _due_at(form: AssignmentForm, assignment: Assignment | None) -> datetime:
    """Return the end of the day that was chosen; an unchanged day leaves the moment as it was."""
    if assignment is not None and localdate(assignment.due_at) == form.cleaned_data["due"]:
        return assignment.due_at
    return form.due_at()


def _form_page(
    request: UserRequest,
    classroom: Classroom,
    form: AssignmentForm,
    assignment: Assignment | None = None,
    *,
    progress: tuple[Progress, ...] | None = None,
    status: int = 200,
) -> HttpResponse:
    graph = course_graph(classroom.course)
    ticked = form.ticked()
    practisable = graph.practisable
    groups = [
        {
            "title": group.title,
            "skills": [skill for skill in group.skills if skill.id in practisable],
            "n_ticked": sum(skill.uuid in ticked for skill in group.skills),
        }
        for group in groups_of(graph)
    ]
    if not practisable:
        raise Http404
    context = {
        "classroom": classroom,
        "form": form,
        "assignment": assignment,
        "groups": [group for group in groups if group["skills"]],
        "ticked": ticked,
        "is_small": len(practisable) <= OPEN_SKILLS,
        "progress": progress,
    }
    return render(request, "dashboards/assignment_form.html", context, status=status)
