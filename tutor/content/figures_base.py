"""What all figures share: their error, their drawing, readers for numbers, pieces of SVG."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from html import escape

Arguments = Mapping[str, str]


class FigureError(Exception):
    """A figure that cannot be drawn; the message says what was wrong and what was expected."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """Shapes on a canvas of `width` times `height` units; a unit is at least about a pixel."""

    width: int
    height: int
    shapes: tuple[str, ...]


def fraction_read(key: str, raw: str) -> Fraction:
    """Read a number such as 3, -0.5, 3/4 or 1 1/2.

    Raises: FigureError naming the key.
    """
    text = raw.strip().replace("−", "-")
    mixed = re.fullmatch(r"(-?)(\d+) (\d+)/(\d+)", text)
    try:
        if mixed:
            value = int(mixed[2]) + Fraction(int(mixed[3]), int(mixed[4]))
            return -value if mixed[1] else value
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise FigureError(f"{key} is {raw}, expected a number such as 3, 0.5 or 3/4") from None


def whole_read(key: str, raw: str | None, *, least: int, most: int) -> int:
    """Read a whole number from `least` to `most`.

    Raises: FigureError naming the key.
    """
    if raw is None:
        raise FigureError(f"{key} is missing")
    number = fraction_read(key, raw)
    if number.denominator != 1 or not least <= number <= most:
        raise FigureError(f"{key} is {raw}, expected a whole number from {least} to {most}")
    return int(number)


def groups_read(arguments: Arguments, key: str, *, size: int) -> Iterator[tuple[Fraction, ...]]:
    """Read `1, 2; 3, 4`: groups of `size` numbers, separated by semicolons.

    Raises: FigureError naming the key.
    """
    for group in arguments.get(key, "").split(";"):
        if not group.strip():
            continue
        numbers = tuple(fraction_read(key, raw) for raw in group.split(","))
        if len(numbers) != size:
            raise FigureError(f"{key} has {group.strip()}, expected {size} numbers and commas")
        yield numbers


def words_read(arguments: Arguments, key: str) -> list[str]:
    """Read words separated by semicolons; an absent key is no words."""
    raw = arguments.get(key, "")
    return [word.strip() for word in raw.split(";")] if raw.strip() else []


def shape_style(*, is_filled: bool) -> str:
    """Return the attributes of an outlined shape, shaded or not."""
    if is_filled:
        shade = 'fill="currentColor" fill-opacity="0.35"'
        return f'class="figure-line figure-fill" {shade} stroke="currentColor"'
    return 'class="figure-line" fill="none" stroke="currentColor"'


def path_draw(way: str, *, style: str = "figure-line", width: float = 1) -> str:
    """Return an open path."""
    return (
        f'<path class="{style}" d="{way}" fill="none" stroke="currentColor"'
        f' stroke-width="{width:g}"/>'
    )


def text_draw(x: float, y: float, text: str) -> str:
    """Return a label whose middle stands above (x, y); a minus sign for a hyphen."""
    return (
        f'<text class="figure-text" x="{x:.2f}" y="{y:.2f}" text-anchor="middle"'
        f' fill="currentColor" font-size="15">{escape(text.replace("-", "−"))}</text>'
    )
