"""The coordinate plane: points and straight lines on a grid."""

from dataclasses import dataclass
from fractions import Fraction

from tutor.content.figures_base import (
    Arguments,
    Drawing,
    FigureError,
    fraction_read,
    groups_read,
    path_draw,
    text_draw,
    words_read,
)

MAX_CELLS = 24
_WIDTH, _GRID, _LEFT, _TOP, _BOTTOM = 400, 336, 40, 24, 28
Point = tuple[Fraction, Fraction]


@dataclass(frozen=True, slots=True)
class _Axis:
    least: Fraction
    most: Fraction
    step: Fraction

    @property
    def cells(self) -> int:
        return int((self.most - self.least) / self.step)

    def ticks(self) -> list[Fraction]:
        return [self.least + self.step * i for i in range(self.cells + 1)]


@dataclass(frozen=True, slots=True)
class _Plane:
    x: _Axis
    y: _Axis
    cell: float
    left: float

    def place(self, point: Point) -> tuple[float, float]:
        across = float((point[0] - self.x.least) / self.x.step)
        up = float((self.y.most - point[1]) / self.y.step)
        return self.left + self.cell * across, _TOP + self.cell * up

    def way(self, start: Point, end: Point) -> str:
        (x1, y1), (x2, y2) = self.place(start), self.place(end)
        return f"M{x1:.2f} {y1:.2f}L{x2:.2f} {y2:.2f}"


def coordinate_plane(arguments: Arguments) -> Drawing:
    """Draw a grid from `x` and `y`, its axes, then `lines`, `through` and named `points`."""
    x = _axis_read(arguments, "x")
    y = _axis_read(arguments, "y")
    cell = _GRID / max(x.cells, y.cells)
    # As wide for every plane: the page stretches figures to its column.
    plane = _Plane(x, y, cell, _LEFT + (_GRID - cell * x.cells) / 2)
    shapes = [_grid(plane), _axes(plane)]
    is_rising = False
    for slope, intercept in groups_read(arguments, "lines", size=2):
        is_rising |= slope > 0
        ends = ((at, slope * at + intercept) for at in (x.least, x.most))
        shapes.append(_line(plane, *ends, shown=f"lines has {slope}, {intercept}"))
    for x1, y1, x2, y2 in groups_read(arguments, "through", size=4):
        shown = f"through has {x1}, {y1}, {x2}, {y2}"
        if (x1, y1) == (x2, y2):
            raise FigureError(f"{shown}, expected two different points")
        is_rising |= (x2 - x1) * (y2 - y1) > 0
        shapes.append(_line(plane, *_stretched(plane, (x1, y1), (x2, y2)), shown=shown))
    # Over the lines, so that a line never hides a number.
    shapes += [*_numbers(plane), *_axis_names(plane, arguments)]
    points = [(px, py) for px, py in groups_read(arguments, "points", size=2)]
    names = words_read(arguments, "names")
    if len(names) > len(points):
        raise FigureError(f"names has {len(names)} words, expected at most {len(points)}")
    for at, point in enumerate(points):
        if not (x.least <= point[0] <= x.most and y.least <= point[1] <= y.most):
            raise FigureError(f"points has {point[0]}, {point[1]}, expected a point of the grid")
        px, py = plane.place(point)
        shapes.append(
            f'<circle class="figure-mark" cx="{px:.2f}" cy="{py:.2f}" r="6" fill="currentColor"/>'
        )
        if at < len(names):
            # Below a line that rises, so that it does not run through the name.
            shapes.append(text_draw(px + 12, py + 18 if is_rising else py - 8, names[at]))
    height = _TOP + round(cell * y.cells) + _BOTTOM
    return Drawing(_WIDTH, height, tuple(shapes))


def _axis_read(arguments: Arguments, key: str) -> _Axis:
    raw = arguments.get(key, "-6,6")
    found = list(groups_read({key: raw}, key, size=2))
    if len(found) != 1:
        raise FigureError(f"{key} is {raw}, expected two numbers such as -6,6")
    least, most = found[0]
    step = fraction_read(f"{key}step", arguments.get(f"{key}step", "1"))
    if least > 0 or most < 0 or least == most:
        raise FigureError(f"{key} is {raw}, expected a range that holds 0")
    if step <= 0 or (most - least) / step > MAX_CELLS:
        raise FigureError(f"{key}step is {step}, expected at most {MAX_CELLS} steps in {raw}")
    if least % step or most % step:
        raise FigureError(f"{key} is {raw}, expected multiples of {key}step ({step})")
    return _Axis(least, most, step)


def _grid(plane: _Plane) -> str:
    x, y = plane.x, plane.y
    ways = [plane.way((at, y.least), (at, y.most)) for at in x.ticks()]
    ways += [plane.way((x.least, at), (x.most, at)) for at in y.ticks()]
    way = "".join(ways)
    return f'<path class="figure-grid" d="{way}" stroke="currentColor" stroke-opacity="0.2"/>'


def _axes(plane: _Plane) -> str:
    x, y, zero = plane.x, plane.y, Fraction(0)
    across = plane.way((x.least, zero), (x.most, zero)) + "h12m-6 -5l6 5l-6 5"
    up = plane.way((zero, y.least), (zero, y.most)) + "v-12m-5 6l5 -6l5 6"
    return path_draw(across + up)


def _numbers(plane: _Plane) -> list[str]:
    shapes = []
    zero = Fraction(0)
    # Where the cells are narrow, every second number is left out.
    every = 1 if plane.cell >= 24 else 2
    for at in plane.x.ticks():
        if at and (at / plane.x.step) % every == 0:
            x, y = plane.place((at, zero))
            shapes.append(text_draw(x, y + 18, str(at)))
    for at in plane.y.ticks():
        if at and (at / plane.y.step) % every == 0:
            x, y = plane.place((zero, at))
            shapes.append(text_draw(x - 8 - 4 * len(str(at)), y + 5, str(at)))
    if plane.x.least < 0:
        return shapes
    x, y = plane.place((zero, zero))
    return [*shapes, text_draw(x - 12, y + 18, "0")]


def _axis_names(plane: _Plane, arguments: Arguments) -> list[str]:
    x, y = plane.x, plane.y
    right, top = plane.place((x.most, Fraction(0))), plane.place((Fraction(0), y.most))
    xname, yname = arguments.get("xname", "x"), arguments.get("yname", "y")
    return [
        # A long name stands inside, so that it ends where the grid does.
        text_draw(right[0] + 16 - 8 * (len(xname) - 1) / 2, right[1] - 10, xname),
        text_draw(top[0] + 16 + 8 * (len(yname) - 1) / 2, top[1] - 8, yname),
    ]


def _stretched(plane: _Plane, one: Point, other: Point) -> tuple[Point, Point]:
    if one[0] == other[0]:
        return (one[0], plane.y.least), (one[0], plane.y.most)
    slope = (other[1] - one[1]) / (other[0] - one[0])
    start, end = plane.x.least, plane.x.most
    return (start, one[1] + slope * (start - one[0])), (end, one[1] + slope * (end - one[0]))


def _line(plane: _Plane, start: Point, end: Point, *, shown: str) -> str:
    """Draw the part of a line that lies on the grid (`start` and `end` may lie off it)."""
    ends = _clipped(plane, start, end)
    if ends is None:
        raise FigureError(f"{shown}, expected a line that crosses the grid")
    return path_draw(plane.way(*ends), style="figure-strong", width=3)


def _clipped(plane: _Plane, start: Point, end: Point) -> tuple[Point, Point] | None:
    """Liang-Barsky: the stretch of t in [0, 1] where the line keeps within all four sides."""
    run, rise = end[0] - start[0], end[1] - start[1]
    low, high = Fraction(0), Fraction(1)
    for toward, room in (
        (-run, start[0] - plane.x.least),
        (run, plane.x.most - start[0]),
        (-rise, start[1] - plane.y.least),
        (rise, plane.y.most - start[1]),
    ):
        if toward == 0:
            if room < 0:
                return None
        elif toward < 0:
            low = max(low, room / toward)
        else:
            high = min(high, room / toward)
    if low >= high:
        return None
    return (
        (start[0] + run * low, start[1] + rise * low),
        (start[0] + run * high, start[1] + rise * high),
    )
