"""A problem's page: every variant as learners see it, an answer tried, retired and brought back."""

from collections.abc import Callable
from random import Random
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from tutor.accounts.access import teacher_page
from tutor.accounts.http import UserRequest
from tutor.common.clock import now_utc
from tutor.common.errors import TutorError
from tutor.content.access import can_author, course_for_author
from tutor.content.authoring.checking import quality_of
from tutor.content.authoring.drafts import draft_open, problem_now
from tutor.content.authoring.preview import Attempt, problem_shown, seed_drawn
from tutor.content.authoring.publishing import problem_restore, problem_retire
from tutor.content.bundles import Document
from tutor.content.exporting import problem_placed
from tutor.content.forms import TryForm, VariantForm
from tutor.content.importing import ImportResult
from tutor.content.models import Course, DraftKind, Problem, ProblemRevision

Change = Callable[..., ImportResult]


@require_GET
@teacher_page
def problem_detail(request: UserRequest, problem_uuid: UUID) -> HttpResponseBase:
    """Show a problem's variant with its hints, answers and feedback, and its revisions."""
    problem = _problem(problem_uuid)
    form = VariantForm(request.GET)
    asked = form.cleaned_data if form.is_valid() else {}
    context = _context(problem, asked, attempt=None)
    if request.htmx:
        return render(request, "content/_shown.html", context)
    revisions = (
        ProblemRevision.objects.filter(problem=problem).order_by("-number").defer("document")
    )
    context |= {
        "revisions": revisions.order_by("-number")[:30],
        "quality": quality_of(context["document"]),
        "is_author": can_author(request.user, problem.course),
    }
    return render(request, "content/problem.html", context)


@require_POST
@teacher_page
def problem_try(request: UserRequest, problem_uuid: UUID) -> HttpResponseBase:
    """Grade an answer as a learner's would be; nothing is recorded."""
    problem = _problem(problem_uuid)
    form = TryForm(request.POST)
    if not form.is_valid():
        return redirect("problem_detail", problem.uuid)
    context = _context(problem, form.cleaned_data, attempt=attempt_of(form))
    if request.htmx:
        return render(request, "content/_shown.html", context)
    context |= {"quality": [], "revisions": [], "is_author": False}
    return render(request, "content/problem.html", context)


def attempt_of(form: TryForm) -> Attempt:
    """Return what a valid form tries."""
    asked = form.cleaned_data
    return Attempt(step=asked["step"], hint=asked["hint"], raw=form.raw_answer())


def _context(problem: Problem, asked: dict[str, Any], *, attempt: Attempt | None) -> dict[str, Any]:
    number = asked.get("revision")
    document = _document(problem, number)
    seed = asked.get("seed")
    here = reverse("problem_detail", args=[problem.uuid])
    return {
        "course": problem.course,
        "problem": problem,
        "document": document,
        "revision": number,
        **shown_context(
            problem.course,
            document,
            seed=seed,
            attempt=attempt,
            here=here,
            try_url=reverse("problem_try", args=[problem.uuid]),
        ),
        "query": f"&revision={number}" if number else "",
    }


def shown_context(
    course: Course,
    document: Document,
    *,
    seed: int | None,
    attempt: Attempt | None,
    here: str,
    try_url: str,
) -> dict[str, Any]:
    """Return what the preview's template needs; without a seed the first variant is shown."""
    chosen = seed if seed is not None else 0
    return {
        "shown": problem_shown(course, document, seed=chosen, attempt=attempt),
        "random_seed": seed_drawn(Random()),  # noqa: S311
        "here": here,
        "try_url": try_url,
        "tried": attempt,
    }


def _document(problem: Problem, number: int | None) -> Document:
    if number is None:
        return problem_now(problem)
    revision = get_object_or_404(ProblemRevision, problem=problem, number=number)
    return problem_placed(revision.document, order=problem.order, lesson=problem.lesson.key)


@require_POST
@teacher_page
def problem_edit(request: UserRequest, problem_uuid: UUID) -> HttpResponseBase:
    """Begin or go on with changing a problem."""
    problem = _problem(problem_uuid)
    course_for_author(request.user, problem.course.uuid)
    try:
        draft = draft_open(
            problem.course, DraftKind.PROBLEM, problem.key, by=request.user, now=now_utc()
        )
    except TutorError as error:
        messages.error(request, error.message)
        return redirect("problem_detail", problem.uuid)
    return redirect("draft", draft.uuid)


@require_POST
@teacher_page
def problem_retire_page(request: UserRequest, problem_uuid: UUID) -> HttpResponseBase:
    """Take a problem out of its course, as a new version."""
    said = _("Learners are not given this problem any more. Version {number} of the course.")
    return _changed(request, problem_uuid, problem_retire, said)


@require_POST
@teacher_page
def problem_restore_page(request: UserRequest, problem_uuid: UUID) -> HttpResponseBase:
    """Bring a retired problem back, as a new version."""
    said = _("The problem is back. Version {number} of the course.")
    return _changed(request, problem_uuid, problem_restore, said)


def _changed(
    request: UserRequest, problem_uuid: UUID, change: Change, said: str
) -> HttpResponseBase:
    problem = _problem(problem_uuid)
    course_for_author(request.user, problem.course.uuid)
    try:
        result = change(problem, by=request.user, now=now_utc())
    except TutorError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, said.format(number=result.version))
    return redirect("problem_detail", problem.uuid)


def _problem(problem_uuid: UUID) -> Problem:
    problems = Problem.objects.select_related("course", "lesson", "revision")
    return get_object_or_404(problems, uuid=problem_uuid, revision__isnull=False)
