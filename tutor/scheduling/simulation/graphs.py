"""The graphs that learners are simulated on: a course, the demo course's files, or a graph file."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from tutor.common.errors import TutorError
from tutor.content.demo.assemble import demo_bundle
from tutor.content.edges import Edge, topological
from tutor.content.errors import ImportRefusedError
from tutor.content.findings import Findings
from tutor.content.graph import course_graph
from tutor.content.graphs import cycles_check, edges_read
from tutor.content.models import Course, EdgeKind
from tutor.scheduling.graph_arrays import GraphArrays, graph_arrays


class GraphFileError(TutorError):
    """A graph that nothing can be simulated on."""

    code = "graph_file"


def arrays_of_file(path: Path) -> GraphArrays:
    """Return the graph of a file of nodes and edges. Raises: GraphFileError."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise GraphFileError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise GraphFileError(f"{path} is not JSON: {error}") from error
    findings = Findings()
    edges = edges_read(document, findings)
    if not findings.has_errors:
        cycles_check(edges, "/edges", findings)
    if findings.has_errors:
        first = ImportRefusedError(findings.rows()).errors
        raise GraphFileError(
            f"{path} is no graph to simulate on, because of {len(first)} errors; "
            f"the first: {first[0].pointer or '/'}: {first[0].message}"
        )
    nodes = [node["id"] for node in document["nodes"]]
    if not nodes:
        raise GraphFileError(f"{path} has no nodes, expected at least one")
    return arrays_make(nodes, edges)


def arrays_of_demo() -> GraphArrays:
    """Return the graph of the demo course, from its files."""
    bundle = demo_bundle()
    needed = EdgeKind.PREREQUISITE.value
    edges = [
        (edge["from"], edge["to"], edge.get("kind", needed), float(edge.get("weight", 1.0)))
        for edge in bundle["prerequisites"]
    ]
    return arrays_make(
        [skill["id"] for skill in bundle["skills"]],
        [(source, target) for source, target, kind, _ in edges if kind == needed],
        covers=[(target, source, w) for source, target, kind, w in edges if kind != needed],
    )


def arrays_of_course(course: Course) -> GraphArrays:
    """Return the graph of a course as it stands. Raises: GraphFileError."""
    graph = course_graph(course)
    if not graph.practisable:
        raise GraphFileError(f"the course '{course.key}' has no skill with a step to practise")
    return graph_arrays(graph)


def arrays_make(
    names: Sequence[str],
    edges: Iterable[Edge],
    *,
    covers: Iterable[tuple[str, str, float]] = (),
) -> GraphArrays:
    """Return a graph of names whose skills can all be practised, in topological order.

    covers are (harder, easier, weight): practising the one also practises the other.
    """
    pairs = list(edges)
    row_of = {name: row for row, name in enumerate(topological(names, pairs))}
    ends = sorted((row_of[target], row_of[source]) for source, target in pairs)
    both = np.array(ends, dtype=np.int64).reshape(-1, 2)
    covering = [(row_of[harder], row_of[easier], weight) for harder, easier, weight in covers]
    child, parent = both[:, 0].copy(), both[:, 1].copy()
    return GraphArrays(
        skill_ids=tuple(range(len(names))),
        is_practisable=np.ones(len(names), dtype=np.bool_),
        edge_parent=parent,
        edge_child=child,
        gate_parent=parent,
        gate_child=child,
        cover_harder=np.array([row[0] for row in covering], dtype=np.int64),
        cover_easier=np.array([row[1] for row in covering], dtype=np.int64),
        cover_weight=np.array([row[2] for row in covering], dtype=np.float64),
    )
