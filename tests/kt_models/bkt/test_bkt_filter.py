"""The online filter by hand, the ageing of evidence, the interval, and the stored state."""

import uuid
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta

from kt_models.bkt.filter import FittedBKT
from kt_models.bkt.interval import beta_interval
from kt_models.bkt.parameters import (
    BKTParameters,
    Clock,
    LearnerClasses,
    default_parameters,
    no_pairs,
)
from kt_models.bkt.state import BKTState
from kt_models.errors import ConfigError, StateError
from kt_models.protocol import Observation

DAY = 20_000.0


def hand_made(**changes: object) -> FittedBKT:
    """One known skill 'a' with round rates, no ageing; other skills learn nothing."""
    parameters = BKTParameters(
        skills=np.array(["a"]),
        items=np.zeros(0, dtype=np.str_),
        prior=np.array([[0.5], [0.3]]),
        learn=np.array([0.2, 0.0]),
        forget=np.array([0.1, 0.0]),
        guess=np.array([0.25, 0.2]),
        slip=np.array([0.1, 0.1]),
        classes=LearnerClasses(edges=np.zeros(0)),
        pairs=no_pairs(),
        clock=Clock(half_life_days=None),
        multi_skill="each",
        time_unit="days",
    )
    return FittedBKT(replace(parameters, **changes))  # type: ignore[arg-type]


def told(fitted: FittedBKT, answers: list[bool], *, skill: str = "a", at: float = DAY) -> BKTState:
    state = fitted.init_state()
    for answer in answers:
        state = fitted.update(state, Observation((skill,), None, answer, at))
    return state


def test_two_answers_worked_by_hand() -> None:
    fitted = hand_made()
    # Right: .5 * .9 / (.5 * .9 + .5 * .25) = 18/23; then 18/23 * .9 + 5/23 * .2 = 17.2/23.
    after_right = told(fitted, [True])
    known = 17.2 / 23
    beliefs = fitted.forecast(after_right, ["a"], at=DAY)
    assert beliefs.p_mastery[0] == pytest.approx(known)
    assert beliefs.p_correct[0] == pytest.approx(known * 0.9 + (1 - known) * 0.25)
    posterior = known * 0.1 / (known * 0.1 + (1 - known) * 0.75)
    after_wrong = told(fitted, [True, False])
    expected = posterior * 0.9 + (1 - posterior) * 0.2
    assert fitted.forecast(after_wrong, ["a"], at=DAY).p_mastery[0] == pytest.approx(expected)


def test_a_response_of_two_skills_moves_each_by_its_own_rates() -> None:
    fitted = hand_made()
    both = fitted.update(fitted.init_state(), Observation(("a", "b"), None, True, DAY))
    beliefs = fitted.forecast(both, ["a", "b"], at=DAY)
    assert beliefs.p_mastery[0] == pytest.approx(17.2 / 23)
    assert beliefs.p_mastery[1] == pytest.approx(0.27 / (0.27 + 0.14))


def test_a_conjunctive_response_by_a_sum_over_both_skills() -> None:
    fitted = hand_made(multi_skill="conjunctive")
    slip, guess = 0.1, (0.25 + 0.2) / 2
    weight = {
        (x, y): 0.5 * (0.3 if y else 0.7) * ((1 - slip) if x and y else guess)
        for x in (0, 1)
        for y in (0, 1)
    }
    total = sum(weight.values())
    p = fitted.predict_next(fitted.init_state(), ("a", "b"), item=None, at=DAY)
    assert p == pytest.approx(total)
    state = fitted.update(fitted.init_state(), Observation(("a", "b"), None, True, DAY))
    a = (weight[1, 0] + weight[1, 1]) / total
    b = (weight[0, 1] + weight[1, 1]) / total
    mastery = fitted.forecast(state, ["a", "b"], at=DAY).p_mastery
    assert mastery == pytest.approx([a * 0.9 + (1 - a) * 0.2, b])


def test_a_class_of_learners_starts_new_skills_at_its_own_prior() -> None:
    fitted = hand_made(
        prior=np.array([[0.2, 0.8], [0.1, 0.9]]),
        classes=LearnerClasses(edges=np.array([0.6]), base_rate=0.5, strength=5.0),
    )
    strong = told(fitted, [True] * 5, skill="other")
    weak = told(fitted, [False] * 5, skill="other")
    assert fitted.forecast(strong, ["a"], at=DAY).p_mastery[0] == pytest.approx(0.8)
    assert fitted.forecast(weak, ["a"], at=DAY).p_mastery[0] == pytest.approx(0.2)


def test_defaults_reach_mastery_in_a_few_right_answers_and_lose_it_to_wrong_ones() -> None:
    fitted = FittedBKT.with_defaults()
    three = fitted.forecast(told(fitted, [True] * 3), ["a"], at=DAY)
    assert three.p_mastery[0] > 0.95
    assert fitted.forecast(told(fitted, [False] * 3), ["a"], at=DAY).p_mastery[0] < 0.3


def test_a_long_success_does_not_outweigh_many_later_errors() -> None:
    fitted = FittedBKT.with_defaults()
    state = told(fitted, [True] * 100 + [False] * 8)
    assert fitted.forecast(state, ["a"], at=DAY).p_mastery[0] < 0.4
    textbook = FittedBKT(replace(fitted.parameters, least_unknown=0.0))
    state = told(textbook, [True] * 100 + [False] * 8)
    assert textbook.forecast(state, ["a"], at=DAY).p_mastery[0] > 0.99


def test_a_mastered_skill_falls_due_after_weeks_and_sooner_with_little_evidence() -> None:
    fitted = FittedBKT.with_defaults()

    def days_until_due(n_right: int) -> int:
        state = told(fitted, [True] * n_right)
        return next(
            gap
            for gap in range(1000)
            if fitted.forecast(state, ["a"], at=DAY + gap).p_correct[0] < 0.80
        )

    assert 7 <= days_until_due(3) < days_until_due(6) < days_until_due(12) <= 150


def test_with_time_the_mean_goes_back_to_the_prior_and_the_interval_widens() -> None:
    fitted = FittedBKT.with_defaults()
    state = told(fitted, [True] * 8)
    new = fitted.forecast(fitted.init_state(), ["a"], at=DAY)
    widths = []
    for gap in (0.0, 10.0, 40.0):
        beliefs = fitted.forecast(state, ["a"], at=DAY + gap)
        widths.append(float(beliefs.upper[0] - beliefs.lower[0]))
    assert widths == sorted(widths)
    late = fitted.forecast(state, ["a"], at=DAY + 20_000)
    assert late.p_correct[0] == pytest.approx(new.p_correct[0], abs=1e-6)
    assert late.lower[0] == pytest.approx(new.lower[0], abs=1e-4)
    assert late.n_observations[0] == 8
    assert late.last_at[0] == DAY


def test_more_evidence_narrows_the_interval_up_to_the_cap() -> None:
    fitted = FittedBKT.with_defaults()

    def width(n: int) -> float:
        beliefs = fitted.forecast(told(fitted, [True, True, False] * n), ["a"], at=DAY)
        return float(beliefs.upper[0] - beliefs.lower[0])

    assert width(4) < width(1)
    assert width(40) == pytest.approx(width(20), abs=1e-3)


@given(mean=st.floats(0.02, 0.98), count=st.floats(1.0, 100.0))
def test_the_interval_is_the_beta_quantiles(mean: float, count: float) -> None:
    lower, upper = beta_interval(np.array(mean), np.array(count))
    a, b = mean * count, (1 - mean) * count
    assert lower == pytest.approx(min(beta.ppf(0.1, a, b), mean), abs=2e-3)
    assert upper == pytest.approx(max(beta.ppf(0.9, a, b), mean), abs=2e-3)


def test_a_dumped_skill_takes_at_most_64_bytes() -> None:
    fitted = FittedBKT.with_defaults()
    empty = len(fitted.dump_state(fitted.init_state()))
    for skill in (str(uuid.uuid4()), "123456", "a-skill-by-name"):
        state = told(fitted, [True, False], skill=skill)
        blob = fitted.dump_state(state)
        assert len(blob) - empty <= 64
        assert list(fitted.load_state(blob).index) == [skill]


@given(st.text(max_size=40), st.lists(st.booleans(), min_size=1, max_size=5))
def test_any_skill_id_survives_the_blob(skill: str, answers: list[bool]) -> None:
    fitted = FittedBKT.with_defaults()
    state = told(fitted, answers, skill=skill)
    loaded = fitted.load_state(fitted.dump_state(state))
    assert dict(loaded.index) == dict(state.index)
    np.testing.assert_array_equal(loaded.table, state.table)


@given(st.binary(max_size=200))
def test_random_bytes_are_no_state(blob: bytes) -> None:
    with pytest.raises(StateError):
        FittedBKT.with_defaults().load_state(blob)


def test_a_state_of_a_newer_version_is_refused_by_name() -> None:
    fitted = FittedBKT.with_defaults()
    blob = bytearray(fitted.dump_state(fitted.init_state()))
    blob[3] = 9
    with pytest.raises(StateError, match="version 9"):
        fitted.load_state(bytes(blob))


def test_impossible_parameters_are_refused() -> None:
    good = default_parameters()
    for change in (
        {"guess": np.array([1.5])},
        {"slip": np.array([np.nan])},
        {"learn": np.array([0.1, 0.2])},
        {"prior": np.array([[0.3, 0.3]])},
    ):
        with pytest.raises(ConfigError, match=next(iter(change))):
            replace(good, **change)
    with pytest.raises(ConfigError, match="half_life_days"):
        Clock(half_life_days=0.0)
