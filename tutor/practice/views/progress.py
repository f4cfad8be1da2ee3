"""How a learner is getting on, and the answers that its numbers count."""

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from tutor.accounts.access import learner_page
from tutor.accounts.http import UserRequest
from tutor.common.clock import now_utc
from tutor.practice.access import skill_of_course
from tutor.practice.forms import AnswersForm
from tutor.practice.progress import answers_page, progress_page
from tutor.roster.access import course_for_learner
from tutor.roster.selectors import courses_of_learner


@require_GET
@learner_page
def progress_first(request: UserRequest) -> HttpResponse:
    """Go to the progress in the first of the learner's courses."""
    courses = courses_of_learner(request.user)
    if not courses:
        return redirect("learner_home")
    return redirect("progress", course_uuid=courses[0].uuid)


@require_GET
@learner_page
def progress(request: UserRequest, course_uuid: UUID) -> HttpResponse:
    """Show what was done, what is mastered, and what a week without practice would do."""
    course = course_for_learner(request.user, course_uuid)
    page = progress_page(request.user, course, now=now_utc())
    return render(request, "practice/progress.html", {"page": page, "course": course})


@require_GET
@learner_page
def answers(request: UserRequest, course_uuid: UUID) -> HttpResponse:
    """List the own answers, with ?skill=, ?day= or ?week= only some of them."""
    course = course_for_learner(request.user, course_uuid)
    form = AnswersForm(request.GET)
    wish = form.cleaned_data if form.is_valid() else {}
    skill_uuid = wish.get("skill")
    page = answers_page(
        request.user,
        course,
        skill=skill_of_course(course, skill_uuid) if skill_uuid else None,
        period=form.period() if form.is_valid() else None,
        number=wish.get("page") or 1,
    )
    return render(request, "practice/answers.html", {"page": page, "course": course})
