"""Where each skill stands on the map: a layered drawing of the prerequisite graph.

Skills stand right of all that they need, in layers, with few crossings (Sugiyama's method, by
grandalf). Coordinates are texts with a decimal point, so that no language's decimal comma enters an
SVG.
"""

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import networkx as nx
from grandalf.graphs import Edge, Vertex, graph_core
from grandalf.layouts import SugiyamaLayout

# Pixels at natural size; the page draws boxes of this size.
NODE_WIDTH, NODE_HEIGHT = 200.0, 64.0
GAP_X, GAP_Y = 56.0, 14.0
# How thick an edge is that passes through a layer, and the room between parts that do not hang
# together.
DUMMY_HEIGHT = 6.0
GAP_PARTS = 40.0
MARGIN = 12.0
LABEL_LETTERS, LABEL_LINES = 21, 2
# Sweeps over the layers against crossings, and to pull joined boxes together; more hardly help.
SWEEPS, PULLS = 4, 12
# How much more than a box a passing edge wants to go straight.
STRAIGHT = 2.0

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a skill stands on the map, and its name in lines that fit."""

    skill_id: int
    x: str
    y: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DrawnEdge:
    """A line from a skill to what is built on it."""

    parent_id: int
    child_id: int
    path: str


@dataclass(frozen=True, slots=True)
class CourseMap:
    """The prerequisite graph in layers from left to right; edges only where no path says it too.

    Skills that nothing joins stand in a block of their own, under `alone_y`; None without any.
    """

    width: int
    height: int
    places: tuple[Place, ...]
    edges: tuple[DrawnEdge, ...]
    alone_y: str | None


def course_map(titles: Mapping[int, str], parents: Mapping[int, Sequence[int]]) -> CourseMap:
    """Lay out a course's skills; the same graph always gives the same drawing.

    Parts that do not hang together stand one under the other, the largest first.
    """
    rank = {skill: place for place, skill in enumerate(titles)}
    graph: nx.DiGraph[int] = nx.DiGraph()
    graph.add_nodes_from(titles)
    graph.add_edges_from((parent, skill) for skill in titles for parent in parents[skill])
    drawn = nx.transitive_reduction(graph)
    parts = [sorted(part, key=rank.__getitem__) for part in nx.weakly_connected_components(drawn)]
    joined = sorted((part for part in parts if len(part) > 1), key=lambda p: (-len(p), rank[p[0]]))
    corner: dict[int, Point] = {}
    edges: list[DrawnEdge] = []
    top, right = MARGIN, MARGIN
    for part in joined:
        laid = _part_lay(part, sorted(drawn.subgraph(part).edges, key=lambda e: _seat(e, rank)))
        corner |= {skill: (x + MARGIN, y + top) for skill, (x, y) in laid.corner.items()}
        edges += [_drawn(edge, bends, top) for edge, bends in laid.bends.items()]
        right = max(right, MARGIN + laid.width)
        top += laid.height + GAP_PARTS
    alone = sorted((part[0] for part in parts if len(part) == 1), key=rank.__getitem__)
    alone_y = _text(top) if alone and joined else None
    if alone:
        block = _block(alone, top=top + (GAP_PARTS if joined else 0.0), width=right)
        corner |= block
        right = max(right, *(x + NODE_WIDTH for x, _ in block.values()))
        top = max(y for _, y in block.values()) + NODE_HEIGHT + GAP_PARTS
    return CourseMap(
        width=round(right + MARGIN),
        height=round(max(top - GAP_PARTS, 0.0) + MARGIN),
        places=tuple(
            Place(skill, _text(corner[skill][0]), _text(corner[skill][1]), _label(titles[skill]))
            for skill in titles
        ),
        edges=tuple(edges),
        alone_y=alone_y,
    )


def _seat(edge: tuple[int, int], rank: Mapping[int, int]) -> tuple[int, int]:
    return rank[edge[0]], rank[edge[1]]


@dataclass(frozen=True, slots=True)
class _Part:
    """A part that hangs together: upper left corners, and the points that each edge runs through.

    An edge runs from the right side of its first box to the left side of its last.
    """

    corner: dict[int, Point]
    bends: dict[tuple[int, int], list[Point]]
    width: float
    height: float


class _View:
    """A box as grandalf wants it. Only the order that it finds is used, so no size matters."""

    w = h = 1.0


@dataclass(slots=True)
class _Cell:
    """A box, or the place where an edge passes a layer; `y` is its middle."""

    layer: int
    half: float
    weight: float
    y: float = 0.0
    before: list["_Cell"] = field(default_factory=list)
    after: list["_Cell"] = field(default_factory=list)


def _part_lay(part: Sequence[int], edges: Sequence[tuple[int, int]]) -> _Part:
    # grandalf carries no types.
    vertex: dict[int, Any] = {skill: Vertex(skill) for skill in part}
    for found in vertex.values():
        found.view = _View()
    line: dict[tuple[int, int], Any] = {
        (start, end): Edge(vertex[start], vertex[end]) for start, end in edges
    }
    layout = SugiyamaLayout(graph_core(list(vertex.values()), list(line.values())))
    layout.init_all()
    for _ in range(SWEEPS):
        for _ in layout.ordering_step():
            pass
    cell: dict[Any, _Cell] = {
        seat: _Cell(
            layer=at,
            half=(DUMMY_HEIGHT if layout.grx[seat].dummy else NODE_HEIGHT) / 2,
            weight=STRAIGHT if layout.grx[seat].dummy else 1.0,
        )
        for at, layer in enumerate(layout.layers)
        for seat in layer
    }
    through: dict[tuple[int, int], list[_Cell]] = {}
    for (start, end), found in line.items():
        dots = [dot for _, dot in sorted(layout.ctrls.get(found, {}).items()) if dot in cell]
        passed = [cell[dot] for dot in dots if layout.grx[dot].dummy]
        chain = [cell[vertex[start]], *passed, cell[vertex[end]]]
        for left, right in pairwise(chain):
            left.after.append(right)
            right.before.append(left)
        through[start, end] = passed
    _heights_set([[cell[seat] for seat in layer] for layer in layout.layers])
    first = min(found.y - found.half for found in cell.values())
    last = max(found.y + found.half for found in cell.values())
    corner = {
        skill: (_left(cell[found]), cell[found].y - NODE_HEIGHT / 2 - first)
        for skill, found in vertex.items()
    }
    return _Part(
        corner=corner,
        bends={
            (start, end): _bends(
                corner[start], [(_left(dot), dot.y - first) for dot in dots], corner[end]
            )
            for (start, end), dots in through.items()
        },
        width=max(x for x, _ in corner.values()) + NODE_WIDTH,
        height=last - first,
    )


def _left(cell: _Cell) -> float:
    return cell.layer * (NODE_WIDTH + GAP_X)


def _heights_set(layers: Sequence[Sequence[_Cell]]) -> None:
    """Give every cell its height: in the order found, close together, near what it is joined to.

    grandalf's own heights keep lines straighter, but a large graph then fills four times the paper.
    """
    for layer in layers:
        _layer_place(layer, [0.0] * len(layer))
    for turn in range(PULLS):
        is_forward = turn % 2 == 0
        # In the end both sides count.
        is_last = turn >= PULLS - 2
        for layer in layers if is_forward else layers[::-1]:
            wishes = []
            for cell in layer:
                near = cell.before if is_forward else cell.after
                if is_last or not near:
                    near = cell.before + cell.after
                total = sum(other.weight for other in near)
                wishes.append(sum(other.weight * other.y for other in near) / total)
            _layer_place(layer, wishes)


def _layer_place(layer: Sequence[_Cell], wishes: Sequence[float]) -> None:
    """Place a layer's cells as near to their wishes as their order and sizes allow.

    Least squares under these constraints is isotonic regression of the wishes less the room that
    all before take; pooling adjacent violators solves it exactly.
    """
    rooms = [0.0]
    for upper, lower in pairwise(layer):
        rooms.append(rooms[-1] + upper.half + GAP_Y + lower.half)
    # Each pool: its mean, its weight, how many cells it holds.
    pools: list[tuple[float, float, int]] = []
    for cell, wish, room in zip(layer, wishes, rooms, strict=True):
        pools.append((wish - room, cell.weight, 1))
        while len(pools) > 1 and pools[-2][0] >= pools[-1][0]:
            (a, a_weight, a_size), (b, b_weight, b_size) = pools[-2:]
            weight = a_weight + b_weight
            pools[-2:] = [((a * a_weight + b * b_weight) / weight, weight, a_size + b_size)]
    means = [mean for mean, _, size in pools for _ in range(size)]
    for cell, mean, room in zip(layer, means, rooms, strict=True):
        cell.y = mean + room


def _bends(start: Point, through: Sequence[Point], end: Point) -> list[Point]:
    """Return an edge's points: both sides of each layer that it passes, at one height."""
    points = [(start[0] + NODE_WIDTH, start[1] + NODE_HEIGHT / 2)]
    for x, y in through:
        points += [(x, y), (x + NODE_WIDTH, y)]
    return [*points, (end[0], end[1] + NODE_HEIGHT / 2)]


def _drawn(edge: tuple[int, int], bends: Sequence[Point], top: float) -> DrawnEdge:
    points = [(x + MARGIN, y + top) for x, y in bends]
    path = [f"M{_text(points[0][0])} {_text(points[0][1])}"]
    for place, ((x1, y1), (x2, y2)) in enumerate(pairwise(points)):
        # Between layers a curve, along a layer a straight line.
        if place % 2:
            path.append(f"H{_text(x2)}")
        else:
            middle = _text((x1 + x2) / 2)
            path.append(f"C{middle} {_text(y1)} {middle} {_text(y2)} {_text(x2)} {_text(y2)}")
    return DrawnEdge(edge[0], edge[1], "".join(path))


def _block(skills: Iterable[int], *, top: float, width: float) -> dict[int, Point]:
    """Return the corners of skills that nothing joins, in rows as wide as the drawing above."""
    per_row = max(int((width - MARGIN + GAP_X) // (NODE_WIDTH + GAP_X)), 4)
    return {
        skill: (
            MARGIN + place % per_row * (NODE_WIDTH + GAP_X),
            top + place // per_row * (NODE_HEIGHT + GAP_Y),
        )
        for place, skill in enumerate(skills)
    }


def _text(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")


def _label(title: str) -> tuple[str, ...]:
    return tuple(textwrap.wrap(title, width=LABEL_LETTERS, max_lines=LABEL_LINES, placeholder=" …"))
