"""The serving filter: against brute force and a dense filter, odd inputs, what pages read."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kt_models.arrays import ResponseArrays
from kt_models.errors import ArtifactError, ConfigError, DataError, StateError
from kt_models.protocol import Observation
from kt_models.psi_kt.config import CONFIGS, PSIKTConfig
from kt_models.psi_kt.filter import FittedPSIKT
from kt_models.psi_kt.forecast import ENOUGH_RESPONSES, normal_cdf
from kt_models.psi_kt.parameters import normal_points
from kt_models.psi_kt.state import PSIKTState
from tests.kt_models.conformance import make_log, one_learner, replay
from tests.kt_models.psi_kt.dense import DenseFilter
from tests.kt_models.psi_kt.made import made_parameters

SKILLS = [f"s{code:02d}" for code in range(12)]
BEGIN = 20_000.0


def model(name: str = "psi_kt", **config: Any) -> FittedPSIKT:
    return FittedPSIKT(made_parameters(name, SKILLS, ["i0"], **config))


def told(fitted: FittedPSIKT, answers: list[tuple[str, bool, float]]) -> PSIKTState:
    state = fitted.init_state()
    for skill, is_correct, at in answers:
        state = fitted.update(state, Observation((skill,), None, is_correct, at))
    return state


def point_model(*, pull: float, **changes: Any) -> FittedPSIKT:
    """Return a paper model with one trait point and nothing that drifts: exact but for transfer."""
    parameters = made_parameters(
        "psi_kt", SKILLS, pull=pull, particles=1, fit_particles=1, max_parents=11
    )
    return FittedPSIKT(replace(parameters, level_drift=0.0, trait_drift=0.0, **changes))


def random_history(seed: int, n: int) -> list[tuple[list[int], bool, float]]:
    rng = np.random.default_rng(seed)
    at = BEGIN
    found = []
    for _ in range(n):
        at += float(rng.choice([0.0, 0.001, 0.2, 5.0]))
        found.append(([int(rng.integers(12))], bool(rng.random() < 0.6), at))
    return found


def both(fitted: FittedPSIKT, seed: int, n: int) -> tuple[list[float], list[float]]:
    """Return P(correct) of a random history from the filter and from the dense one."""
    p = fitted.parameters
    traits = p.traits()
    share = np.zeros((12, 12))
    for child in range(12):
        for parent, value in zip(p.parents[child], p.parent_share[child], strict=True):
            share[parent, child] = value * traits.gamma[0] if parent >= 0 else 0.0
    dense = DenseFilter(
        decay=float(traits.alpha[0]),
        spread=float(traits.spread[0]),
        share=share,
        start=(p.start_mean, p.start_variance),
        level=(p.level_mean, p.level_variance),
    )
    state, last, ours, theirs = fitted.init_state(), BEGIN, [], []
    for number, (skills, is_correct, at) in enumerate(random_history(seed, n)):
        names = tuple(SKILLS[code] for code in skills)
        if number:
            dense.wait(at - last)
        last = at
        ours.append(fitted.predict_next(state, names, item=None, at=at))
        state = fitted.update(state, Observation(names, None, is_correct, at))
        theirs.append(dense.answer(skills, is_correct=is_correct))
    return ours, theirs


@pytest.mark.parametrize("seed", range(3))
def test_without_transfer_it_equals_a_filter_with_the_full_covariance(seed: int) -> None:
    ours, theirs = both(point_model(pull=0.0), seed, 80)
    np.testing.assert_allclose(ours, theirs, atol=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_with_transfer_it_stays_near_a_filter_with_the_full_covariance(seed: int) -> None:
    ours, theirs = both(point_model(pull=1.0), seed, 80)
    error = np.abs(np.array(ours) - theirs)
    assert error.mean() < 0.01
    assert error.max() < 0.04


def test_one_answer_gives_the_moments_of_the_exact_posterior() -> None:
    fitted = point_model(pull=0.0)
    p = fitted.parameters
    state = told(fitted, [("s00", True, BEGIN)])
    z = np.linspace(-9.0, 9.0, 4001)
    density = np.exp(-0.5 * (z - p.start_mean) ** 2 / p.start_variance) / (1.0 + np.exp(-z))
    density /= density.sum()
    mean = float(density @ z)
    assert state.table[0, 0] == pytest.approx(mean, abs=1e-4)
    assert state.table[0, 2] == pytest.approx(float(density @ (z - mean) ** 2), abs=1e-4)
    assert state.level_mean[0] == p.level_mean


def test_trait_weights_follow_the_predictive_likelihood() -> None:
    fitted = model()
    state = fitted.init_state()
    for code, at in enumerate((BEGIN, BEGIN + 1.0, BEGIN + 30.0)):
        now = Observation(("s00",), None, code == 1, at)
        each = []
        for point in range(fitted.n_points):
            alone = np.full(fitted.n_points, -np.inf)
            alone[point] = 0.0
            only = replace(state, log_weights=np.maximum(alone, -700.0), n=0)
            p = fitted.predict_next(only, now.skills, item=None, at=at)
            each.append(p if now.is_correct else 1.0 - p)
        before = np.exp(state.log_weights)
        if state.n:
            share = fitted.parameters.trait_drift
            before = (1.0 - share) * before + share / len(before)
        # n=0 leaves out the drift of the level too, which the next assertion allows for.
        want = before * each / (before * each).sum()
        state = fitted.update(state, now)
        np.testing.assert_allclose(np.exp(state.log_weights), want, rtol=0.02)


def test_points_stand_for_a_standard_normal() -> None:
    for n in (4, 8, 16):
        points = normal_points(n)
        np.testing.assert_allclose(points.mean(axis=0), 0.0, atol=1e-12)
        np.testing.assert_allclose(points.T @ points / n, np.eye(3), atol=1e-12)


@pytest.mark.parametrize("name", list(CONFIGS))
@given(
    steps=st.lists(
        st.tuples(
            st.integers(0, 11),
            st.booleans(),
            st.sampled_from([0.0, 1e-9, 0.001, 1.0, 400.0, 3650.0]),
        ),
        min_size=1,
        max_size=25,
    )
)
@settings(max_examples=20, deadline=None)
def test_any_history_gives_finite_beliefs(name: str, steps: list[tuple[int, bool, float]]) -> None:
    fitted = model(name)
    state, at = fitted.init_state(), BEGIN
    for code, is_correct, gap in steps:
        at += gap
        state = fitted.update(state, Observation((SKILLS[code],), "i0", is_correct, at))
    for array in (state.table, state.level_mean, state.level_variance, state.log_weights):
        assert np.isfinite(array).all()
    assert (state.table[:, 2 * fitted.n_points :] >= 0.0).all()
    assert (state.level_variance > 0.0).all()
    beliefs = fitted.forecast(state, [*SKILLS, "unknown"], at=at + 3650.0)
    for values in (beliefs.p_correct, beliefs.p_mastery, beliefs.lower, beliefs.upper):
        assert ((values >= 0.0) & (values <= 1.0)).all()


@pytest.mark.parametrize("answer", [0, 1])
def test_a_learner_who_is_always_right_or_wrong_stays_finite_and_moves_there(answer: int) -> None:
    fitted = model()
    data = one_learner(skill="s00", item="i0", answers=[answer] * 400)
    p = fitted.predict(data)
    assert np.isfinite(p).all()
    # Traits are drawn anew now and then, so p need not rise at every single answer.
    assert (p[-1] > 0.9) if answer else (p[-1] < 0.1)


def test_a_ten_year_gap_leaves_the_learner_s_long_run_level() -> None:
    fitted = model()
    short = told(fitted, [("s00", True, BEGIN + 0.01 * n) for n in range(20)])
    later = fitted.forecast(short, ["s00"], at=BEGIN + 3650.0)
    soon = fitted.forecast(short, ["s00"], at=BEGIN + 1.0)
    never = fitted.forecast(short, ["s01"], at=BEGIN + 3650.0)
    assert later.p_correct[0] < soon.p_correct[0]
    assert later.p_correct[0] == pytest.approx(never.p_correct[0], abs=0.02)
    assert later.upper[0] - later.lower[0] > soon.upper[0] - soon.lower[0]


def test_success_in_a_parent_raises_the_child() -> None:
    parameters = made_parameters("psi_kt_extended", SKILLS, pull=4.0, max_parents=1)
    fitted = FittedPSIKT(parameters)
    parent = SKILLS[int(parameters.parents[0, 0])]
    other = next(s for s in SKILLS[1:] if s != parent)
    parentless = {
        skill: fitted.forecast(
            told(fitted, [(skill, True, BEGIN + 0.01 * n) for n in range(10)]),
            ["s00"],
            at=BEGIN + 1.0,
        ).p_correct[0]
        for skill in (parent, other)
    }
    assert parentless[parent] > parentless[other] + 0.02


@pytest.mark.parametrize("name", list(CONFIGS))
def test_a_forecast_is_near_the_prediction_of_a_next_response(name: str) -> None:
    fitted = FittedPSIKT(replace(made_parameters(name, SKILLS), coefficients=np.zeros(11)))
    state = told(fitted, [(SKILLS[n % 5], n % 3 > 0, BEGIN + n) for n in range(25)])
    beliefs = fitted.forecast(state, SKILLS, at=BEGIN + 30.0)
    for skill, p in zip(SKILLS, beliefs.p_correct.tolist(), strict=True):
        assert p == pytest.approx(
            fitted.predict_next(state, (skill,), item=None, at=BEGIN + 30.0), abs=0.01
        )


def test_seconds_and_days_give_the_same_predictions() -> None:
    log = make_log(1)
    seconds = replace(log, time=log.time * 86_400.0, time_unit="seconds")
    fitted = FittedPSIKT(made_parameters("psi_kt", log.skills, log.items))
    np.testing.assert_allclose(fitted.predict(seconds), fitted.predict(log), atol=1e-6)


def test_an_index_log_is_refused_by_a_model_of_real_time() -> None:
    log = make_log(1, time_unit="index")
    fitted = FittedPSIKT(made_parameters("psi_kt", log.skills, log.items))
    with pytest.raises(DataError, match="index"):
        fitted.predict(log)


def test_many_skills_at_once_are_one_answer_for_each() -> None:
    fitted = model()
    state = fitted.update(
        fitted.init_state(), Observation(("s00", "s01", "s02"), None, True, BEGIN)
    )
    beliefs = fitted.forecast(state, ["s00", "s01", "s03"], at=BEGIN)
    assert beliefs.n_observations.tolist() == [1, 1, 0]
    assert beliefs.p_correct[0] == pytest.approx(beliefs.p_correct[1])
    assert beliefs.p_correct[0] > beliefs.p_correct[2]


def test_traits_come_with_intervals_and_say_when_there_is_too_little() -> None:
    fitted = model()
    few = fitted.traits(told(fitted, [("s00", True, BEGIN)]))
    assert not few.is_enough_evidence
    answers = [(SKILLS[n % 12], True, BEGIN + 0.5 * n) for n in range(ENOUGH_RESPONSES)]
    many = fitted.traits(told(fitted, answers))
    assert many.is_enough_evidence
    assert many.level.value > few.level.value
    assert many.level.upper - many.level.lower < few.level.upper - few.level.lower
    for belief in (many.half_life_days, many.level, many.volatility, many.transfer):
        assert belief.lower < belief.value < belief.upper
    assert many.half_life_days.lower > 0.0


def test_a_learner_whose_knowledge_comes_and_goes_has_a_shorter_half_life() -> None:
    fitted = model()

    def learner(flips: bool) -> PSIKTState:
        rng = np.random.default_rng(0)
        answers = []
        for n in range(150):
            right = rng.random() < 0.5 if flips and n % 5 == 0 else n % 12 < 6
            answers.append((SKILLS[n % 12], bool(right), BEGIN + 2.0 * n))
        return told(fitted, answers)

    steady, unsteady = (fitted.traits(learner(flips)) for flips in (False, True))
    assert steady.half_life_days.value > unsteady.half_life_days.value


def test_a_state_of_a_hundred_skills_is_small() -> None:
    skills = [f"{code:036d}" for code in range(100)]
    fitted = FittedPSIKT(made_parameters("psi_kt_extended", skills))
    state = fitted.init_state()
    for number, skill in enumerate(skills):
        state = fitted.update(state, Observation((skill,), "i0", True, BEGIN + number))
    assert len(fitted.dump_state(state)) <= 64 * 1024


def test_a_state_of_other_trait_points_is_refused() -> None:
    blob = model().dump_state(told(model(), [("s00", True, BEGIN)]))
    with pytest.raises(StateError, match="trait points"):
        model(particles=4).load_state(blob)


@pytest.mark.parametrize(
    "bad",
    [
        {"particles": 0},
        {"transfer": "some"},
        {"inference": "magic"},
        {"mastery": 1.0},
        {"learning_rate": 0.0},
    ],
    ids=str,
)
def test_settings_out_of_range_are_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(bad))):
        PSIKTConfig(**bad)


def test_parameters_that_are_not_finite_are_refused() -> None:
    with pytest.raises(ConfigError, match="level_mean"):
        replace(made_parameters("psi_kt", SKILLS), level_mean=math.nan)


def test_the_normal_distribution_function_is_right() -> None:
    for x in (-6.0, -1.2815515655446004, 0.0, 0.3, 2.5):
        want = 0.5 * math.erfc(-x / math.sqrt(2.0))
        assert float(normal_cdf(np.array(x))) == pytest.approx(want, abs=2e-7)


def test_a_log_without_a_known_skill_is_served() -> None:
    data = ResponseArrays.from_columns(
        ["x"] * 3, None, [["a"], ["b"], ["a"]], [1, 0, 1], [1.0, 2.0, 3.0], time_unit="days"
    )
    fitted = model("psi_kt_extended")
    np.testing.assert_allclose(replay(fitted, data), fitted.predict(data), atol=1e-12)


def test_a_skill_asked_for_twice_gets_the_same_belief_twice() -> None:
    fitted = model()
    state = told(fitted, [("s03", True, BEGIN), ("new", False, BEGIN + 1.0)])
    twice = fitted.forecast(state, ["s03", "s01", "new", "s03"], at=BEGIN + 2.0)
    once = fitted.forecast(state, ["s01", "s03", "new"], at=BEGIN + 2.0)
    np.testing.assert_array_equal(twice.p_correct, once.p_correct[[1, 0, 2, 1]])
    assert twice.n_observations.tolist() == [1, 0, 1, 1]


def test_an_artifact_of_the_first_version_is_refused_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = model()
    with monkeypatch.context() as before:
        before.setattr("kt_models.psi_kt.parameters.MODEL_VERSION", 1)
        made.save(tmp_path / "old")
    with pytest.raises(ArtifactError, match=r"model version 1.*expected 2: fit the model again"):
        FittedPSIKT.load(tmp_path / "old")


def test_time_that_goes_backwards_names_both_times() -> None:
    made = model()
    skill = SKILLS[0]
    state = made.update(made.init_state(), Observation((skill,), None, True, 13.5))
    with pytest.raises(DataError, match=f"{skill} at 12.0 .* at 13.5; expected 13.5 or later"):
        made.update(state, Observation((skill,), None, True, 12.0))


def test_a_log_whose_time_goes_backwards_names_row_and_learner() -> None:
    with pytest.raises(DataError, match=r"row 2 of learner 'ada' is at 12.0, after row 1 at 13.5"):
        ResponseArrays.from_columns(
            np.array(["ada"] * 3), np.array(["i"] * 3), (np.arange(4), np.array(["s"] * 3)),
            np.array([1, 0, 1]), np.array([1.0, 13.5, 12.0]),
            time_unit="days",
        )  # fmt: skip
