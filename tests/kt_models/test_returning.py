"""Forecasts after a break: which answers are returns, and the map that holds forecasts to them."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kt_models.arrays import ResponseArrays
from kt_models.artifacts import MANIFEST
from kt_models.bkt.filter import FittedBKT
from kt_models.bkt.fit import BKT, BKTConfig
from kt_models.errors import ConfigError
from kt_models.returning import BREAK_DAYS, ReturnMap, fit_return_map, returns_of

DAY = 20_000.0


def log(skills: list[list[str]], times: list[float], *, unit: str = "days") -> ResponseArrays:
    """Return one learner's right answers."""
    n = len(skills)
    return ResponseArrays.from_columns(
        ["x"] * n, ["i"] * n, skills, [1] * n, np.array(times), time_unit=unit
    )


def test_a_return_was_met_three_times_and_then_left() -> None:
    times = [DAY, DAY + 0.01, DAY + 1, DAY + 2, DAY + 2.01]
    assert returns_of(log([["a"]] * 5, times)).tolist() == [False, False, False, True, False]
    seconds = log([["a"]] * 5, [86_400 * at for at in times], unit="seconds")
    assert returns_of(seconds).tolist() == [False, False, False, True, False]


def test_every_skill_of_a_return_was_left() -> None:
    skills = [["a"], ["a"], ["a"], ["a", "b"], ["a"]]
    times = [DAY, DAY, DAY, DAY + 1, DAY + 1 + BREAK_DAYS]
    assert returns_of(log(skills, times)).tolist() == [False, False, False, False, True]


def test_a_log_of_steps_has_no_returns() -> None:
    steps = log([["a"]] * 9, list(np.arange(9.0)), unit="index")
    assert not returns_of(steps).any()
    assert BKT().fit(steps, seed=0).parameters.returning.is_identity


def test_no_answers_have_no_returns() -> None:
    some = log([["a"]] * 4, [DAY, DAY, DAY, DAY + 1])
    assert returns_of(some.take(np.zeros(0, dtype=np.int64))).shape == (0,)


def test_the_map_is_recovered_and_a_few_answers_move_it_little() -> None:
    rng = np.random.default_rng(0)
    p = rng.uniform(0.05, 0.95, 40_000)
    right = rng.random(len(p)) < ReturnMap(-0.5, 0.8).apply(p)
    found = fit_return_map(p, right)
    assert found.intercept == pytest.approx(-0.5, abs=0.05)
    assert found.slope == pytest.approx(0.8, abs=0.05)
    few = fit_return_map(p[:3], np.zeros(3))
    assert abs(few.intercept) < 0.5
    assert fit_return_map(p[:0], right[:0]).is_identity


@given(
    p=st.lists(st.floats(0, 1), min_size=1, max_size=30),
    intercept=st.floats(-4, 4),
    slope=st.floats(0.05, 3),
)
def test_chances_stay_chances_and_keep_their_order(
    p: list[float], intercept: float, slope: float
) -> None:
    values = np.sort(np.array(p))
    mapped = ReturnMap(intercept, slope).apply(values)
    assert ((mapped >= 0) & (mapped <= 1)).all()
    assert (np.diff(mapped) >= -1e-12).all()


@given(
    p=st.lists(st.floats(0, 1), min_size=1, max_size=40),
    seed=st.integers(0, 99),
)
def test_any_answers_give_a_map(p: list[float], seed: int) -> None:
    right = np.random.default_rng(seed).random(len(p)) < 0.5
    assert fit_return_map(np.array(p), right).slope > 0


@pytest.mark.parametrize(("intercept", "slope"), [(float("nan"), 1), (0, 0), (0, -1)])
def test_what_turns_the_order_round_is_refused(intercept: float, slope: float) -> None:
    with pytest.raises(ConfigError, match="return map"):
        ReturnMap(intercept, slope)


def returning_log(n_learners: int = 120) -> ResponseArrays:
    """Return learners who have nine in ten right in a sitting, and four in ten when they return."""
    rng = np.random.default_rng(3)
    learner, correct, time = [], [], []
    for one in range(n_learners):
        for day in range(5):
            for turn in range(6):
                learner.append(f"u{one}")
                correct.append(int(rng.random() < (0.4 if turn == 0 and day else 0.9)))
                time.append(DAY + 7 * day + turn / 1440)
    n = len(learner)
    return ResponseArrays.from_columns(
        learner, ["i"] * n, [["a"]] * n, correct, np.array(time), time_unit="days"
    )


def test_forecasts_hold_after_a_break_and_predictions_are_as_without(tmp_path: Path) -> None:
    data = returning_log()
    fitted = BKT(BKTConfig(forgets=True)).fit(data, seed=0)
    free = BKT(BKTConfig(forgets=True, holds_returns=False)).fit(data, seed=0)
    np.testing.assert_array_equal(fitted.predict(data), free.predict(data))
    rows = returns_of(data)
    share = float(data.correct[rows].mean())
    raw = fitted.predict(data)[rows]
    assert raw.mean() - share > 0.1
    assert fitted.parameters.returning.apply(raw).mean() == pytest.approx(share, abs=0.04)

    fitted.save(tmp_path / "model")
    loaded = FittedBKT.load(tmp_path / "model")
    assert loaded.parameters.returning == fitted.parameters.returning
    state, at = loaded.init_state(), DAY + 100
    p = loaded.forecast(state, ["a"], at=at)
    plain = FittedBKT(replace(loaded.parameters, returning=ReturnMap()))
    was = plain.forecast(state, ["a"], at=at)
    assert p.p_correct[0] < was.p_correct[0]
    assert p.lower[0] <= p.p_correct[0] <= p.upper[0]
    assert p.p_mastery[0] == was.p_mastery[0]


def test_a_model_of_before_the_map_is_read_as_it_was(tmp_path: Path) -> None:
    FittedBKT.with_defaults().save(tmp_path / "model")
    manifest = tmp_path / "model" / MANIFEST
    text = manifest.read_text()
    assert '"returning"' in text
    content = json.loads(text)
    content["model_version"] = 1
    del content["config"]["returning"]
    manifest.write_text(json.dumps(content))
    assert FittedBKT.load(tmp_path / "model").parameters.returning.is_identity
