"""A learner's report for those at home."""

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from tutor.accounts.http import UserRequest
from tutor.common.clock import now_utc
from tutor.dashboards import report
from tutor.roster.access import class_page, learner_in_classroom
from tutor.roster.models import Classroom
from tutor.tracing.selectors import EVIDENCE_MIN


@require_safe
@class_page
def learner_report(request: UserRequest, classroom: Classroom, learner_uuid: UUID) -> HttpResponse:
    """Show what a learner can do, in words for those at home; made to be printed."""
    learner = learner_in_classroom(classroom, learner_uuid)
    context = {
        "classroom": classroom,
        "learner": learner,
        "report": report.report_of_learner(learner, classroom.course, now=now_utc()),
        "evidence_min": EVIDENCE_MIN,
    }
    return render(request, "dashboards/report.html", context)
