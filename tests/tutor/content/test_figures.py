"""Figures of the later parts: sets on the number line, the plane, scales, bars."""

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutor.content.figures import FigureError, figure_render


def _drawn(source: str, style: str) -> list[ElementTree.Element]:
    root = ElementTree.fromstring(figure_render(f"{source} label=x"))
    return [shape for shape in root if style in shape.get("class", "").split()]


def _numbers(shape: ElementTree.Element, key: str = "d") -> list[float]:
    return [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", shape.get(key, ""))]


def _texts(source: str) -> list[str]:
    return [shape.text or "" for shape in _drawn(source, "figure-text")]


PLANE = "coordinate-plane x=-6,6 y=-6,6"


def _at(x: float, y: float) -> tuple[float, float]:
    return 40 + 28 * (x + 6), 24 + 28 * (6 - y)


@pytest.mark.parametrize(
    ("ends", "dots", "rings"),
    [("[-3,5)", [-3], [5]), ("(-inf,2]", [2], []), ("(0,inf)", [], [0])],
)
def test_closed_ends_are_dots_and_open_ends_are_rings(
    ends: str, dots: list[int], rings: list[int]
) -> None:
    source = f"number-line from=-7 to=7 set={ends}"
    for style, expected in (("figure-mark", dots), ("figure-ring", rings)):
        found = [float(shape.get("cx", "")) for shape in _drawn(source, style)]
        assert found == pytest.approx([24 + 28 * (value + 7) for value in expected])


def test_a_set_goes_on_to_the_side_of_its_infinity() -> None:
    (left,) = _drawn('number-line from=-7 to=7 set="(-inf, 0]"', "figure-strong")
    assert _numbers(left)[0] < 24
    assert _numbers(left)[2] == pytest.approx(24 + 28 * 7 - 6)
    (right,) = _drawn('number-line from=-7 to=7 set="[0, inf)"', "figure-strong")
    assert _numbers(right)[2] > 24 + 28 * 14


def test_the_axis_leaves_an_open_ring_empty() -> None:
    axis = _drawn("number-line from=-7 to=7 set=(-3,inf)", "figure-line")[0]
    ring = 24 + 28 * 4
    assert f"H{ring - 6:.2f}M{ring + 6:.2f} 28" in axis.get("d", "")


def test_two_sets_may_stand_on_one_line() -> None:
    source = 'number-line from=-5 to=5 set="(-inf, -2] or (1, inf)"'
    assert len(_drawn(source, "figure-strong")) == 2


def test_points_stand_where_their_coordinates_say() -> None:
    points = _drawn(f'{PLANE} points="2,-3; 0,0; -1/2,4"', "figure-mark")
    found = [(float(p.get("cx", "")), float(p.get("cy", ""))) for p in points]
    expected = [_at(2, -3), _at(0, 0), _at(-0.5, 4)]
    assert [n for pair in found for n in pair] == pytest.approx([n for p in expected for n in p])


@pytest.mark.parametrize(
    ("key", "start", "end"),
    [
        ('lines="1/2,1"', (-6, -2), (6, 4)),
        ('lines="2,1"', (-3.5, -6), (2.5, 6)),
        ('lines="-3,0"', (-2, 6), (2, -6)),
        ('lines="0,4"', (-6, 4), (6, 4)),
        ('through="0,1, 2,5"', (-3.5, -6), (2.5, 6)),
        ('through="3,1, 3,5"', (3, -6), (3, 6)),
    ],
)
def test_a_line_is_drawn_from_edge_to_edge(
    key: str, start: tuple[float, float], end: tuple[float, float]
) -> None:
    (line,) = _drawn(f"{PLANE} {key}", "figure-strong")
    assert _numbers(line) == pytest.approx([*_at(*start), *_at(*end)], abs=0.01)


def test_axes_may_count_in_other_steps_and_have_names() -> None:
    source = "coordinate-plane x=0,4 y=0,60 ystep=10 xname=hours yname=km"
    assert set(_texts(source)) == {*"01234", "10", "20", "30", "40", "50", "60", "hours", "km"}


def test_negative_numbers_have_a_minus_sign() -> None:
    assert "−2" in _texts("coordinate-plane x=-2,2 y=-2,2")


@given(st.integers(-20, 20), st.integers(-20, 20), st.integers(-20, 20), st.integers(1, 20))
def test_a_line_never_leaves_the_grid(b: int, x: int, top: int, bottom: int) -> None:
    source = f'{PLANE} lines="{top}/{bottom},{b}" through="{x},0, {x + bottom},{b}"'
    try:
        lines = _drawn(source, "figure-strong")
    except FigureError as error:
        assert "crosses the grid" in str(error)  # noqa: PT017
        return
    for line in lines:
        x1, y1, x2, y2 = _numbers(line)
        assert all(40 - 0.01 <= at <= 376.01 for at in (x1, x2))
        assert all(24 - 0.01 <= at <= 360.01 for at in (y1, y2))


def test_each_pan_holds_its_bags_and_weights() -> None:
    source = 'balance left="2, 3" right="0, 7" bag=n'
    assert _texts(source) == ["n", "n", *"111", *"1111111"]
    middles = [float(s.get("x", "")) for s in _drawn(source, "figure-text")]
    assert all(middle < 200 for middle in middles[:5])
    assert all(middle > 200 for middle in middles[5:])


def test_bars_have_as_many_boxes_as_asked_each_row_below_the_last() -> None:
    source = 'bar-model bars="2; 3" names="red; blue" each=4'
    boxes = _drawn(source, "figure-line")
    assert [shape.get("y") for shape in boxes] == ["4"] * 2 + ["52"] * 3
    assert len({shape.get("width") for shape in boxes}) == 1
    assert _texts(source) == ["red", *"44", "blue", *"444"]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("number-line from=0 to=5 set=1,2", "expected an interval"),
        ("number-line from=0 to=5 set=[-inf,2]", "round bracket beside infinity"),
        ("number-line from=0 to=5 set=[3,2]", "smaller end first"),
        ("number-line from=0 to=5 set=[3,9]", "set is 9"),
        ("coordinate-plane x=1,4", "holds 0"),
        ("coordinate-plane x=-3", "expected 2 numbers"),
        ('coordinate-plane x="-3,3; 0,1"', "expected two numbers"),
        ("coordinate-plane y=0,100", "at most 24 steps"),
        ("coordinate-plane y=0,100 ystep=30", "multiples of ystep"),
        ("coordinate-plane points=7,0", "a point of the grid"),
        ("coordinate-plane points=1,0 names=A;B", "names has 2 words"),
        ("coordinate-plane lines=0,7", "crosses the grid"),
        ("coordinate-plane through=1,1,1,1", "two different points"),
        ("balance left=1,2", "right is missing"),
        ("balance left=1,2 right=15,6", "21 things"),
        ("balance left=1,1/2 right=1,0", "left is 1/2"),
        ("balance left=1,1;2,2 right=1,0", "bags and weights"),
        ("bar-model", "bars has 0"),
        ("bar-model bars=0", "bars is 0"),
        ("bar-model bars=1 names=a;b", "names has 2"),
    ],
)
def test_what_cannot_be_drawn_is_told(source: str, words: str) -> None:
    with pytest.raises(FigureError, match=words):
        figure_render(f"{source} label=x")


@pytest.mark.parametrize(
    ("label", "title"),
    [
        ("from -6 to 6", "from \N{MINUS SIGN}6 to 6"),
        ("through (0, -3) and (-1, 2)", "through (0, \N{MINUS SIGN}3) and (\N{MINUS SIGN}1, 2)"),
        ("steps 3-4 of the y-axis", "steps 3-4 of the y-axis"),
    ],
)
def test_a_label_has_minus_signs_that_are_spoken(label: str, title: str) -> None:
    root = ElementTree.fromstring(figure_render(f'number-line from=0 to=1 step=1 label="{label}"'))
    assert [shape.text for shape in root if shape.tag.endswith("title")] == [title]


@pytest.mark.parametrize(
    ("lines", "side"), [("lines=2,-3", 1), ("lines=-2,3", -1), ("through=0,0,1,2", 1), ("", -1)]
)
def test_the_name_of_a_point_stands_beside_a_line_not_on_it(lines: str, side: int) -> None:
    source = f'{PLANE} {lines} points="1,-1" names=Q label=x'
    root = ElementTree.fromstring(figure_render(source))
    (name,) = [e for e in root.iter() if e.tag.endswith("text") and e.text == "Q"]
    (point,) = [e for e in root.iter() if e.get("class") == "figure-mark"]
    assert (float(name.get("y", "")) - float(point.get("cy", ""))) * side > 0
