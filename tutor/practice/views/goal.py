"""The learner's own goal on a course."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from tutor.accounts.access import learner_page
from tutor.accounts.http import UserRequest
from tutor.common.clock import now_utc
from tutor.common.errors import TutorError
from tutor.practice.access import skill_of_course
from tutor.practice.forms import GoalForm
from tutor.roster.access import course_for_learner
from tutor.scheduling.goals import goal_end, goal_set


@require_POST
@learner_page
def set_goal(request: UserRequest, course_uuid: UUID) -> HttpResponse:
    """Make a skill the goal: what is proposed from now on leads there."""
    course = course_for_learner(request.user, course_uuid)
    form = GoalForm(request.POST)
    if not form.is_valid():
        raise Http404
    skill = skill_of_course(course, form.cleaned_data["skill"])
    try:
        goal_set(request.user, course, skill_ids=[skill.id], now=now_utc())
    except TutorError as error:
        messages.warning(request, error.message)
    else:
        messages.success(
            request,
            _("Your goal is “%(skill)s”. What is proposed now leads there.")
            % {"skill": skill.title},
        )
    return redirect("course_home", course_uuid=course.uuid)


@require_POST
@learner_page
def end_goal(request: UserRequest, course_uuid: UUID) -> HttpResponse:
    """Drop the own goal: the whole course is the goal again."""
    course = course_for_learner(request.user, course_uuid)
    goal_end(request.user, course, now=now_utc())
    return redirect("course_home", course_uuid=course.uuid)
