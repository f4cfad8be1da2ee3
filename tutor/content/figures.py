"""Figures drawn by code: one line of a `figure` fence becomes an accessible inline SVG.

For the style sheet: `svg.figure` is the whole, `.figure-fill` a shaded area, `.figure-line` an
outline, axis or tick, `.figure-grid` the squares of a plane, `.figure-strong` a line or set of
numbers, `.figure-mark` a point, `.figure-ring` an open end, `.figure-text` a label. Without any
style the figure is drawn in the text's colour. Fixed presentation attributes only: the
Content-Security-Policy forbids style attributes.
"""

import re
from collections.abc import Callable
from html import escape
from math import cos, pi, sin

from tutor.content.figures_base import Arguments, Drawing, FigureError, shape_style, whole_read
from tutor.content.figures_line import number_line
from tutor.content.figures_models import balance, bar_model
from tutor.content.figures_plane import coordinate_plane

__all__ = ["FigureError", "figure_render"]

MAX_PARTS = 120
_ARGUMENT = re.compile(r'([a-z]+)=(?:"((?:[^"\\]|\\.)*)"|(\S+))\s*')
_NAME = re.compile(r"\s*([a-z-]+)\s*")


# A hyphen before a number, not between two.
_MINUS = re.compile(r"(?<![\w)])-(?=\d)")


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
        f"<title>{escape(_spoken(label))}</title>{''.join(drawing.shapes)}</svg>"
    )


def _spoken(label: str) -> str:
    """The label with minus signs, which screen readers say; they pass over a hyphen."""
    return _MINUS.sub("\N{MINUS SIGN}", label)


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


def _fraction_bar(arguments: Arguments) -> Drawing:
    parts = whole_read("parts", arguments.get("parts"), least=1, most=MAX_PARTS)
    shaded = whole_read("shaded", arguments.get("shaded"), least=0, most=parts)
    step = 320 / parts
    cells = tuple(
        f'<rect x="{4 + step * i:.2f}" y="4" width="{step:.2f}" height="48"'
        f" {shape_style(is_filled=i < shaded)}/>"
        for i in range(parts)
    )
    return Drawing(328, 56, cells)


def _fraction_circle(arguments: Arguments) -> Drawing:
    parts = whole_read("parts", arguments.get("parts"), least=1, most=MAX_PARTS)
    shaded = whole_read("shaded", arguments.get("shaded"), least=0, most=parts)
    if parts == 1:
        whole = f'<circle cx="84" cy="84" r="80" {shape_style(is_filled=shaded == 1)}/>'
        return Drawing(168, 168, (whole,))

    def rim(part: int) -> str:
        turn = 2 * pi * part / parts
        return f"{84 + 80 * sin(turn):.2f} {84 - 80 * cos(turn):.2f}"

    sectors = tuple(
        f'<path d="M84 84L{rim(i)}A80 80 0 0 1 {rim(i + 1)}Z" {shape_style(is_filled=i < shaded)}/>'
        for i in range(parts)
    )
    return Drawing(168, 168, sectors)


def _area_grid(arguments: Arguments) -> Drawing:
    rows = whole_read("rows", arguments.get("rows"), least=1, most=20)
    columns = whole_read("columns", arguments.get("columns"), least=1, most=20)
    shaded = whole_read("shaded", arguments.get("shaded"), least=0, most=rows * columns)
    side = max(12, min(40, 320 // columns))
    cells = tuple(
        f'<rect x="{4 + side * (i % columns)}" y="{4 + side * (i // columns)}" width="{side}"'
        f' height="{side}" {shape_style(is_filled=i < shaded)}/>'
        for i in range(rows * columns)
    )
    return Drawing(side * columns + 8, side * rows + 8, cells)


_FIGURES: dict[str, tuple[Callable[[Arguments], Drawing], tuple[str, ...]]] = {
    "fraction-bar": (_fraction_bar, ("parts", "shaded")),
    "fraction-circle": (_fraction_circle, ("parts", "shaded")),
    "number-line": (number_line, ("from", "to", "step", "mark", "set")),
    "area-grid": (_area_grid, ("rows", "columns", "shaded")),
    "coordinate-plane": (
        coordinate_plane,
        ("x", "y", "xstep", "ystep", "xname", "yname", "points", "names", "lines", "through"),
    ),
    "balance": (balance, ("left", "right", "bag")),
    "bar-model": (bar_model, ("bars", "names", "each")),
}
