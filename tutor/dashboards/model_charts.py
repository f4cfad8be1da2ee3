"""The reliability plot as numbers for an SVG template."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

from tutor.dashboards.charts import Tick

SIZE = 320
LEFT, RIGHT, TOP, BOTTOM = 48, 12, 12, 40
RADIUS_LEAST, RADIUS_MOST = 3.0, 12.0


@dataclass(frozen=True, slots=True)
class Dot:
    """The answers whose forecasts fell into one bin; the dot's area grows with their number."""

    x: str
    y: str
    radius: str
    p: float
    correct: float
    n: int


@dataclass(frozen=True, slots=True)
class ReliabilityChart:
    """Forecast against outcome; on the diagonal they agree. Coordinates as SVG reads them."""

    dots: tuple[Dot, ...]
    line: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    size: int = SIZE
    left: int = LEFT
    right: int = SIZE - RIGHT
    top: int = TOP
    bottom: int = SIZE - BOTTOM


def reliability_chart(points: Sequence[Mapping[str, Any]]) -> ReliabilityChart | None:
    """Lay out a version's `reliability` points (p, correct in [0, 1]; n); None without any."""
    filled = [point for point in points if point["n"]]
    if not filled:
        return None
    most = max(point["n"] for point in filled)
    dots = tuple(
        Dot(
            x=_x(point["p"]),
            y=_y(point["correct"]),
            radius=f"{max(RADIUS_LEAST, RADIUS_MOST * sqrt(point['n'] / most)):.1f}",
            p=point["p"],
            correct=point["correct"],
            n=point["n"],
        )
        for point in filled
    )
    shares = (0, 25, 50, 75, 100)
    return ReliabilityChart(
        dots=dots,
        line=" ".join(f"{dot.x},{dot.y}" for dot in dots),
        x_ticks=tuple(Tick(_x(share / 100), f"{share}") for share in shares),
        y_ticks=tuple(Tick(_y(share / 100), f"{share}") for share in shares),
    )


def _x(share: float) -> str:
    return f"{LEFT + (SIZE - LEFT - RIGHT) * share:.1f}"


def _y(share: float) -> str:
    return f"{TOP + (SIZE - TOP - BOTTOM) * (1.0 - share):.1f}"
