import numpy as np
import pytest

from kt_models.arrays import ResponseArrays
from kt_models.errors import ConfigError, SplitError
from kt_models.evaluate.protocols import (
    ProtocolConfig,
    Trial,
    joined,
    predict_open_loop,
    predict_trial,
    trials,
)
from kt_models.registry import load_tracer
from kt_models.split import positions
from tests.kt_models.conformance import flip, make_log


def long_log(seed: int = 0, *, n_learners: int = 12, n: int = 60) -> ResponseArrays:
    rng = np.random.default_rng(seed)
    rows = n_learners * n
    ability = np.repeat(rng.normal(size=n_learners), n)
    return ResponseArrays.from_columns(
        np.repeat([f"l{code:02d}" for code in range(n_learners)], n),
        None,
        [[f"s{code}"] for code in rng.integers(0, 4, rows)],
        (rng.random(rows) < 1 / (1 + np.exp(-ability))).astype(np.int8),
        np.tile(np.arange(n, dtype=np.float64), n_learners),
        time_unit="index",
    )


def drawn(name: str, data: ResponseArrays, **sizes: int) -> list[Trial]:
    config = ProtocolConfig(name=name, **sizes)  # type: ignore[arg-type]
    return list(trials(config, data, test=None, rng=np.random.default_rng(0)))


def learners(data: ResponseArrays) -> set[str]:
    return set(data.learners[np.unique(data.learner)].tolist())


def test_honest_folds_score_every_response_once_on_unseen_learners() -> None:
    data = make_log(1)
    found = drawn("honest", data, folds=4)
    assert sum(int(trial.is_scored.sum()) for trial in found) == data.n_responses
    for trial in found:
        assert not learners(trial.train) & learners(trial.test)


def test_future_fits_on_nothing_later_than_what_it_scores() -> None:
    (trial,) = drawn("future", make_log(2))
    for code in np.unique(trial.test.learner[trial.is_scored]):
        last_fitted = trial.train.time[trial.train.learner == code].max()
        scored = trial.test.time[trial.is_scored & (trial.test.learner == code)]
        assert scored.min() > last_fitted


def test_multistep_fits_on_ten_steps_and_scores_the_next_in_open_loop() -> None:
    (trial,) = drawn("multistep", long_log(), cohort=5, horizon=7)
    assert trial.train.n_responses == 50
    assert trial.is_scored.sum() == 35
    assert (trial.n_known, trial.horizon) == (10, 7)
    assert set(positions(trial.test)[trial.is_scored]) == set(range(10, 17))


def test_no_outcome_after_the_known_steps_reaches_an_open_loop_forecast() -> None:
    (trial,) = drawn("multistep", long_log(), cohort=5)
    fitted = load_tracer("das3h").fit(trial.train, seed=0)
    before = predict_trial(fitted, trial)
    later = np.flatnonzero(positions(trial.test) >= 10)
    after = predict_open_loop(
        fitted, flip(trial.test, later.tolist()), n_known=10, asked=trial.is_scored
    )
    np.testing.assert_array_equal(before, after)
    one_step = fitted.predict(trial.test)[trial.is_scored]
    assert np.abs(one_step - before).max() > 0.01


def test_open_loop_refuses_to_predict_what_is_known() -> None:
    data = long_log()
    fitted = load_tracer("majority").fit(data, seed=0)
    with pytest.raises(SplitError, match="first 10"):
        predict_open_loop(fitted, data, n_known=10, asked=positions(data) >= 9)


def test_onestep_scores_steps_eleven_to_fifty() -> None:
    (trial,) = drawn("onestep", long_log(), cohort=5)
    assert set(positions(trial.test)[trial.is_scored]) == set(range(10, 50))
    assert trial.n_known is None


def test_between_scores_unseen_learners_cold_and_after_ten_answers() -> None:
    cold, warm = drawn("between", long_log(), cohort=5)
    assert cold.train is warm.train
    assert not learners(cold.train) & learners(cold.test)
    assert (cold.horizon, warm.horizon) == (0, 10)
    assert positions(cold.test)[cold.is_scored].max() == 9
    assert positions(warm.test)[warm.is_scored].min() == 10


def test_the_published_filter_keeps_ten_to_two_hundred_and_one_responses() -> None:
    lengths = [9, 10, 201, 202]
    data = ResponseArrays.from_columns(
        np.repeat(["a", "b", "c", "d"], lengths),
        None,
        [["s"]] * sum(lengths),
        np.ones(sum(lengths), dtype=np.int8),
        np.concatenate([np.arange(n) for n in lengths]),
        time_unit="index",
    )
    config = ProtocolConfig(name="published", learner_filter="10-201")
    (trial,) = trials(config, long_log(), test=data, rng=np.random.default_rng(0))
    assert learners(trial.test) == {"b", "c"}


def test_joined_logs_keep_learners_of_one_name_apart() -> None:
    one, two = make_log(3, n_learners=3), make_log(4, n_learners=4)
    both = joined(one, two)
    assert both.n_learners == 7
    assert both.n_responses == one.n_responses + two.n_responses
    assert "l00 (2)" in both.learners.tolist()
    tail = both.n_responses - 1
    assert both.skills_of(tail) == two.skills_of(two.n_responses - 1)
    assert both.item_of(tail) == two.item_of(two.n_responses - 1)


def test_logs_of_different_time_units_are_not_joined() -> None:
    with pytest.raises(SplitError, match="time units"):
        joined(make_log(0), make_log(0, time_unit="index"))


@pytest.mark.parametrize(
    "bad", [{"name": "other"}, {"learner_filter": "5-9"}, {"horizon": 0}], ids=str
)
def test_settings_that_mean_nothing_are_refused(bad: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        ProtocolConfig(**({"name": "honest"} | bad))  # type: ignore[arg-type]
