"""The editor: a draft's form, its checks and preview, its JSON, and publishing it."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRedirect

from tutor.accounts.access import teacher_page
from tutor.accounts.http import UserRequest
from tutor.common.clock import now_utc
from tutor.common.errors import TutorError
from tutor.content.access import can_author
from tutor.content.authoring.boxes import Group, Said, id_of
from tutor.content.authoring.changing import document_change
from tutor.content.authoring.checking import SECTION, Checked, document_check, own_rows
from tutor.content.authoring.drafts import draft_discard, draft_for, draft_save
from tutor.content.authoring.editing import document_json, problem_form
from tutor.content.authoring.lesson_editing import lesson_form, lesson_shown
from tutor.content.authoring.posted import lesson_posted, problem_posted, tree_of
from tutor.content.authoring.publishing import DraftConflictError, draft_publish, draft_rebase
from tutor.content.authoring.shape import document_shaped
from tutor.content.authoring.views_problem import attempt_of, shown_context
from tutor.content.bundles import Document
from tutor.content.decoding import json_read
from tutor.content.errors import ImportRefusedError
from tutor.content.forms import TryForm, VariantForm
from tutor.content.models import Course, Draft, DraftKind, Lesson, Problem, Skill
from tutor.content.pages import changes_shown

MOST_LETTERS = 2_000_000


def _draft(request: UserRequest, draft_uuid: UUID) -> Draft:
    draft = draft_for(request.user, draft_uuid)
    if not can_author(request.user, draft.course):
        raise PermissionDenied
    return draft


@require_http_methods(["GET", "HEAD", "POST"])
@teacher_page
def draft_page(request: UserRequest, draft_uuid: UUID) -> HttpResponseBase:
    """Show the editor; keep what was written, and do what the pressed button says."""
    draft = _draft(request, draft_uuid)
    if request.method != "POST":
        return render(request, "content/draft.html", _editor(draft))
    document, focus = _posted(request, draft), ""
    op = request.POST.get("op", "save")
    if op.startswith("look:"):
        focus = op.removeprefix("look:")
    elif op not in {"save", "publish"}:
        document, focus = document_change(document, op)
    refused = _keep(draft, document)
    if refused:
        return _refused(request, draft, refused)
    if op == "publish":
        return _go(request, reverse("draft_publish", args=[draft.uuid]))
    if request.htmx:
        context = _editor(draft) | {"focus": id_of(focus) if focus else "", "is_saved": True}
        return render(request, "content/draft.html#editor", context)
    if op == "save":
        messages.success(request, _("Your draft is kept. Learners do not see it yet."))
    where = reverse("draft", args=[draft.uuid])
    return redirect(f"{where}#{id_of(focus)}" if focus else where)


def _keep(draft: Draft, document: Document) -> str:
    """Keep what was written, or say why it was not; what was written is shown either way."""
    try:
        draft_save(draft, document, now=now_utc())
    except TutorError as error:
        draft.document = document
        return error.message
    return ""


def _refused(request: UserRequest, draft: Draft, message: str) -> HttpResponse:
    page = "content/draft.html#editor" if request.htmx else "content/draft.html"
    return render(request, page, _editor(draft) | {"refused": message}, status=422)


def _go(request: UserRequest, url: str) -> HttpResponse:
    return HttpResponseClientRedirect(url) if request.htmx else redirect(url)


def _posted(request: UserRequest, draft: Draft) -> Document:
    tree = tree_of({name: [str(v) for v in values] for name, values in request.POST.lists()})
    if draft.kind == DraftKind.LESSON:
        return lesson_posted(tree, draft.document)
    return problem_posted(tree, draft.document)


@require_POST
@teacher_page
def draft_check(request: UserRequest, draft_uuid: UUID) -> HttpResponseBase:
    """Keep what is being written, and say what the checks find in it."""
    draft = _draft(request, draft_uuid)
    refused = _keep(draft, _posted(request, draft))
    if not request.htmx:
        return _refused(request, draft, refused) if refused else redirect("draft", draft.uuid)
    context = _editor(draft) | {"is_saved": not refused, "refused": refused}
    return render(request, "content/draft.html#checks", context, status=422 if refused else 200)


def _editor(draft: Draft) -> dict[str, Any]:
    checked = document_check(draft.course, draft.kind, draft.document)
    context: dict[str, Any] = {
        "draft": draft,
        "course": draft.course,
        "groups": _form(draft, checked),
        "checked": checked,
        "is_problem": draft.kind == DraftKind.PROBLEM,
        "back": back_of(draft),
        "title": draft.document.get("title") or draft.document["id"],
    }
    return context | _preview(draft, seed=None)


def _preview(draft: Draft, *, seed: int | None) -> dict[str, Any]:
    if draft.kind == DraftKind.LESSON:
        return {"text": lesson_shown(draft.course, draft.document)}
    return shown_context(
        draft.course,
        draft.document,
        seed=seed,
        attempt=None,
        here=reverse("draft_preview", args=[draft.uuid]),
        try_url=reverse("draft_try", args=[draft.uuid]),
    )


def _form(draft: Draft, checked: Checked) -> tuple[Group, ...]:
    said = Said.of(checked.rows)
    skills = list(
        Skill.objects.filter(course=draft.course, is_retired=False)
        .order_by("position", "id")
        .values_list("key", "title")
    )
    if draft.kind == DraftKind.LESSON:
        return lesson_form(draft.document, skills=skills, said=said)
    lessons = Lesson.objects.filter(course=draft.course, is_retired=False)
    here = lessons.filter(key=draft.document["lesson"]).first()
    offered = here.skills.filter(is_retired=False).values_list("key", flat=True) if here else ()
    return problem_form(
        draft.document,
        lessons=list(lessons.order_by("order", "id").values_list("key", "title")),
        skills=skills,
        skills_of_lesson=list(offered),
        said=said,
    )


def back_of(draft: Draft) -> str:
    """Return the page of what a draft changes, or of its course."""
    return thing_url(draft.course, draft.kind, draft.key)


def thing_url(course: Course, kind: str, key: str) -> str:
    """Return the page of a problem or lesson, or of its course."""
    if kind == DraftKind.PROBLEM and key:
        problem = Problem.objects.filter(course=course, key=key).first()
        if problem is not None:
            return reverse("problem_detail", args=[problem.uuid])
    if kind == DraftKind.LESSON and key:
        lesson = Lesson.objects.filter(course=course, key=key, is_retired=False).first()
        if lesson is not None:
            return reverse("lesson_detail", args=[lesson.uuid])
    return reverse("course_content", args=[course.uuid])


@require_GET
@teacher_page
def draft_preview(request: UserRequest, draft_uuid: UUID) -> HttpResponseBase:
    """Show another variant of what is being written."""
    draft = _draft(request, draft_uuid)
    form = VariantForm(request.GET)
    seed = form.cleaned_data["seed"] if form.is_valid() else None
    if request.htmx and draft.kind == DraftKind.PROBLEM:
        return render(request, "content/_shown.html", _preview(draft, seed=seed))
    return render(request, "content/draft.html", _editor(draft) | _preview(draft, seed=seed))


@require_POST
@teacher_page
def draft_try(request: UserRequest, draft_uuid: UUID) -> HttpResponseBase:
    """Try an answer to what is being written; nothing is recorded."""
    draft = _draft(request, draft_uuid)
    form = TryForm(request.POST)
    if not form.is_valid() or draft.kind != DraftKind.PROBLEM:
        return redirect("draft", draft.uuid)
    context = shown_context(
        draft.course,
        draft.document,
        seed=form.cleaned_data["seed"],
        attempt=attempt_of(form),
        here=reverse("draft_preview", args=[draft.uuid]),
        try_url=reverse("draft_try", args=[draft.uuid]),
    )
    if request.htmx:
        return render(request, "content/_shown.html", context)
    return render(request, "content/draft.html", _editor(draft) | context)


@require_http_methods(["GET", "HEAD", "POST"])
@teacher_page
def draft_json(request: UserRequest, draft_uuid: UUID) -> HttpResponseBase:
    """Edit a draft as the bundle has it, for who knows the format."""
    draft = _draft(request, draft_uuid)
    text, problem = document_json(draft.document), ""
    if request.method == "POST":
        text = request.POST.get("document", "")[:MOST_LETTERS]
        try:
            read = json_read(text.encode(), name=_("the text"))
            draft_save(draft, document_shaped(draft.kind, read), now=now_utc())
        except TutorError as error:
            problem = error.message
        else:
            messages.success(request, _("Your draft is kept. Learners do not see it yet."))
            return redirect("draft", draft.uuid)
    context = {"draft": draft, "course": draft.course, "text": text, "problem": problem}
    status = 422 if problem else 200
    return render(request, "content/draft_json.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@teacher_page
def draft_publish_page(request: UserRequest, draft_uuid: UUID) -> HttpResponseBase:
    """Show what publishing would change; publish it as a new version of the course."""
    draft = _draft(request, draft_uuid)
    is_post = request.method == "POST"
    course, kind, key = draft.course, draft.kind, str(draft.document["id"])
    context: dict[str, Any] = {
        "draft": draft,
        "course": course,
        "title": draft.document.get("title") or key,
        "is_problem": kind == DraftKind.PROBLEM,
    }
    renewed = frozenset(request.POST.getlist("renewed")) if is_post else frozenset()
    status = 200
    try:
        result = draft_publish(
            draft, by=request.user, now=now_utc(), is_dry_run=not is_post, renewed=renewed
        )
    except DraftConflictError as conflict:
        context |= {"conflict": conflict, "can_keep": conflict.code == "conflict"}
        status = 409
    except ImportRefusedError as refusal:
        context |= {"refusal": refusal, "rows": [row.as_dict() for row in refusal.rows][:50]}
        status = 422
    except TutorError as error:
        context |= {"problem": error.message}
        status = 409
    else:
        if is_post:
            return _published(request, course, kind, key, result.version)
        context |= {
            "is_no_op": result.is_no_op,
            "changes": changes_shown(result.as_dict()["changes"]),
            "warnings": own_rows(result.warnings, f"/{SECTION[DraftKind(kind)]}/0"),
            "steps": [
                change.key
                for change in result.changes
                if change.kind == "step" and change.action == "changed"
            ],
        }
    return render(request, "content/publish.html", context, status=status)


def _published(
    request: UserRequest, course: Course, kind: str, key: str, version: int | None
) -> HttpResponse:
    if version is None:
        messages.info(request, _("Nothing had changed, so nothing was published."))
    else:
        said = _("Published: this is version {number} of {course}. Learners see it from now on.")
        messages.success(request, said.format(number=version, course=course.title))
    return redirect(thing_url(course, kind, key))


@require_POST
@teacher_page
def draft_keep(request: UserRequest, draft_uuid: UUID) -> HttpResponseBase:
    """Go on although somebody else changed the thing meanwhile."""
    draft = _draft(request, draft_uuid)
    draft_rebase(draft)
    return redirect("draft_publish", draft.uuid)


@require_POST
@teacher_page
def draft_discard_page(request: UserRequest, draft_uuid: UUID) -> HttpResponseBase:
    """Forget what was written."""
    draft = _draft(request, draft_uuid)
    back = back_of(draft)
    draft_discard(draft)
    messages.success(request, _("Your draft is gone; what is published stays as it is."))
    return redirect(back)
