"""Intervals grow with spaced success, and only with it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutor.scheduling.retention import (
    SLACK_DAYS,
    interval_days,
    resting,
    retained,
    spacing_of_history,
)
from tutor.scheduling.statuses import PolicyConfig

CONFIG = PolicyConfig(review_first_days=1.0, review_growth=2.0)


def test_massed_success_does_not_lengthen_the_interval() -> None:
    history = [(0.001 * step, True) for step in range(8)]
    assert spacing_of_history(history, config=CONFIG).n_spaced == 0


def test_success_after_each_interval_doubles_it() -> None:
    found = spacing_of_history([(0.0, True), (1.0, True), (3.0, True), (7.0, True)], config=CONFIG)
    assert found.n_spaced == 3
    assert interval_days(np.array(3), config=CONFIG) == pytest.approx(8.0 - SLACK_DAYS)


def test_a_wrong_answer_shortens_it_and_does_not_count_as_seen() -> None:
    found = spacing_of_history([(0.0, True), (1.0, True), (3.0, False)], config=CONFIG)
    assert (found.n_spaced, found.right_at_days) == (0, 1.0)


def test_a_wrong_answer_takes_half_of_the_doublings_away() -> None:
    history = [(0.0, True), (1.0, True), (3.0, True), (7.0, True), (15.0, True), (31.0, False)]
    assert spacing_of_history(history, config=CONFIG).n_spaced == 2


def rests(
    *,
    gap_days: float = np.nan,
    n_spaced: int = 0,
    answers_today: int = 0,
    n_observations: int = 4,
    is_lost: bool = False,
) -> bool:
    return bool(
        resting(
            gap_days=np.array(gap_days),
            n_spaced=np.array(n_spaced),
            answers_today=np.array(answers_today),
            n_observations=np.array(n_observations),
            is_lost=np.array(is_lost),
            config=CONFIG,
        )
    )


def test_a_skill_rests_from_a_right_answer_until_its_interval_ends() -> None:
    assert rests(gap_days=0.01)
    assert not rests(gap_days=0.9)
    assert rests(gap_days=2.9, n_spaced=2)
    assert not rests(gap_days=3.9, n_spaced=2)


def test_what_is_believed_lost_rests_for_a_day_at_most() -> None:
    assert rests(gap_days=0.1, n_spaced=5, is_lost=True)
    assert not rests(gap_days=1.0, n_spaced=5, is_lost=True)


def test_a_day_brings_one_answer_of_a_skill_and_its_first_day_two() -> None:
    assert rests(answers_today=1, n_observations=5)
    assert not rests(answers_today=1, n_observations=1)
    assert rests(answers_today=2, n_observations=2)
    assert not rests(answers_today=0, n_observations=0)


def test_what_is_mastered_has_fallen_to_the_threshold_when_its_interval_ends() -> None:
    days = interval_days(np.array([2]), config=CONFIG)
    left = retained(
        np.array([1.0]),
        gap_days=days,
        n_spaced=np.array([2]),
        was_mastered=np.array([True]),
        config=CONFIG,
    )
    assert left == pytest.approx(CONFIG.mastery_leave)


@given(st.lists(st.tuples(st.floats(0.0, 50.0), st.booleans()), max_size=20))
def test_spaced_successes_never_exceed_right_answers(steps: list[tuple[float, bool]]) -> None:
    at, history = 0.0, []
    for gap, is_right in steps:
        at += gap
        history.append((at, is_right))
    found = spacing_of_history(history, config=CONFIG)
    assert 0 <= found.n_spaced <= max(sum(right for _, right in history) - 1, 0)
