"""A learner's pages on one course: home, map, skills and lessons."""

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET

from tutor.accounts.access import learner_page, member_page
from tutor.accounts.http import UserRequest
from tutor.common.clock import now_utc
from tutor.content.graph import course_graph
from tutor.content.lessons import lesson_text
from tutor.content.models import Lesson
from tutor.practice.access import skill_of_course
from tutor.practice.forms import MapForm
from tutor.practice.home import home_page
from tutor.practice.map_page import map_page
from tutor.practice.skill_page import skill_page
from tutor.roster.access import course_for_learner, course_for_member
from tutor.roster.selectors import courses_of_learner
from tutor.scheduling.statuses import PolicyConfig
from tutor.tracing.selectors import EVIDENCE_MIN


@require_GET
@learner_page
def learner_home(request: UserRequest, course_uuid: UUID | None = None) -> HttpResponse:
    """Say what is next; without a course, on the first of the learner's courses."""
    courses = courses_of_learner(request.user)
    if course_uuid is not None:
        course = course_for_learner(request.user, course_uuid)
    elif courses:
        course = courses[0]
    else:
        return render(request, "practice/home_empty.html")
    context = {
        "page": home_page(request.user, course, now=now_utc()),
        "course": course,
        "courses": courses,
    }
    return render(request, "practice/home.html", context)


@require_GET
@learner_page
def course_map_first(request: UserRequest) -> HttpResponse:
    """Go to the map of the first of the learner's courses."""
    courses = courses_of_learner(request.user)
    if not courses:
        return redirect("learner_home")
    address = reverse("course_map", args=[courses[0].uuid])
    wish = request.GET.urlencode()
    return redirect(f"{address}?{wish}" if wish else address)


@require_GET
@learner_page
def course_map(request: UserRequest, course_uuid: UUID) -> HttpResponse:
    """Show every skill of the course by status, as a picture or, with ?view=list, as a list."""
    course = course_for_learner(request.user, course_uuid)
    form = MapForm(request.GET)
    wish = form.cleaned_data if form.is_valid() else {}
    page = map_page(
        request.user,
        course,
        now=now_utc(),
        is_list=request.GET.get("view") == "list",
        query=wish.get("q", ""),
        status=wish.get("status", ""),
    )
    template = "practice/map.html#list" if request.htmx and page.list else "practice/map.html"
    return render(request, template, {"page": page, "course": course})


@require_GET
@learner_page
def skill(request: UserRequest, course_uuid: UUID, skill_uuid: UUID) -> HttpResponse:
    """Show one skill: its lesson, the belief over time, the own responses."""
    course = course_for_learner(request.user, course_uuid)
    page = skill_page(request.user, course, skill_of_course(course, skill_uuid), now=now_utc())
    return render(request, "practice/skill.html", {"page": page, "course": course})


@require_GET
@member_page
def how(request: UserRequest) -> HttpResponse:
    """Explain every number of the learner's pages, with the thresholds in force."""
    context = {"evidence_min": EVIDENCE_MIN, "config": PolicyConfig()}
    return render(request, "practice/how.html", context)


@require_GET
@member_page
def lesson(request: UserRequest, course_uuid: UUID, lesson_uuid: UUID) -> HttpResponse:
    """Show a lesson, to its learners and to teachers."""
    course = course_for_member(request.user, course_uuid)
    found = get_object_or_404(Lesson, course=course, uuid=lesson_uuid, is_retired=False)
    taught = [
        node
        for node in course_graph(course).skills
        if any(ref.id == found.pk for ref in course_graph(course).lessons_by_skill[node.id])
    ]
    context = {"text": lesson_text(found, course), "course": course, "skills": taught}
    return render(request, "practice/lesson.html", context)
