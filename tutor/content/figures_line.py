"""The number line: marks, and sets of numbers with open and closed ends."""

import re
from dataclasses import dataclass
from fractions import Fraction

from tutor.content.figures_base import (
    Arguments,
    Drawing,
    FigureError,
    fraction_read,
    path_draw,
    text_draw,
)

MAX_TICKS = 120
_LEFT, _LENGTH, _AXIS, _RING = 24, 392, 28, 6
_SET = re.compile(r"([\[(])([^,\[\]()]+),([^,\[\]()]+)([\])])")


@dataclass(frozen=True, slots=True)
class _Ends:
    """A set of numbers; None is infinity. A closed end belongs to the set."""

    low: Fraction | None
    high: Fraction | None
    is_low_closed: bool
    is_high_closed: bool


def number_line(arguments: Arguments) -> Drawing:
    """Draw ticks `step` apart, dots at `mark`, and thick the numbers of `set`."""
    start = fraction_read("from", arguments.get("from", "0"))
    end = fraction_read("to", arguments.get("to", "1"))
    step = fraction_read("step", arguments.get("step", "1"))
    if end <= start:
        raise FigureError(f"to is {end}, expected more than from ({start})")
    if step <= 0 or (end - start) / step > MAX_TICKS:
        raise FigureError(f"step is {step}, expected more than 0 and at most {MAX_TICKS} steps")
    marks = [
        fraction_read("mark", raw) for raw in arguments.get("mark", "").split(",") if raw.strip()
    ]
    sets = _sets_read(arguments.get("set", ""))
    places = {"mark": marks, "set": [e for s in sets for e in (s.low, s.high) if e is not None]}
    for key, values in places.items():
        for value in values:
            if not start <= value <= end:
                raise FigureError(f"{key} is {value}, expected a number from {start} to {end}")

    def place(value: Fraction) -> float:
        return _LEFT + _LENGTH * float((value - start) / (end - start))

    rings = _open_ends(sets)
    shapes = [path_draw(_axis(sorted(place(ring) for ring in rings)))]
    ticks = [start + step * i for i in range(int((end - start) / step) + 1)]
    # Whole numbers and the ends are named; naming every tick would tell what a mark asks for.
    for tick in dict.fromkeys([*ticks, end]):
        is_named = tick.denominator == 1 or tick in {start, end}
        reach = 9 if is_named else 6
        x = f"{place(tick):.2f}"
        if tick not in rings:
            shapes.append(path_draw(f"M{x} {_AXIS - reach}V{_AXIS + reach}"))
        if is_named:
            shapes.append(text_draw(place(tick), 56, str(tick)))
    for one in sets:
        low = start if one.low is None else one.low
        shapes.extend(_set_drawn(one, place(low), place(end if one.high is None else one.high)))
    shapes.extend(_dot(place(mark)) for mark in marks)
    return Drawing(440, 64, tuple(shapes))


def _sets_read(raw: str) -> list[_Ends]:
    sets = []
    for part in re.split(r"\bor\b", raw) if raw.strip() else ():
        found = _SET.fullmatch(part.strip())
        if found is None:
            raise FigureError(f"set is {part.strip()}, expected an interval such as (-inf, 2]")
        low, high = _end(found[2], "-inf"), _end(found[3], "inf")
        is_low_closed, is_high_closed = found[1] == "[", found[4] == "]"
        if (low is None and is_low_closed) or (high is None and is_high_closed):
            raise FigureError(f"set is {part.strip()}, expected a round bracket beside infinity")
        if low is not None and high is not None and low >= high:
            raise FigureError(f"set is {part.strip()}, expected the smaller end first")
        sets.append(_Ends(low, high, is_low_closed, is_high_closed))
    return sets


def _end(raw: str, infinity: str) -> Fraction | None:
    return None if raw.strip() == infinity else fraction_read("set", raw)


def _open_ends(sets: list[_Ends]) -> set[Fraction]:
    ends: set[Fraction] = set()
    for one in sets:
        if one.low is not None and not one.is_low_closed:
            ends.add(one.low)
        if one.high is not None and not one.is_high_closed:
            ends.add(one.high)
    return ends


def _axis(rings: list[float]) -> str:
    # The axis stops at an open ring, which stays empty on any background.
    way = f"M8 {_AXIS}"
    for ring in rings:
        way += f"H{ring - _RING:.2f}M{ring + _RING:.2f} {_AXIS}"
    return f"{way}H432M426 {_AXIS - 5}L432 {_AXIS}L426 {_AXIS + 5}"


def _set_drawn(one: _Ends, low: float, high: float) -> list[str]:
    left = 10 if one.low is None else low + _RING
    right = 430 if one.high is None else high - _RING
    way = f"M{left:.2f} {_AXIS}H{right:.2f}"
    # Arrow heads say that the set goes on; the axis' own arrow is drawn on every line.
    if one.low is None:
        way += f"M{left + 8:.2f} {_AXIS - 7}L{left:.2f} {_AXIS}L{left + 8:.2f} {_AXIS + 7}"
    if one.high is None:
        way += f"M{right - 8:.2f} {_AXIS - 7}L{right:.2f} {_AXIS}L{right - 8:.2f} {_AXIS + 7}"
    shapes = [path_draw(way, style="figure-strong", width=5)]
    for value, place, is_closed in (
        (one.low, low, one.is_low_closed),
        (one.high, high, one.is_high_closed),
    ):
        if value is not None:
            shapes.append(_dot(place) if is_closed else _ring(place))
    return shapes


def _dot(x: float) -> str:
    return f'<circle class="figure-mark" cx="{x:.2f}" cy="{_AXIS}" r="6" fill="currentColor"/>'


def _ring(x: float) -> str:
    return (
        f'<circle class="figure-ring" cx="{x:.2f}" cy="{_AXIS}" r="{_RING}" fill="none"'
        ' stroke="currentColor" stroke-width="2.5"/>'
    )
