"""The belief chart."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tutor.practice.charts import BOTTOM, LEFT, RIGHT, TOP, belief_chart

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
