"""What to do with what is known: groups, the class now, what practice would bring."""

import zlib

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.timezone import localdate
from django.views.decorators.http import require_safe

from tutor.accounts.http import UserRequest
from tutor.common.clock import now_utc
from tutor.content.graph import course_graph
from tutor.dashboards import groups, live, what_if
from tutor.dashboards.selectors import weak_skills
from tutor.dashboards.what_if_forms import WhatIfForm
from tutor.roster.access import class_page
from tutor.roster.models import Classroom
from tutor.roster.selectors import classroom_learners
from tutor.tracing.selectors import EVIDENCE_MIN, beliefs_of_learners


@require_safe
@class_page
def group_page(request: UserRequest, classroom: Classroom) -> HttpResponse:
    """Suggest small groups that the same earlier skill holds back."""
    now = now_utc()
    learners = classroom_learners(classroom)
    by_id = {learner.pk: learner for learner in learners}
    beliefs = beliefs_of_learners(learners, classroom.course, now=now)
    found = groups.groups_suggest(beliefs, course_graph(classroom.course))
    context = {
        "classroom": classroom,
        "groups": [
            {
                "group": group,
                "people": [(by_id[one.learner_id], one) for one in group.members],
                "assign": _assign_href(
                    classroom,
                    str(group.skill.uuid),
                    [str(by_id[one.learner_id].uuid) for one in group.members],
                ),
                "heatmap": _heatmap_query(
                    group, [str(by_id[one.learner_id].uuid) for one in group.members]
                ),
            }
            for group in found
        ],
        "n_learners": len(learners),
        "rules": groups,
        "recent_days": groups.RECENT.days,
        "evidence_min": EVIDENCE_MIN,
        "now": now,
    }
    return render(request, "dashboards/groups.html", context)


def _heatmap_query(group: groups.SuggestedGroup, learners: list[str]) -> str:
    pairs = [("who", learner) for learner in learners]
    if group.lesson is not None:
        pairs.append(("lesson", str(group.lesson.uuid)))
    return urlencode(pairs)


def _assign_href(classroom: Classroom, skill: str, learners: list[str]) -> str:
    """Return where an assignment for them is made, filled in."""
    base = reverse("teach:assignment_new", args=[classroom.uuid])
    return f"{base}?{urlencode([('skill', skill), *(('learner', one) for one in learners)])}"


@require_safe
@class_page
def live_page(request: UserRequest, classroom: Classroom) -> HttpResponse:
    """Show who works on what now; htmx gets the table alone, again and again."""
    now = now_utc()
    rows = live.live_of_class(classroom, now=now)
    context = {
        "classroom": classroom,
        "rows": [row for row in rows if row.now is not live.Now.AWAY],
        "away": [row for row in rows if row.now is live.Now.AWAY],
        "n_stuck": sum(row.now is live.Now.STUCK for row in rows),
        "rules": live,
        "here_minutes": int(live.HERE_WITHIN.total_seconds() // 60),
        "still_minutes": int(live.STILL_AFTER.total_seconds() // 60),
        "now": now,
    }
    is_fragment = request.htmx and not request.htmx.history_restore_request
    return render(request, f"dashboards/live.html{'#live-class' if is_fragment else ''}", context)


@require_safe
@class_page
def what_if_page(request: UserRequest, classroom: Classroom) -> HttpResponse:
    """Ask what a week of practice on some skills would bring, and answer."""
    now = now_utc()
    graph = course_graph(classroom.course)
    is_asked = "sittings" in request.GET
    initial = []
    if not is_asked:
        beliefs = beliefs_of_learners(classroom_learners(classroom), classroom.course, now=now)
        initial = [str(row.skill.uuid) for row in weak_skills(beliefs, graph)]
    form = WhatIfForm(request.GET if is_asked else None, graph=graph, chosen=initial)
    answer = None
    if is_asked and form.is_valid():
        plan = form.plan()
        skill_ids = form.skill_ids()
        # The same question of the same day gets the same answer.
        seed = zlib.crc32(f"{classroom.uuid} {skill_ids} {plan} {localdate(now)}".encode())
        answer = what_if.what_if(classroom, skill_ids, plan, now=now, seed=seed)
    context = {
        "classroom": classroom,
        "form": form,
        "answer": answer,
        "is_asked": is_asked and form.is_valid(),
        "rules": what_if,
        "horizon_days": int(what_if.HORIZON_DAYS),
    }
    status = 422 if is_asked and form.errors else 200
    return render(request, "dashboards/what_if.html", context, status=status)
