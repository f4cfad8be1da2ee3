"""Reviewing the graph: what the data suggests or speaks against, and what teachers decided."""

from dataclasses import dataclass
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from tutor.accounts.http import UserRequest
from tutor.common.clock import now_utc
from tutor.common.errors import TutorError
from tutor.content.access import can_author
from tutor.content.graph import course_graph
from tutor.content.models import Skill
from tutor.dashboards import edge_review
from tutor.dashboards.edge_review import EdgeCase, EdgeCases, EdgeSays, edges_judge
from tutor.dashboards.graph_drawing import Drawing, neighbourhood
from tutor.roster.access import class_page
from tutor.roster.models import Classroom
from tutor.scheduling.edge_decisions import edge_decide, edge_decision_undo
from tutor.scheduling.models import EdgeDecision, EdgeVerdict
from tutor.tracing.edges import CourseEdges, edge_evidence_of_course


@dataclass(frozen=True, slots=True)
class Shown:
    """A case with its surroundings, and what was decided of it to look at again."""

    case: EdgeCase
    drawing: Drawing
    is_put_off: bool


@require_safe
@class_page
def graph_page(request: UserRequest, classroom: Classroom) -> HttpResponse:
    """Show suggested and contradicted edges with their evidence, and the decisions so far."""
    course = classroom.course
    graph = course_graph(course)
    edges, judged = _judged(classroom)
    decisions = list(
        EdgeDecision.objects.filter(course=course, undone_at=None).select_related(
            "from_skill", "to_skill", "decided_by"
        )
    )
    verdicts = {(row.from_skill_id, row.to_skill_id): row.verdict for row in decisions}
    shown = {
        says.value: [
            Shown(
                case=case,
                drawing=neighbourhood(graph, case.parent, case.child),
                is_put_off=(case.parent.id, case.child.id) in verdicts,
            )
            for case in judged.that(says)
            if verdicts.get((case.parent.id, case.child.id)) in {None, EdgeVerdict.LATER}
        ][: edge_review.SUGGESTED_SHOWN]
        for says in (EdgeSays.SUGGESTED, EdgeSays.CONTRADICTED)
    }
    context = {
        "classroom": classroom,
        "course": course,
        "edges": edges,
        "judged": judged,
        "n_supported": len(judged.that(EdgeSays.SUPPORTED)),
        "n_prerequisites": sum(len(parents) for parents in graph.parents.values()),
        "shown": shown,
        "decisions": [row for row in decisions if row.verdict != EdgeVerdict.LATER],
        "may_decide": can_author(request.user, course),
    }
    return render(request, "dashboards/graph.html", context)


def _judged(classroom: Classroom) -> tuple[CourseEdges, EdgeCases]:
    edges = edge_evidence_of_course(classroom.course, now=now_utc())
    return edges, edges_judge(edges.edges, course_graph(classroom.course))


@require_POST
@class_page
def edge_decision(request: UserRequest, classroom: Classroom) -> HttpResponse:
    """Record a verdict on a pair that the page shows."""
    course = classroom.course
    if not can_author(request.user, course):
        raise PermissionDenied
    try:
        verdict = EdgeVerdict(request.POST.get("verdict", ""))
        ends = [UUID(request.POST.get(name, "")) for name in ("parent", "child")]
    except ValueError as error:
        raise Http404 from error
    _edges, judged = _judged(classroom)
    case = next((one for one in judged.cases if [one.parent.uuid, one.child.uuid] == ends), None)
    if case is None:
        raise Http404
    skills = Skill.objects.in_bulk([case.parent.id, case.child.id])
    try:
        edge_decide(
            course,
            from_skill=skills[case.parent.id],
            to_skill=skills[case.child.id],
            verdict=verdict,
            evidence=case.facts,
            by=request.user,
            now=now_utc(),
        )
    except TutorError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _said(verdict, case))
    return redirect("teach:graph", classroom.uuid)


def _said(verdict: EdgeVerdict, case: EdgeCase) -> str:
    words = {
        EdgeVerdict.ACCEPTED: _(
            "“{parent}” is now needed before “{child}”. The next proposal already obeys; what was "
            "open stays open."
        ),
        EdgeVerdict.REJECTED: _("“{parent}” is not needed before “{child}”."),
        EdgeVerdict.LATER: _("“{parent}” and “{child}” stay on the list for later."),
    }
    return words[verdict].format(parent=case.parent.title, child=case.child.title)


@require_POST
@class_page
def edge_withdraw(request: UserRequest, classroom: Classroom, decision_uuid: UUID) -> HttpResponse:
    """Take a verdict back: the graph is as it was before it."""
    if not can_author(request.user, classroom.course):
        raise PermissionDenied
    decision = EdgeDecision.objects.filter(
        uuid=decision_uuid, course=classroom.course, undone_at=None
    ).first()
    if decision is None:
        raise Http404
    try:
        edge_decision_undo(decision, by=request.user, now=now_utc())
    except TutorError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("The decision is withdrawn; the graph is as it was before."))
    return redirect("teach:graph", classroom.uuid)
