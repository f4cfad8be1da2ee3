"""Deciding on edges that data suggests or contradicts: the graph obeys, and it can be undone.

A decision changes the course as an import does, so it makes a version of the course.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from tutor.accounts.models import User
from tutor.common.errors import TutorError
from tutor.content.bundles import Document, canonical_edge, edge_key
from tutor.content.edges import cycles_named
from tutor.content.exporting import course_export
from tutor.content.importing import plan_carry_out
from tutor.content.models import Course, EdgeKind, EdgeSource, Skill
from tutor.content.planning import plan_make
from tutor.scheduling.models import EdgeDecision, EdgeVerdict


@transaction.atomic
def edge_decide(
    course: Course,
    *,
    from_skill: Skill,
    to_skill: Skill,
    verdict: EdgeVerdict,
    evidence: Mapping[str, Any],
    by: User | None,
    now: datetime,
) -> EdgeDecision:
    """Record a verdict in place of the one before, and make the graph obey it.

    Accepted, an edge becomes a prerequisite learned from data; rejected, it is taken out and kept
    with the decision. What learners opened stays open.

    Raises:
        TutorError: code `edge_circle` when the edge would close a circle, which is named, or
            `course_busy` when an import changes the course at the same time.
    """
    for before in EdgeDecision.objects.select_for_update().filter(
        from_skill=from_skill, to_skill=to_skill, undone_at=None
    ):
        edge_decision_undo(before, by=by, now=now)
    removed: Document = {}
    if verdict == EdgeVerdict.ACCEPTED:
        new = {"from": from_skill.key, "to": to_skill.key, "source": EdgeSource.LEARNED.value}
        _edge_put(course, canonical_edge(new), by=by, now=now)
    elif verdict == EdgeVerdict.REJECTED:
        removed = _edge_take(course, from_skill.key, to_skill.key, by=by, now=now)
    return EdgeDecision.objects.create(
        course=course,
        from_skill=from_skill,
        to_skill=to_skill,
        verdict=verdict,
        evidence=dict(evidence),
        removed=removed,
        decided_at=now,
        decided_by=by,
    )


@transaction.atomic
def edge_decision_undo(decision: EdgeDecision, *, by: User | None, now: datetime) -> None:
    """Take a verdict back: the edge is as it was before it.

    Raises:
        TutorError: code `edge_circle` when edges that came since would close a circle with it.
    """
    held = EdgeDecision.objects.select_for_update(of=("self",)).get(pk=decision.pk)
    if held.undone_at is not None:
        return
    course = Course.objects.get(pk=held.course_id)
    if held.verdict == EdgeVerdict.ACCEPTED:
        _edge_take(
            course,
            held.from_skill.key,
            held.to_skill.key,
            by=by,
            now=now,
            only=EdgeSource.LEARNED.value,
        )
    elif held.removed:
        _edge_put(course, held.removed, by=by, now=now)
    held.undone_at = now
    held.save(update_fields=["undone_at"])


def _edge_put(course: Course, edge: Document, *, by: User | None, now: datetime) -> None:
    """Add an edge that is not there yet; one that is stays as it is."""
    target = course_export(course)
    edges = target["prerequisites"]
    if any(edge_key(other) == edge_key(edge) for other in edges):
        return
    target["prerequisites"] = sorted([*edges, edge], key=edge_key)
    circles = cycles_named(
        (other["from"], other["to"])
        for other in target["prerequisites"]
        if other["kind"] == EdgeKind.PREREQUISITE.value
    )
    if circles:
        raise TutorError(
            _("That edge would make prerequisites run in a circle: {circle}.").format(
                circle=" -> ".join(circles[0])
            ),
            code="edge_circle",
        )
    plan_carry_out(plan_make(target, course), by=by, now=now, is_dry_run=False)
    course.refresh_from_db()


def _edge_take(
    course: Course,
    from_key: str,
    to_key: str,
    *,
    by: User | None,
    now: datetime,
    only: str | None = None,
) -> Document:
    """Take a prerequisite out, if it is there (and from this source), and return it."""
    target = course_export(course)
    key = (from_key, to_key, EdgeKind.PREREQUISITE.value)
    found = [
        edge
        for edge in target["prerequisites"]
        if edge_key(edge) == key and only in (None, edge["source"])
    ]
    if not found:
        return {}
    target["prerequisites"] = [edge for edge in target["prerequisites"] if edge not in found]
    plan_carry_out(plan_make(target, course), by=by, now=now, is_dry_run=False)
    course.refresh_from_db()
    return canonical_edge(found[0])
