"""Models of calculations: the scales of an equation, the bars of a ratio."""

from tutor.content.figures_base import (
    Arguments,
    Drawing,
    FigureError,
    groups_read,
    path_draw,
    shape_style,
    text_draw,
    whole_read,
    words_read,
)

MAX_THINGS = 20
MAX_BARS = 6
_ACROSS = 6
_SIDE = 24


def balance(arguments: Arguments) -> Drawing:
    """Draw scales in balance: each pan holds bags named `bag` and weights of 1."""
    bag = arguments.get("bag", "x")
    pans = [_pan_read(arguments, side) for side in ("left", "right")]
    rows = max(1, *(-(-sum(pan) // _ACROSS) for pan in pans))
    beam = 20 + rows * (_SIDE + 4)
    shapes = []
    for (bags, ones), middle in zip(pans, (104, 296), strict=True):
        shapes.append(path_draw(f"M{middle - 88} {beam}H{middle + 88}M{middle} {beam}V{beam + 20}"))
        for at in range(bags + ones):
            across = min(_ACROSS, bags + ones - at // _ACROSS * _ACROSS)
            x = middle + (at % _ACROSS - (across - 1) / 2) * (_SIDE + 4)
            y = beam - 4 - _SIDE / 2 - at // _ACROSS * (_SIDE + 4)
            shapes += _bag(x, y, bag) if at < bags else _one(x, y)
    foot = beam + 20
    shapes.append(path_draw(f"M104 {foot}H296M200 {foot}V{foot + 24}M168 {foot + 24}H232"))
    return Drawing(400, foot + 32, tuple(shapes))


def _pan_read(arguments: Arguments, side: str) -> tuple[int, int]:
    if side not in arguments:
        raise FigureError(f"{side} is missing")
    found = list(groups_read(arguments, side, size=2))
    if len(found) != 1:
        raise FigureError(f"{side} is {arguments[side]}, expected bags and weights such as 2,3")
    bags, ones = (whole_read(side, str(n), least=0, most=MAX_THINGS) for n in found[0])
    if bags + ones > MAX_THINGS:
        raise FigureError(f"{side} has {bags + ones} things, expected at most {MAX_THINGS}")
    return bags, ones


def _bag(x: float, y: float, name: str) -> list[str]:
    half = _SIDE / 2
    box = (
        f'<rect x="{x - half:.2f}" y="{y - half:.2f}" width="{_SIDE}" height="{_SIDE}" rx="4"'
        f" {shape_style(is_filled=True)}/>"
    )
    return [box, text_draw(x, y + 5, name)]


def _one(x: float, y: float) -> list[str]:
    return [
        f'<circle cx="{x:.2f}" cy="{y:.2f}" r="{_SIDE / 2 - 1:g}" {shape_style(is_filled=False)}/>',
        text_draw(x, y + 5, "1"),
    ]


def bar_model(arguments: Arguments) -> Drawing:
    """Draw one strip of equal boxes for each number of `bars`; all boxes are of one size."""
    counts = [
        whole_read("bars", raw, least=1, most=MAX_THINGS)
        for raw in arguments.get("bars", "").split(";")
        if raw.strip()
    ]
    if not 1 <= len(counts) <= MAX_BARS:
        raise FigureError(f"bars has {len(counts)} numbers, expected 1 to {MAX_BARS}")
    names = words_read(arguments, "names")
    if len(names) > len(counts):
        raise FigureError(f"names has {len(names)} words, expected at most {len(counts)}")
    each = arguments.get("each", "")
    left = 16 + 8 * max((len(name) for name in names), default=0)
    side = min(56.0, (396 - left) / max(counts))
    shapes = []
    for row, count in enumerate(counts):
        top = 4 + 48 * row
        if row < len(names):
            shapes.append(text_draw(left / 2, top + 25, names[row]))
        for at in range(count):
            x = left + side * at
            # Every second strip is shaded: neighbours are told apart without colours.
            shapes.append(
                f'<rect x="{x:.2f}" y="{top}" width="{side:.2f}" height="40"'
                f" {shape_style(is_filled=row % 2 == 0)}/>"
            )
            if each:
                shapes.append(text_draw(x + side / 2, top + 25, each))
    return Drawing(400, 48 * len(counts), tuple(shapes))
