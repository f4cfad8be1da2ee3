"""Charts as numbers for SVG templates: coordinates are written here, never with a comma."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from tutor.dashboards.selectors import Day
from tutor.tracing.trails import BeliefPoint

WIDTH, HEIGHT = 640, 240
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 12, 28
BAR_HEIGHT = 96
# Of the chart's width, for the days ahead.
AHEAD_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis."""

    at: str
    label: str


@dataclass(frozen=True, slots=True)
class Mark:
    """An observation on the line."""

    x: str
    y: str
    is_correct: bool
    title: str


@dataclass(frozen=True, slots=True)
class BeliefChart:
    """A belief over time: a line with its 80 % band, and how it goes on without practice.

    `line`, `band` and those ahead are SVG point lists; the latter are empty where not asked for.
    """

    line: str
    band: str
    ahead_line: str
    ahead_band: str
    marks: tuple[Mark, ...]
    now: Mark | None
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    bottom: int = HEIGHT - BOTTOM


def _number(value: float) -> str:
    return f"{value:.1f}"


def _y(share: float) -> float:
    return TOP + (HEIGHT - TOP - BOTTOM) * (1.0 - min(1.0, max(0.0, share)))


def belief_chart(
    points: Sequence[BeliefPoint], *, ahead: Sequence[BeliefPoint] = ()
) -> BeliefChart | None:
    """Lay out the belief of a skill over time; None where there is no observation.

    Time runs to scale, so that a pause looks like one. The last point is the present; what is ahead
    has a part of the width to itself, and its own scale.
    """
    if not any(point.is_correct is not None for point in points):
        return None
    first, last = points[0].at, points[-1].at
    span = max((last - first).total_seconds(), 1.0)
    present = WIDTH - RIGHT - (AHEAD_SHARE * (WIDTH - LEFT - RIGHT) if ahead else 0.0)
    until = ahead[-1].at if ahead else last
    span_ahead = max((until - last).total_seconds(), 1.0)

    def x(at: datetime) -> float:
        if at > last:
            return present + (WIDTH - RIGHT - present) * (at - last).total_seconds() / span_ahead
        return LEFT + (present - LEFT) * (at - first).total_seconds() / span

    def mark(point: BeliefPoint) -> Mark:
        shown = date_format(localtime(point.at), "j M Y, H:i")
        return Mark(
            x=_number(x(point.at)),
            y=_number(_y(point.p_correct)),
            is_correct=bool(point.is_correct),
            title=f"{shown}: {_percent(point.p_correct)} "
            f"({_percent(point.lower)}–{_percent(point.upper)})",
        )

    def line(some: Sequence[BeliefPoint]) -> str:
        return " ".join(f"{_number(x(p.at))},{_number(_y(p.p_correct))}" for p in some)

    def band(some: Sequence[BeliefPoint]) -> str:
        upper = [f"{_number(x(p.at))},{_number(_y(p.upper))}" for p in some]
        lower = [f"{_number(x(p.at))},{_number(_y(p.lower))}" for p in some]
        return " ".join(upper + lower[::-1])

    coming = [points[-1], *ahead] if ahead else []
    ticks = [Tick(str(LEFT), date_format(localtime(first), "j M Y"))]
    if ahead:
        ticks.append(Tick(_number(present), _("now")))
    ticks.append(Tick(str(WIDTH - RIGHT), date_format(localtime(until), "j M Y")))
    return BeliefChart(
        line=line(points),
        band=band(points),
        ahead_line=line(coming),
        ahead_band=band(coming),
        marks=tuple(mark(point) for point in points if point.is_correct is not None),
        now=mark(points[-1]) if points[-1].is_correct is None else None,
        x_ticks=tuple(ticks),
        y_ticks=tuple(Tick(_number(_y(share / 100)), f"{share} %") for share in (0, 50, 100)),
    )


def _percent(share: float) -> str:
    return f"{int(100 * share + 0.5)} %"


@dataclass(frozen=True, slots=True)
class Bar:
    """A day's bar: right answers below, the others above."""

    x: str
    middle: str
    y: str
    height: str
    right_y: str
    right_height: str
    day: Day


def activity_bars(days: Sequence[Day], *, width: int = 448, gap: int = 12) -> tuple[Bar, ...]:
    """Lay out the days side by side, the tallest filling the height."""
    most = max((day.n for day in days), default=0) or 1
    step = width / max(len(days), 1)
    bars = []
    for place, day in enumerate(days):
        height, right = BAR_HEIGHT * day.n / most, BAR_HEIGHT * day.n_right / most
        bars.append(
            Bar(
                x=_number(place * step + gap / 2),
                middle=_number((place + 0.5) * step),
                y=_number(BAR_HEIGHT - height),
                height=_number(height),
                right_y=_number(BAR_HEIGHT - right),
                right_height=_number(right),
                day=day,
            )
        )
    return tuple(bars)
