"""Pictures of the learner's pages as numbers and paths; the templates draw them.

Coordinates are texts with a decimal point, so that no language's decimal comma enters an SVG.
"""

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Protocol

import networkx as nx

# The template's viewBox is 320 x 176.
LEFT, RIGHT, TOP, BOTTOM = 36.0, 314.0, 8.0, 148.0
# Share of the width that the answers take; the rest is the forecast.
ANSWERS_END = 0.7

# The template draws boxes of this size.
NODE_WIDTH, NODE_HEIGHT = 200.0, 64.0
GAP_X, GAP_Y = 56.0, 16.0
MARGIN = 8.0
LABEL_LETTERS, LABEL_LINES = 19, 3


class Point(Protocol):
    """A belief at a moment, as `tracing.selectors.BeliefPoint` has it."""

    @property
    def at(self) -> datetime: ...
    @property
    def p_correct(self) -> float: ...
    @property
    def lower(self) -> float: ...
    @property
    def upper(self) -> float: ...
    @property
    def is_correct(self) -> bool | None: ...


@dataclass(frozen=True, slots=True)
class Mark:
    """One answer on the chart."""

    x: str
    y: str
    is_correct: bool


@dataclass(frozen=True, slots=True)
class BeliefChart:
    """Belief after each answer (left) and what it becomes without practice (right)."""

    band: str
    line: str
    forecast_band: str
    forecast_line: str
    marks: tuple[Mark, ...]
    now_x: str
    first_at: datetime
    last_at: datetime
    until: datetime


def belief_chart(points: Sequence[Point]) -> BeliefChart | None:
    """Lay out a skill's belief history; None before the first answer.

    Answers are spaced evenly, as a sitting's minutes would else fall on one spot; the days after
    now are spaced by time.
    """
    answers = [point for point in points if point.is_correct is not None]
    ahead = [point for point in points if point.is_correct is None]
    if not answers or not ahead:
        return None
    middle = LEFT + (RIGHT - LEFT) * ANSWERS_END
    step = (middle - LEFT) / len(answers)
    past_x = [LEFT + step * (place + 0.5) for place in range(len(answers))] + [middle]
    past = [*answers, ahead[0]]
    stretch = (RIGHT - middle) / max(len(ahead) - 1, 1)
    ahead_x = [middle + stretch * place for place in range(len(ahead))]
    return BeliefChart(
        band=_band(past_x, past),
        line=_line(past_x, [point.p_correct for point in past]),
        forecast_band=_band(ahead_x, ahead),
        forecast_line=_line(ahead_x, [point.p_correct for point in ahead]),
        marks=tuple(
            Mark(_text(x), _text(_height(point.p_correct)), bool(point.is_correct))
            for x, point in zip(past_x, answers, strict=False)
        ),
        now_x=_text(middle),
        first_at=answers[0].at,
        last_at=answers[-1].at,
        until=ahead[-1].at,
    )


def _text(number: float) -> str:
    return f"{number:.1f}"


def _height(share: float) -> float:
    return BOTTOM - (BOTTOM - TOP) * min(1.0, max(0.0, share))


def _path(corners: Iterable[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{_text(x)} {_text(y)}" for x, y in corners)


def _line(places: Sequence[float], shares: Sequence[float]) -> str:
    return _path((x, _height(share)) for x, share in zip(places, shares, strict=True))


def _band(places: Sequence[float], points: Sequence[Point]) -> str:
    upper = [(x, _height(point.upper)) for x, point in zip(places, points, strict=True)]
    lower = [(x, _height(point.lower)) for x, point in zip(places, points, strict=True)]
    return _path([*upper, *reversed(lower)]) + "Z"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a skill stands on the map, and its name in lines that fit."""

    skill_id: int
    x: str
    y: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CourseMap:
    """The prerequisite graph in layers from left to right; edges only where no path says it too."""

    width: int
    height: int
    places: tuple[Place, ...]
    edges: tuple[str, ...]


def course_map(titles: Mapping[int, str], parents: Mapping[int, Sequence[int]]) -> CourseMap:
    """Lay out a course's skills: each stands right of all that it needs.

    Within a layer skills are ordered by the middle of their neighbours, which untangles most
    crossings; ties keep the course's order.
    """
    graph: nx.DiGraph[int] = nx.DiGraph()
    graph.add_nodes_from(titles)
    graph.add_edges_from((parent, skill) for skill in titles for parent in parents[skill])
    drawn = nx.transitive_reduction(graph)
    layers = _untangled([list(layer) for layer in nx.topological_generations(graph)], drawn, titles)
    tallest = max((len(layer) for layer in layers), default=0)
    height = 2 * MARGIN + tallest * (NODE_HEIGHT + GAP_Y) - GAP_Y
    corner: dict[int, tuple[float, float]] = {}
    for column, layer in enumerate(layers):
        top = (height - len(layer) * (NODE_HEIGHT + GAP_Y) + GAP_Y) / 2
        for row, skill in enumerate(layer):
            corner[skill] = (
                MARGIN + column * (NODE_WIDTH + GAP_X),
                top + row * (NODE_HEIGHT + GAP_Y),
            )
    return CourseMap(
        width=round(2 * MARGIN + len(layers) * (NODE_WIDTH + GAP_X) - GAP_X),
        height=round(height),
        places=tuple(
            Place(skill, _text(x), _text(y), _label(titles[skill]))
            for skill, (x, y) in corner.items()
        ),
        edges=tuple(_edge(corner[start], corner[end]) for start, end in drawn.edges),
    )


def _untangled(
    layers: list[list[int]], graph: "nx.DiGraph[int]", titles: Mapping[int, str]
) -> list[list[int]]:
    rank = {skill: place for place, skill in enumerate(titles)}
    for layer in layers:
        layer.sort(key=rank.__getitem__)
    for sweep in range(4):
        forward = sweep % 2 == 0
        ordered = layers if forward else layers[::-1]
        for before, layer in pairwise(ordered):
            seat = {skill: place / max(len(before) - 1, 1) for place, skill in enumerate(before)}
            middle = {
                skill: _mean(
                    [
                        seat[other]
                        for other in (
                            graph.predecessors(skill) if forward else graph.successors(skill)
                        )
                        if other in seat
                    ],
                    default=place / max(len(layer) - 1, 1),
                )
                for place, skill in enumerate(layer)
            }
            layer.sort(key=middle.__getitem__)
    return layers


def _mean(values: Sequence[float], *, default: float) -> float:
    return sum(values) / len(values) if values else default


def _edge(start: tuple[float, float], end: tuple[float, float]) -> str:
    x1, y1 = start[0] + NODE_WIDTH, start[1] + NODE_HEIGHT / 2
    x2, y2 = end[0], end[1] + NODE_HEIGHT / 2
    bend = (x2 - x1) / 2 if x2 - x1 < 2 * GAP_X else GAP_X
    return (
        f"M{_text(x1)} {_text(y1)}C{_text(x1 + bend)} {_text(y1)} "
        f"{_text(x2 - bend)} {_text(y2)} {_text(x2)} {_text(y2)}"
    )


def _label(title: str) -> tuple[str, ...]:
    return tuple(textwrap.wrap(title, width=LABEL_LETTERS, max_lines=LABEL_LINES, placeholder=" …"))
