"""The way to a goal, a sitting, and whether a date can be met."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.tutor.scheduling.graphs import arrays_of
from tutor.scheduling.paths import Fit, GoalPath, Pace, pace_of, path_to_goal, sitting_plan
from tutor.scheduling.situations import Kind
from tutor.scheduling.statuses import LOCKED, MASTERED, READY, StatusArrays

PACE = Pace(step_low=1.0, step_high=2.0, minutes_a_week=60.0)
GRAPH = arrays_of(5, [(0, 1), (1, 2), (0, 3)])


def statuses_of(codes: list[int]) -> StatusArrays:
    code = np.array([codes], dtype=np.int8)
    return StatusArrays(code=code, is_open=code != LOCKED, passes=code == MASTERED)


def path(codes: list[int], targets: set[int], *, weeks: float | None = None) -> GoalPath:
    p = np.array([1.0 if code == MASTERED else 0.3 for code in codes])
    return path_to_goal(
        GRAPH, statuses_of(codes), p, GRAPH.closure(targets), pace=PACE, weeks_until_due=weeks
    )


def test_what_is_left_is_the_closure_without_the_mastered_in_order() -> None:
    found = path([MASTERED, READY, LOCKED, READY, READY], {2})
    assert [skill.skill_id for skill in found.left] == [1, 2]
    assert (found.n_skills, found.n_mastered) == (3, 1)
    assert 0 < found.minutes_low < found.minutes_high


def test_a_goal_fits_is_tight_or_is_too_much() -> None:
    codes = [MASTERED, READY, LOCKED, READY, READY]
    assert path(codes, {2}, weeks=10).fit is Fit.FITS
    assert path(codes, {2}, weeks=0.5).fit is Fit.TIGHT
    assert path(codes, {2}, weeks=0.01).fit is Fit.TOO_MUCH
    assert path(codes, {2}).fit is Fit.NO_DATE
    assert path([MASTERED] * 5, {2}, weeks=0.0).fit is Fit.DONE


def test_a_sitting_reviews_first_then_teaches_then_mixes() -> None:
    candidates = [(1, Kind.LEARN), (2, Kind.REVIEW), (3, Kind.PRACTISE), (4, Kind.LEARN)]
    plan = sitting_plan([*candidates, (5, Kind.LEARN)], pace=PACE)
    assert [block.kind for block in plan.blocks] == [Kind.REVIEW, Kind.LEARN, Kind.PRACTISE]
    assert plan.blocks[0].skill_ids == (2,)
    assert set(plan.blocks[1].skill_ids) <= {1, 4}


@given(
    st.lists(st.sampled_from(list(Kind)), max_size=30),
    st.floats(0.2, 8.0),
    st.floats(1.0, 3.0),
)
def test_a_sitting_never_takes_much_longer_than_asked(
    kinds: list[Kind], step: float, ratio: float
) -> None:
    pace = Pace(step_low=step, step_high=step * ratio, minutes_a_week=60.0)
    plan = sitting_plan(list(enumerate(kinds)), pace=pace)
    assert plan.minutes <= 20.0 + 2 * pace.step_high + 0.2


def test_an_own_pace_counts_the_more_the_more_is_known_of_it() -> None:
    course = [60_000] * 20 + [120_000] * 20
    slow = pace_of(own_ms=[240_000] * 30, course_ms=course, minutes_a_week=None)
    begun = pace_of(own_ms=[240_000] * 6, course_ms=course, minutes_a_week=None)
    unknown = pace_of(own_ms=[], course_ms=course, minutes_a_week=30.0)
    assert unknown.step_low < begun.step_low < slow.step_low == 4.0
    assert (unknown.minutes_a_week, slow.minutes_a_week) == (30.0, 60.0)
