"""Pictures: the belief chart and the layered map."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tutor.practice.charts import (
    BOTTOM,
    LABEL_LINES,
    LEFT,
    NODE_HEIGHT,
    NODE_WIDTH,
    RIGHT,
    TOP,
    belief_chart,
    course_map,
)

START = datetime(2026, 3, 2, tzinfo=UTC)


@dataclass(frozen=True)
class Point:
    at: datetime
    p_correct: float
    lower: float
    upper: float
    is_correct: bool | None


def points(shares: list[float], n_ahead: int) -> list[Point]:
    answered = [
        Point(START + timedelta(hours=place), share, share / 2, (1 + share) / 2, place % 2 == 0)
        for place, share in enumerate(shares)
    ]
    ahead = [
        Point(START + timedelta(days=30 + day), 0.5, 0.25, 0.75, None) for day in range(n_ahead)
    ]
    return answered + ahead


def test_there_is_no_chart_before_the_first_answer() -> None:
    assert belief_chart(points([], 15)) is None


def test_the_chart_marks_each_answer_at_its_height() -> None:
    chart = belief_chart(points([0.0, 1.0], 15))
    assert chart is not None
    assert [mark.is_correct for mark in chart.marks] == [True, False]
    assert [float(mark.y) for mark in chart.marks] == [BOTTOM, TOP]
    assert chart.first_at == START
    assert chart.until == START + timedelta(days=44)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=70), st.integers(1, 20))
def test_every_point_of_the_chart_lies_inside_it(shares: list[float], n_ahead: int) -> None:
    chart = belief_chart(points(shares, n_ahead))
    assert chart is not None
    for path in (chart.band, chart.line, chart.forecast_band, chart.forecast_line):
        for corner in path.strip("MZ").split("L"):
            x, y = map(float, corner.split())
            assert LEFT <= x <= RIGHT
            assert TOP <= y <= BOTTOM


@st.composite
def graphs(draw: st.DrawFn) -> dict[int, list[int]]:
    size = draw(st.integers(1, 14))
    return {
        skill: sorted(draw(st.sets(st.integers(0, skill - 1), max_size=3))) if skill else []
        for skill in range(size)
    }


@given(graphs())
def test_every_skill_stands_right_of_what_it_needs_and_no_two_overlap(
    parents: dict[int, list[int]],
) -> None:
    picture = course_map({skill: f"Skill number {skill}" for skill in parents}, parents)
    corner = {place.skill_id: (float(place.x), float(place.y)) for place in picture.places}
    assert set(corner) == set(parents)
    for skill, needed in parents.items():
        for parent in needed:
            assert corner[skill][0] >= corner[parent][0] + NODE_WIDTH
    for (x1, y1), (x2, y2) in pairwise(sorted(corner.values())):
        assert x1 != x2 or y2 - y1 >= NODE_HEIGHT
    for x, y in corner.values():
        assert 0 <= x <= picture.width - NODE_WIDTH
        assert 0 <= y <= picture.height - NODE_HEIGHT


def test_an_edge_that_a_longer_path_implies_is_not_drawn() -> None:
    picture = course_map({1: "a", 2: "b", 3: "c"}, {1: [], 2: [1], 3: [1, 2]})
    assert len(picture.edges) == 2


def test_a_long_name_is_cut_to_the_lines_that_fit() -> None:
    picture = course_map({1: "Adding and subtracting " * 6}, {1: []})
    assert len(picture.places[0].lines) == LABEL_LINES
    assert picture.places[0].lines[-1].endswith("…")


def test_a_course_without_skills_has_an_empty_map() -> None:
    picture = course_map({}, {})
    assert picture.places == ()
