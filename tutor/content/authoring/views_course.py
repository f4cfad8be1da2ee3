"""Pages of authors, to look at: courses, a course's problems, lessons and skills."""

from collections.abc import Callable
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
from tutor.common.texts import text_asked
from tutor.content.access import can_author, course_for_author, course_for_teacher
from tutor.content.authoring import catalogue
from tutor.content.authoring.authors import author_add, author_remove
from tutor.content.authoring.drafts import draft_new_lesson, draft_new_problem, draft_open
from tutor.content.authoring.lesson_editing import lesson_shown
from tutor.content.authoring.publishing import lesson_restore, lesson_retire
from tutor.content.forms import AuthorForm, SearchForm
from tutor.content.importing import ImportResult
from tutor.content.models import KEY_LENGTH, Course, DraftKind, Lesson, Skill
from tutor.content.planning import lesson_document


@require_GET
@teacher_page
def content_home(request: UserRequest) -> HttpResponseBase:
    """List the courses, and what the person has not published yet."""
    context = {
        "courses": catalogue.course_rows(request.user),
        "drafts": catalogue.draft_rows(request.user),
    }
    return render(request, "content/home.html", context)


@require_GET
@teacher_page
def course_content(request: UserRequest, course_uuid: UUID) -> HttpResponseBase:
    """Show a course's problems, searched and by the page, with its lessons and skills."""
    course = course_for_teacher(course_uuid)
    return render(request, "content/course.html", _course_context(request, course))


def _course_context(request: UserRequest, course: Course) -> dict[str, Any]:
    form = SearchForm(request.GET)
    asked = form.cleaned_data if form.is_valid() else {}
    words, lesson = asked.get("q") or "", asked.get("lesson") or ""
    page, rows = catalogue.problem_page(
        course, request.user, words=words, lesson=lesson, number=asked.get("page")
    )
    lessons, skills = catalogue.lesson_rows(course), catalogue.skill_rows(course)
    return {
        "course": course,
        "is_author": can_author(request.user, course),
        "authors": course.authors.all(),
        "author_form": AuthorForm(),
        "page": page,
        "rows": rows,
        "words": words,
        "lesson": lesson,
        "lessons": lessons,
        "skills": skills,
        "retired_lessons": catalogue.lessons_retired(course),
        "unexplained": next((row.key for row in skills if not row.n_lessons), ""),
        "warnings": catalogue.course_warnings(skills, lessons),
        "drafts": catalogue.draft_rows(request.user, course),
        "retired": catalogue.RETIRED,
    }


@require_GET
@teacher_page
def course_quality(request: UserRequest, course_uuid: UUID) -> HttpResponseBase:
    """Say what the quality rules find in the problems of a page of the list."""
    course = course_for_teacher(course_uuid)
    context = _course_context(request, course)
    found = catalogue.page_warnings(context["page"])
    context["quality"] = [(row, found[row.uuid]) for row in context["rows"] if row.uuid in found]
    context["is_checked"] = True
    template = "content/course.html#quality" if request.htmx else "content/course.html"
    return render(request, template, context)


@require_POST
@teacher_page
def course_authors(request: UserRequest, course_uuid: UUID) -> HttpResponseBase:
    """Add or remove an author."""
    course = course_for_author(request.user, course_uuid)
    form = AuthorForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Type the username of a teacher."))
        return redirect("course_content", course.uuid)
    change = author_remove if request.POST.get("op") == "remove" else author_add
    try:
        teacher = change(course, form.cleaned_data["username"], by=request.user, now=now_utc())
    except TutorError as error:
        messages.error(request, error.message)
    else:
        said = (
            _("{name} is no author of this course any more.")
            if change is author_remove
            else _("{name} may change this course now.")
        )
        messages.success(request, said.format(name=teacher))
    return redirect("course_content", course.uuid)


@require_POST
@teacher_page
def problem_new(request: UserRequest, course_uuid: UUID) -> HttpResponseBase:
    """Begin a new problem of a lesson."""
    course = course_for_author(request.user, course_uuid)
    lessons = Lesson.objects.filter(course=course, is_retired=False)
    asked = text_asked(request.POST, "lesson", most=KEY_LENGTH)
    lesson = lessons.filter(key=asked).first() or lessons.first()
    if lesson is None:
        messages.error(request, _("The course has no lesson yet; import one first."))
        return redirect("course_content", course.uuid)
    draft = draft_new_problem(course, lesson, by=request.user, now=now_utc())
    return redirect("draft", draft.uuid)


@require_POST
@teacher_page
def lesson_new(request: UserRequest, course_uuid: UUID) -> HttpResponseBase:
    """Begin a new lesson on a skill."""
    course = course_for_author(request.user, course_uuid)
    skills = Skill.objects.filter(course=course, is_retired=False)
    asked = text_asked(request.POST, "skill", most=KEY_LENGTH)
    skill = skills.filter(key=asked).first() or skills.first()
    if skill is None:
        messages.error(request, _("The course has no skill yet; import one first."))
        return redirect("course_content", course.uuid)
    draft = draft_new_lesson(course, skill, by=request.user, now=now_utc())
    return redirect("draft", draft.uuid)


@require_POST
@teacher_page
def lesson_retire_page(request: UserRequest, lesson_uuid: UUID) -> HttpResponseBase:
    """Take a lesson and its problems out of its course, as a new version."""
    said = _("Learners do not see this lesson any more. Version {number} of the course.")
    return _changed(request, lesson_uuid, lesson_retire, said)


@require_POST
@teacher_page
def lesson_restore_page(request: UserRequest, lesson_uuid: UUID) -> HttpResponseBase:
    """Bring a retired lesson back, as a new version."""
    said = _("The lesson is back. Version {number} of the course.")
    return _changed(request, lesson_uuid, lesson_restore, said)


def _changed(
    request: UserRequest, lesson_uuid: UUID, change: Callable[..., ImportResult], said: str
) -> HttpResponseBase:
    lesson = _lesson(lesson_uuid)
    course_for_author(request.user, lesson.course.uuid)
    try:
        result = change(lesson, by=request.user, now=now_utc())
    except TutorError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, said.format(number=result.version))
    return redirect("lesson_detail", lesson.uuid)


@require_GET
@teacher_page
def lesson_detail(request: UserRequest, lesson_uuid: UUID) -> HttpResponseBase:
    """Show a lesson as learners read it."""
    lesson = _lesson(lesson_uuid)
    context = {
        "course": lesson.course,
        "lesson": lesson,
        "text": lesson_shown(lesson.course, lesson_document(lesson)),
        "is_author": can_author(request.user, lesson.course),
        "n_problems": lesson.problems.filter(is_retired=False).count(),
        "list_url": f"{reverse('course_content', args=[lesson.course.uuid])}?lesson={lesson.key}",
    }
    return render(request, "content/lesson.html", context)


@require_POST
@teacher_page
def lesson_edit(request: UserRequest, lesson_uuid: UUID) -> HttpResponseBase:
    """Begin or go on with changing a lesson."""
    lesson = _lesson(lesson_uuid)
    course_for_author(request.user, lesson.course.uuid)
    now = now_utc()
    try:
        draft = draft_open(lesson.course, DraftKind.LESSON, lesson.key, by=request.user, now=now)
    except TutorError as error:
        messages.error(request, error.message)
        return redirect("course_content", lesson.course.uuid)
    return redirect("draft", draft.uuid)


def _lesson(lesson_uuid: UUID) -> Lesson:
    # What a response log brought has no skills and no text to show.
    lessons = Lesson.objects.filter(skills__isnull=False).distinct()
    return get_object_or_404(
        lessons.select_related("course").prefetch_related("skills"), uuid=lesson_uuid
    )
