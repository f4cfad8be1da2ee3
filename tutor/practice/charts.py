"""Pictures of the learner's pages as numbers and paths; the templates draw them.

Coordinates are texts with a decimal point, so that no language's decimal comma enters an SVG.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

# The template's viewBox is 320 x 176.
LEFT, RIGHT, TOP, BOTTOM = 36.0, 314.0, 8.0, 148.0
# Share of the width that the answers take; the rest is the forecast.
ANSWERS_END = 0.7


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
