"""PSI-KT's forecasts after a break: what is read off the filter, and the map that holds them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kt_models.arrays import ResponseArrays
from kt_models.protocol import Observation
from kt_models.psi_kt import returns
from kt_models.psi_kt.filter import FittedPSIKT
from kt_models.returning import UNCHANGED, ReturnMap, returns_of
from tests.kt_models.psi_kt.made import made_parameters

SKILLS, ITEMS = ["a", "b", "c"], ["i", "j"]


def sittings(n_learners: int = 5) -> ResponseArrays:
    """Return learners who come back every other day and answer a few steps each time."""
    rng = np.random.default_rng(1)
    rows = [
        (f"u{one}", ITEMS[int(rng.integers(2))], [SKILLS[int(rng.integers(3))]], day + turn / 1440)
        for one in range(n_learners)
        for day in range(20_000, 20_016, 2)
        for turn in range(6)
    ]
    learner, item, skills, time = zip(*rows, strict=True)
    correct = rng.integers(0, 2, len(rows)).tolist()
    return ResponseArrays.from_columns(
        learner, item, skills, correct, np.array(time), time_unit="days"
    )


@pytest.mark.parametrize("name", ["psi_kt", "psi_kt_extended"])
def test_the_forecasts_that_the_map_is_fitted_on_are_those_that_pages_read(name: str) -> None:
    data = sittings().merged().data
    fitted = FittedPSIKT(made_parameters(name, SKILLS, ITEMS))
    rows = returns_of(data)
    assert rows.sum() > 20
    expected, state, learner = [], fitted.init_state(), 0
    for row in range(data.n_responses):
        if data.learner[row] != learner:
            state, learner = fitted.init_state(), int(data.learner[row])
        skills, at = data.skills_of(row), float(data.time[row])
        if rows[row]:
            expected.append(float(fitted.forecast(state, skills, at=at).p_correct[0]))
        state = fitted.update(
            state, Observation(skills, data.item_of(row), bool(data.correct[row]), at)
        )
    found = returns._forecasts(fitted.parameters, fitted.pulls, data, rows)
    # The traits drift before an answer is taken, which a forecast leaves out.
    np.testing.assert_allclose(found, expected, atol=1e-3)
    assert np.std(expected) > 0.05


def test_the_map_moves_the_next_answer_and_its_interval_and_nothing_else(tmp_path: Path) -> None:
    free = FittedPSIKT(made_parameters("psi_kt_extended", SKILLS, ITEMS))
    held = FittedPSIKT(replace(free.parameters, returning=ReturnMap(-0.7, 0.9)))
    held.save(tmp_path / "model")
    held = FittedPSIKT.load(tmp_path / "model")
    data = sittings()
    np.testing.assert_array_equal(held.predict(data), free.predict(data))
    state = free.update(free.init_state(), Observation(("a",), "i", True, 20_000.0))
    was, now = (one.forecast(state, SKILLS, at=20_003.0) for one in (free, held))
    for name in ("p_correct", "lower", "upper"):
        np.testing.assert_allclose(
            getattr(now, name), ReturnMap(-0.7, 0.9).apply(getattr(was, name))
        )
    np.testing.assert_array_equal(now.p_mastery, was.p_mastery)


def test_learners_who_never_return_change_nothing() -> None:
    fitted = FittedPSIKT(made_parameters("psi_kt_extended", SKILLS, ITEMS))
    data = sittings().merged().data
    first = data.take(data.time < 20_001)
    found = returns.return_map_of(fitted.parameters, fitted.pulls, first, seed=0)
    assert found == UNCHANGED


def test_a_map_is_found_that_brings_the_mean_to_what_happened(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fitted = FittedPSIKT(made_parameters("psi_kt_extended", SKILLS, ITEMS))
    data = sittings(60).merged().data
    found = returns.return_map_of(fitted.parameters, fitted.pulls, data, seed=0)
    rows = returns_of(data)
    p = returns._forecasts(fitted.parameters, fitted.pulls, data, rows)
    share = float(data.correct[rows].mean())
    assert abs(float(found.apply(p).mean()) - share) < abs(float(p.mean()) - share)
    # Of more learners than are needed some are drawn, the same ones for a seed.
    monkeypatch.setattr(returns, "LEARNERS_MOST", 10)
    some = returns.return_map_of(fitted.parameters, fitted.pulls, data, seed=0)
    assert some != found
    assert some == returns.return_map_of(fitted.parameters, fitted.pulls, data, seed=0)
