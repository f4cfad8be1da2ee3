"""Figures drawn by code: one line of a `figure` fence becomes an accessible inline SVG.

For the style sheet: `svg.figure` is the whole, `.figure-fill` a shaded area, `.figure-line` an
outline, axis or tick, `.figure-mark` a point on a number line, `.figure-text` a label. Without any
style the figure is drawn in the text's colour. Fixed presentation attributes only: the
Content-Security-Policy forbids style attributes.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from html import escape
from math import cos, pi, sin

MAX_PARTS = 120
MAX_TICKS = 120
_ARGUMENT = re.compile(r'([a-z]+)=(?:"((?:[^"\\]|\\.)*)"|(\S+))\s*')
_NAME = re.compile(r"\s*([a-z-]+)\s*")


class FigureError(Exception):
    """A figure that cannot be drawn; the message says what was wrong and what was expected."""


@dataclass(frozen=True, slots=True)
class _Drawing:
    width: int
    height: int
    shapes: tuple[str, ...]


def figure_render(source: str) -> str:
    """Draw `name key=value ... label="..."`.

    Raises:
        FigureError: for an unknown figure or key, a missing label, a number out of range.
    """
    name, arguments = _parsed(source)
    known = _FIGURES.get(name)
    if known is None:
        raise FigureError(f"there is no figure {name!r}; there are {', '.join(sorted(_FIGURES))}")
    draw, keys = known
    label = arguments.pop("label", "").strip()
    if not label:
        raise FigureError(f"{name} has no label; a text alternative is required")
    unknown = sorted(set(arguments) - set(keys))
    if unknown:
        raise FigureError(f"{name} has no {unknown[0]!r}; it has {', '.join(keys)} and label")
    drawing = draw(arguments)
    return (
        f'<svg class="figure figure-{name}" role="img" viewBox="0 0 {drawing.width}'
        f' {drawing.height}" width="{drawing.width}" height="{drawing.height}" focusable="false">'
        f"<title>{escape(label)}</title>{''.join(drawing.shapes)}</svg>"
    )


def _parsed(source: str) -> tuple[str, dict[str, str]]:
    text = " ".join(source.split())
    head = _NAME.match(text)
    if head is None:
        raise FigureError(f"{text[:40]!r} does not begin with the name of a figure")
    arguments: dict[str, str] = {}
    at = head.end()
    while at < len(text):
        found = _ARGUMENT.match(text, at)
        if found is None:
            raise FigureError(f'{text[at : at + 40]!r} is not key=value or key="value"')
        quoted, bare = found.group(2), found.group(3)
        if found.group(1) in arguments:
            raise FigureError(f"{found.group(1)!r} is given twice")
        arguments[found.group(1)] = re.sub(r"\\(.)", r"\1", quoted) if bare is None else bare
        at = found.end()
    return head.group(1), arguments


def _whole(arguments: Mapping[str, str], key: str, *, least: int, most: int) -> int:
    raw = arguments.get(key)
    if raw is None:
        raise FigureError(f"{key} is missing")
    number = _fraction(key, raw)
    if number.denominator != 1 or not least <= number <= most:
        raise FigureError(f"{key} is {raw}, expected a whole number from {least} to {most}")
    return int(number)


def _fraction(key: str, raw: str) -> Fraction:
    text = raw.strip().replace("−", "-")
    mixed = re.fullmatch(r"(-?)(\d+) (\d+)/(\d+)", text)
    try:
        if mixed:
            value = int(mixed[2]) + Fraction(int(mixed[3]), int(mixed[4]))
            return -value if mixed[1] else value
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise FigureError(f"{key} is {raw}, expected a number such as 3, 0.5 or 3/4") from None


def _style(*, is_filled: bool) -> str:
    if is_filled:
        shade = 'fill="currentColor" fill-opacity="0.35"'
        return f'class="figure-line figure-fill" {shade} stroke="currentColor"'
    return 'class="figure-line" fill="none" stroke="currentColor"'


def _fraction_bar(arguments: Mapping[str, str]) -> _Drawing:
    parts = _whole(arguments, "parts", least=1, most=MAX_PARTS)
    shaded = _whole(arguments, "shaded", least=0, most=parts)
    step = 320 / parts
    cells = tuple(
        f'<rect x="{4 + step * i:.2f}" y="4" width="{step:.2f}" height="48"'
        f" {_style(is_filled=i < shaded)}/>"
        for i in range(parts)
    )
    return _Drawing(328, 56, cells)


def _fraction_circle(arguments: Mapping[str, str]) -> _Drawing:
    parts = _whole(arguments, "parts", least=1, most=MAX_PARTS)
    shaded = _whole(arguments, "shaded", least=0, most=parts)
    if parts == 1:
        whole = f'<circle cx="84" cy="84" r="80" {_style(is_filled=shaded == 1)}/>'
        return _Drawing(168, 168, (whole,))

    def rim(part: int) -> str:
        turn = 2 * pi * part / parts
        return f"{84 + 80 * sin(turn):.2f} {84 - 80 * cos(turn):.2f}"

    sectors = tuple(
        f'<path d="M84 84L{rim(i)}A80 80 0 0 1 {rim(i + 1)}Z" {_style(is_filled=i < shaded)}/>'
        for i in range(parts)
    )
    return _Drawing(168, 168, sectors)


def _number_line(arguments: Mapping[str, str]) -> _Drawing:
    start = _fraction("from", arguments.get("from", "0"))
    end = _fraction("to", arguments.get("to", "1"))
    step = _fraction("step", arguments.get("step", "1"))
    if end <= start:
        raise FigureError(f"to is {end}, expected more than from ({start})")
    if step <= 0 or (end - start) / step > MAX_TICKS:
        raise FigureError(f"step is {step}, expected more than 0 and at most {MAX_TICKS} steps")
    marks = [_fraction("mark", raw) for raw in arguments.get("mark", "").split(",") if raw.strip()]
    for mark in marks:
        if not start <= mark <= end:
            raise FigureError(f"mark is {mark}, expected a number from {start} to {end}")

    def place(value: Fraction) -> str:
        return f"{24 + 392 * float((value - start) / (end - start)):.2f}"

    axis = "M8 28H432M426 23L432 28L426 33"
    shapes = [f'<path class="figure-line" d="{axis}" fill="none" stroke="currentColor"/>']
    ticks = [start + step * i for i in range(int((end - start) / step) + 1)]
    # Whole numbers and the ends are named; naming every tick would tell what a mark asks for.
    for tick in dict.fromkeys([*ticks, end]):
        is_named = tick.denominator == 1 or tick in {start, end}
        reach = 9 if is_named else 6
        shapes.append(
            f'<path class="figure-line" d="M{place(tick)} {28 - reach}V{28 + reach}"'
            ' fill="none" stroke="currentColor"/>'
        )
        if is_named:
            shapes.append(
                f'<text class="figure-text" x="{place(tick)}" y="56" text-anchor="middle"'
                f' fill="currentColor" font-size="15">{str(tick).replace("-", "−")}</text>'
            )
    shapes.extend(
        f'<circle class="figure-mark" cx="{place(mark)}" cy="28" r="6" fill="currentColor"/>'
        for mark in marks
    )
    return _Drawing(440, 64, tuple(shapes))


def _area_grid(arguments: Mapping[str, str]) -> _Drawing:
    rows = _whole(arguments, "rows", least=1, most=20)
    columns = _whole(arguments, "columns", least=1, most=20)
    shaded = _whole(arguments, "shaded", least=0, most=rows * columns)
    side = max(12, min(40, 320 // columns))
    cells = tuple(
        f'<rect x="{4 + side * (i % columns)}" y="{4 + side * (i // columns)}" width="{side}"'
        f' height="{side}" {_style(is_filled=i < shaded)}/>'
        for i in range(rows * columns)
    )
    return _Drawing(side * columns + 8, side * rows + 8, cells)


_FIGURES: dict[str, tuple[Callable[[Mapping[str, str]], _Drawing], tuple[str, ...]]] = {
    "fraction-bar": (_fraction_bar, ("parts", "shaded")),
    "fraction-circle": (_fraction_circle, ("parts", "shaded")),
    "number-line": (_number_line, ("from", "to", "step", "mark")),
    "area-grid": (_area_grid, ("rows", "columns", "shaded")),
}
