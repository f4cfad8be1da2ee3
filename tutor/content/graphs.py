"""Prerequisite graphs alone: `{"nodes": [{id, title}], "edges": [{from, to}]}` onto a course.

Edges among the course's skills are kept, paths through skills it lacks are joined and marked so,
the rest is listed. What authors wrote or a teacher accepted is never touched, and nothing is
removed.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from tutor.accounts.models import User
from tutor.content.access import author_check
from tutor.content.bundles import Document, canonical_edge, edge_key
from tutor.content.edges import Edge, cycles_named, joined
from tutor.content.errors import ImportRefusedError, value_shown
from tutor.content.exporting import course_export
from tutor.content.findings import Findings, Progress, progress_ignored
from tutor.content.importing import ImportResult, OnApply, plan_carry_out
from tutor.content.models import Course, EdgeKind, EdgeSource
from tutor.content.oatutor import id_from
from tutor.content.planning import plan_make
from tutor.content.wordings import CIRCLE, CIRCLE_BESIDE_KEPT

MAX_NODES = 100_000
MAX_EDGES = 500_000


def is_graph(document: object) -> bool:
    """Whether a document looks like a graph rather than a bundle."""
    return isinstance(document, Mapping) and {"nodes", "edges"} <= document.keys()


def graph_import(
    document: object,
    *,
    course: Course,
    by: User | None,
    now: datetime,
    is_dry_run: bool,
    progress: Progress = progress_ignored,
    on_apply: OnApply | None = None,
) -> ImportResult:
    """Give a course the prerequisites of a graph; the same graph twice changes nothing.

    Raises:
        ImportRefusedError: for a graph that is malformed or runs in circles, each named.
        TutorError: code `course_busy` or `not_an_author`.
    """
    if by is not None:
        author_check(by, course)
    findings = Findings()
    edges = edges_read(document, findings)
    progress(0.2, "looking for circles")
    cycles_check(edges, "/edges", findings)
    _refuse(findings)
    target = course_export(course)
    progress(0.5, "joining")
    keys = {skill["id"] for skill in target["skills"]}
    found = joined([(_key(a, keys), _key(b, keys)) for a, b in edges], kept=keys)
    notes = _notes(document, edges, found, keys)
    _merge(target, found)
    needed = [
        (edge["from"], edge["to"])
        for edge in target["prerequisites"]
        if edge["kind"] == EdgeKind.PREREQUISITE.value
    ]
    cycles_check(needed, "/edges", findings, is_with_kept=True)
    _refuse(findings)
    return plan_carry_out(
        plan_make(target, course),
        by=by,
        now=now,
        is_dry_run=is_dry_run,
        notes=tuple(notes),
        progress=progress,
        on_apply=on_apply,
        warnings=tuple(findings.rows()),
    )


def _refuse(findings: Findings) -> None:
    if findings.has_errors:
        raise ImportRefusedError(findings.rows())


def _key(node: str, keys: set[str]) -> str:
    """Give the skill's key for a node: its id, or what an importer would have made of it."""
    return node if node in keys else id_from(node)


def edges_read(document: object, findings: Findings) -> list[Edge]:
    """Give the edges of a graph document once each; what is wrong goes into the findings."""
    if not is_graph(document) or not isinstance(document, Mapping):
        findings.error("", document, "an object with nodes and edges", _("This is not a graph."))
        return []
    lists: dict[str, list[Any]] = {}
    for name, most in (("nodes", MAX_NODES), ("edges", MAX_EDGES)):
        rows = document[name]
        if not isinstance(rows, list) or len(rows) > most:
            expected = f"a list of at most {most}"
            said = _("'{name}' is not a list of at most {most}.").format(name=name, most=most)
            findings.error(f"/{name}", rows, expected, said)
            return []
        lists[name] = rows
    nodes: set[str] = set()
    for at, node in enumerate(lists["nodes"]):
        key = node.get("id") if isinstance(node, Mapping) else None
        if not isinstance(key, str) or not key:
            findings.error(f"/nodes/{at}/id", node, "a text", _("The node has no id."))
        elif key in nodes:
            message = _("The node '{key}' stands twice.").format(key=key)
            findings.error(f"/nodes/{at}/id", key, "each node once", message)
        else:
            nodes.add(key)
    return _edges_sound(lists["edges"], nodes, findings)


def _edges_sound(rows: list[Any], nodes: set[str], findings: Findings) -> list[Edge]:
    edges: dict[Edge, int] = {}
    for at, row in enumerate(rows):
        ends = (row.get("from"), row.get("to")) if isinstance(row, Mapping) else (None, None)
        source, target = ends
        if not isinstance(source, str) or not isinstance(target, str):
            findings.error(f"/edges/{at}", row, "from and to as texts", _("The edge lacks an end."))
            continue
        for name, end in (("from", source), ("to", target)):
            if end not in nodes:
                message = _("There is no node '{end}'.").format(end=end)
                findings.error(f"/edges/{at}/{name}", end, "the id of a node", message)
        if (source, target) in edges:
            message = _("The edge '{source}' -> '{target}' stands twice; it counts once.").format(
                source=source, target=target
            )
            findings.warning(f"/edges/{at}", value_shown(f"{source} -> {target}"), "once", message)
        edges.setdefault((source, target), at)
    return list(edges)


def cycles_check(
    edges: list[Edge], pointer: str, findings: Findings, *, is_with_kept: bool = False
) -> None:
    """Find the circles of a graph, each named; `is_with_kept` says that the course's own count."""
    for cycle in cycles_named(edges):
        path = " -> ".join(cycle)
        findings.error(
            pointer,
            path,
            "prerequisites without a cycle",
            (CIRCLE_BESIDE_KEPT if is_with_kept else CIRCLE).format(path=path),
        )


def _merge(target: Document, found: Mapping[Edge, tuple[str, ...]]) -> None:
    stored = {edge_key(edge): edge for edge in target["prerequisites"]}
    for (source, end), via in found.items():
        key = (source, end, EdgeKind.PREREQUISITE.value)
        earlier = stored.get(key)
        if earlier is not None and earlier["source"] != EdgeSource.IMPORTED.value:
            continue
        stored[key] = canonical_edge(
            (earlier or {})
            | {"from": source, "to": end, "source": EdgeSource.IMPORTED.value, "via": list(via)}
        )
    target["prerequisites"] = sorted(stored.values(), key=edge_key)


def _notes(
    document: object,
    edges: list[Edge],
    found: Mapping[Edge, tuple[str, ...]],
    keys: set[str],
) -> list[str]:
    nodes = document["nodes"] if isinstance(document, Mapping) else []
    known = [node["id"] for node in nodes if _key(node["id"], keys) in keys]
    direct = sum(1 for via in found.values() if not via)
    through = {name for via in found.values() for name in via}
    left_out = [
        (a, b)
        for a, b in edges
        if not {_key(a, keys), _key(b, keys)} <= keys
        and not ({_key(a, keys), _key(b, keys)} - keys) <= through
    ]
    summary = (
        _(
            "{known} of the graph's {nodes} skills are in the course; of its {edges} edges "
            "{direct} join two of them directly, and {joined} more were joined through skills "
            "that the course lacks."
        )
    ).format(
        known=len(known),
        nodes=len(nodes),
        edges=len(edges),
        direct=direct,
        joined=len(found) - direct,
    )
    notes = [summary]
    notes.extend(
        _("Joined: {source} -> {end}, through {via}.").format(
            source=source, end=end, via=", ".join(via)
        )
        for (source, end), via in found.items()
        if via
    )
    notes.extend(
        _("Left out: {source} -> {end}: it leads to no two skills of the course.").format(
            source=source, end=end
        )
        for source, end in left_out
    )
    return notes
