import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from kt_models.arrays import ResponseArrays
from kt_models.baselines.features import Design, FeatureConfig, column_counts, design, fit_rates
from kt_models.baselines.logistic import CONFIGS, LogisticTracer
from kt_models.baselines.solver import predict_logits, sigmoid, solve_logistic
from kt_models.datasets.read import read_log
from kt_models.errors import ConfigError, DataError
from kt_models.evaluate.metrics import score
from kt_models.split import holdout_learners
from kt_models.synthetic import simulate_bkt
from tests.kt_models.conformance import make_log

SHARED = Path(os.environ.get("STEPWISE_DATA", "../shared")) / "data"


def test_the_solver_finds_what_scikit_learn_finds() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 7))
    x[:, :4] *= rng.random((400, 4)) < 0.3
    y = (rng.random(400) < sigmoid(x @ rng.normal(size=7) + 0.4)).astype(np.float64)
    features = Design(sparse=sparse.csr_array(x[:, :4]), dense=x[:, 4:])
    found = solve_logistic(
        features, y, penalty=np.full(7, 2.0), max_iterations=500, tolerance=1e-12
    )
    peer = LogisticRegression(C=0.5, tol=1e-9, max_iter=1000).fit(x, y)
    np.testing.assert_allclose([*found.sparse, *found.dense], peer.coef_[0], atol=1e-4)
    assert found.intercept == pytest.approx(peer.intercept_[0], abs=1e-4)
    expected = peer.predict_proba(x)[:, 1]
    np.testing.assert_allclose(sigmoid(predict_logits(features, found)), expected, atol=1e-4)


def test_pfa_counts_wins_and_fails_of_the_skill() -> None:
    data = ResponseArrays.from_columns(
        ["a"] * 4,
        None,
        [["x"], ["x", "y"], ["x"], ["y"]],
        [1, 0, 1, 1],
        [0, 1, 2, 3],
        time_unit="index",
    )
    built = design(data, fit_rates(data), CONFIGS["pfa"].features)
    # Columns: skills x y, wins x y, fails x y; two skills share a response half and half.
    half = 0.5 * np.log(2)
    expected = [
        [1, 0, 0, 0, 0, 0],
        [0.5, 0.5, half, 0, 0, 0],
        [1, 0, np.log(2), 0, np.log(2), 0],
        [0, 1, 0, 0, 0, np.log(2)],
    ]
    np.testing.assert_allclose(built.sparse.toarray(), expected)
    assert built.dense.shape == (4, 0)


def test_windows_forget_what_is_older() -> None:
    data = ResponseArrays.from_columns(
        ["a"] * 3, None, [["x"]] * 3, [1, 1, 1], [0.0, 5.0, 5.5], time_unit="days"
    )
    config = FeatureConfig(has_context=False, windows_days=(1.0, 30.0))
    rows = design(data, fit_rates(data), config).sparse.toarray()
    assert rows[2].tolist() == pytest.approx([1, np.log1p(2), 0, np.log1p(1), 0, np.log1p(2), 0])


def test_every_column_has_its_place() -> None:
    data = make_log(0, n_learners=60).merged().data
    config = FeatureConfig(has_items=True, windows_days=(1.0,))
    rates = fit_rates(data)
    built = design(data, rates, config)
    assert built.sparse.shape == (data.n_responses, sum(column_counts(rates, config)))
    assert len(rates.pairs) > 0
    assert np.isfinite(built.dense).all()
    items = built.sparse[:, -len(rates.items) :].sum(axis=1)
    assert items.tolist() == (data.item >= 0).astype(float).tolist()


def test_windows_on_order_indexes_are_refused() -> None:
    data = make_log(0, time_unit="index").merged().data
    with pytest.raises(DataError, match="order indexes"):
        design(data, fit_rates(data), FeatureConfig(windows_days=(1.0,)))


def test_a_model_of_days_does_not_predict_on_indexes() -> None:
    fitted = LogisticTracer("das3h").fit(make_log(0), seed=0)
    with pytest.raises(DataError, match="fitted on 'days'"):
        fitted.predict(make_log(0, time_unit="index"))


def test_little_data_is_fitted_with_stronger_penalties() -> None:
    """Fifteen learners with twelve answers each must not lose to the share right of training."""
    losses = []
    for seed in range(3):
        data = simulate_bkt(
            np.random.default_rng(seed), n_learners=60, n_responses=12, n_skills=12
        ).data
        train, test = data.take_learners(np.arange(15)), data.take_learners(np.arange(15, 60))
        free = replace(CONFIGS["das3h_items"], small_n=0)
        tracers = (LogisticTracer("das3h_items"), LogisticTracer("das3h_items", config=free))
        fits = [tracer.fit(train, seed=0).predict(test) for tracer in tracers]
        losses.append([score(test.correct, p).log_loss for p in fits])
    chosen, free_loss = np.mean(losses, axis=0)
    assert chosen < free_loss - 0.003


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(ConfigError, match="expected one of pfa"):
        LogisticTracer("best")


def test_models_order_as_they_should_on_simulated_learners() -> None:
    data = simulate_bkt(
        np.random.default_rng(1),
        n_learners=300,
        n_responses=40,
        n_skills=6,
        items_per_skill=6,
        item_spread=1.5,
    ).data
    parts = holdout_learners(data, share=0.3, rng=np.random.default_rng(0))
    train, test = data.take_learners(parts.train), data.take_learners(parts.test)
    losses = [
        score(test.correct, LogisticTracer(name).fit(train, seed=0).predict(test)).log_loss
        for name in ("pfa", "das3h", "das3h_items")
    ]
    assert losses[0] > losses[1] + 0.0005
    assert losses[1] > losses[2] + 0.02


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.is_dir(), reason=f"no logs in {SHARED}: set STEPWISE_DATA")
def test_items_lift_the_clean_split_above_the_measured_peer() -> None:
    train = read_log(SHARED / "assist2009_clean_train.csv.gz").data
    test = read_log(SHARED / "assist2009_clean_test.csv.gz").data
    found = score(test.correct, LogisticTracer("das3h_items").fit(train, seed=0).predict(test))
    assert found.auc >= 0.775
    assert found.ece < 0.02
