"""What to do with what is known: groups, the class now, what practice would bring."""

import zlib
from datetime import datetime
from math import ceil

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from tutor.accounts.http import UserRequest
from tutor.accounts.models import User
from tutor.common.clock import now_utc
from tutor.common.rates import Rate, Turn, turn_take
from tutor.common.tables import csv_text
from tutor.content.graph import course_graph
from tutor.dashboards import groups, live, what_if
from tutor.dashboards.downloads import csv_response, day_of
from tutor.dashboards.heatmap_text import FRAME_FROM
from tutor.dashboards.insight_tables import (
    group_header,
    group_mastery,
    group_rows,
    what_if_header,
    what_if_rows,
)
from tutor.dashboards.selectors import weak_skills
from tutor.dashboards.what_if_forms import WhatIfForm
from tutor.roster.access import class_page
from tutor.roster.models import Classroom
from tutor.roster.selectors import classroom_learners
from tutor.scheduling.statuses import PolicyConfig
from tutor.tracing.models import ModelVersion
from tutor.tracing.selectors import EVIDENCE_MIN, ClassBeliefs, beliefs_of_learners

# Questions of one person: each takes a web process up to half a second.
WHAT_IF_RATE = Rate(most=20, period=60)


def _groups(
    classroom: Classroom, *, now: datetime
) -> tuple[tuple[groups.SuggestedGroup, ...], dict[int, User], ClassBeliefs]:
    """Return the suggested groups, the class's learners by id, and beliefs (two queries)."""
    learners = classroom_learners(classroom)
    beliefs = beliefs_of_learners(learners, classroom.course, now=now)
    found = groups.groups_suggest(beliefs, course_graph(classroom.course))
    return found, {learner.pk: learner for learner in learners}, beliefs


@require_safe
@class_page
def group_csv(_request: UserRequest, classroom: Classroom) -> HttpResponse:
    """Send the suggested groups, a row a member."""
    now = now_utc()
    found, by_id, _beliefs = _groups(classroom, now=now)
    text = csv_text(group_header(), group_rows(found, by_id), is_marked=True)
    return csv_response(text, f"groups {classroom.name} {day_of(now)}")


@require_safe
@class_page
def group_page(request: UserRequest, classroom: Classroom) -> HttpResponse:
    """Suggest small groups that the same skill holds back."""
    now = now_utc()
    found, by_id, beliefs = _groups(classroom, now=now)
    context = {
        "classroom": classroom,
        "groups": [
            {
                "group": group,
                "people": [
                    (by_id[one.learner_id], one, group_mastery(one)) for one in group.members
                ],
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
        "n_learners": len(by_id),
        "version": beliefs.version,
        "is_weak_known": bool(weak_skills(beliefs, course_graph(classroom.course))),
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
    is_asked = "sittings" in request.GET
    form, version = _what_if_form(request, classroom, is_asked=is_asked, now=now)
    is_good = is_asked and form.is_valid()
    turn = _turn(request.user, now=now) if is_good else None
    is_late = turn is not None and not turn.is_within
    answer = _what_if_answer(classroom, form, now=now) if is_good and not is_late else None
    context = {
        "classroom": classroom,
        "form": form,
        "answer": answer,
        "version": answer.version if answer else version,
        "is_asked": is_good and not is_late,
        "is_late": is_late,
        "rate": WHAT_IF_RATE,
        "query": request.GET.urlencode(),
        "rules": what_if,
        "frame_from": FRAME_FROM,
        "config": PolicyConfig(),
        "horizon_days": int(what_if.HORIZON_DAYS),
    }
    status = 429 if is_late else 422 if is_asked and form.errors else 200
    response = render(request, "dashboards/what_if.html", context, status=status)
    if turn is not None and is_late:
        response.headers["Retry-After"] = str(ceil(turn.wait_seconds))
    return response


@require_safe
@class_page
def what_if_csv(request: UserRequest, classroom: Classroom) -> HttpResponse:
    """Send the answer to a question, a row a skill; the page asks it and links here."""
    now = now_utc()
    form, _version = _what_if_form(request, classroom, is_asked=True, now=now)
    if not form.is_valid():
        return HttpResponse(
            _("There is no such question. Ask it on the page and take the file from there."),
            status=422,
            content_type="text/plain; charset=utf-8",
        )
    turn = _turn(request.user, now=now)
    answer = _what_if_answer(classroom, form, now=now) if turn.is_within else None
    if answer is None:
        wait = 60 if turn.is_within else ceil(turn.wait_seconds)
        return HttpResponse(
            _("The model cannot be asked now. Try again in a minute."),
            status=503 if turn.is_within else 429,
            content_type="text/plain; charset=utf-8",
            headers={"Retry-After": str(wait)},
        )
    text = csv_text(what_if_header(), what_if_rows(answer), is_marked=True)
    return csv_response(text, f"what-if {classroom.name} {day_of(now)}")


def _turn(user: User, *, now: datetime) -> Turn:
    return turn_take("what-if", f"user-{user.pk}", WHAT_IF_RATE, seconds=now.timestamp())


def _what_if_form(
    request: UserRequest, classroom: Classroom, *, is_asked: bool, now: datetime
) -> tuple[WhatIfForm, ModelVersion | None]:
    """Return the form, and the version that serves where it was asked what to suggest."""
    graph = course_graph(classroom.course)
    if is_asked:
        return WhatIfForm(request.GET, graph=graph), None
    beliefs = beliefs_of_learners(classroom_learners(classroom), classroom.course, now=now)
    chosen = [str(row.skill.uuid) for row in weak_skills(beliefs, graph)]
    return WhatIfForm(graph=graph, chosen=chosen), beliefs.version


def _what_if_answer(
    classroom: Classroom, form: WhatIfForm, *, now: datetime
) -> what_if.WhatIf | None:
    plan, skill_ids = form.plan(), form.skill_ids()
    # The same question of the same day gets the same answer.
    seed = zlib.crc32(f"{classroom.uuid} {skill_ids} {plan} {localdate(now)}".encode())
    return what_if.what_if(classroom, skill_ids, plan, now=now, seed=seed)
