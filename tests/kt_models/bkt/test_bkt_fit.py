"""What a fitted BKT recovers, and how its variants behave."""

from dataclasses import replace

import numpy as np
import pytest

from kt_models.arrays import ResponseArrays
from kt_models.bkt.fit import BKT, BKTConfig
from kt_models.errors import ConfigError, DataError
from kt_models.synthetic import simulate_bkt, simulate_practice


def log_loss(data: ResponseArrays, p: np.typing.NDArray[np.float64]) -> float:
    return float(-np.mean(np.where(data.correct == 1, np.log(p), np.log1p(-p))))


def halves(data: ResponseArrays) -> tuple[ResponseArrays, ResponseArrays]:
    codes = np.arange(len(data.learners))
    return data.take_learners(codes[::2]), data.take_learners(codes[1::2])


def test_rates_of_a_simulated_log_are_recovered() -> None:
    simulated = simulate_bkt(np.random.default_rng(0), n_learners=2000, n_responses=60, n_skills=5)
    fitted = BKT().fit(simulated.data, seed=0).parameters
    truth = simulated.truth
    np.testing.assert_allclose(fitted.prior[:5, 0], truth.prior, atol=0.06)
    np.testing.assert_allclose(fitted.learn[:5], truth.learn, atol=0.03)
    np.testing.assert_allclose(fitted.guess[:5], truth.guess, atol=0.03)
    np.testing.assert_allclose(fitted.slip[:5], truth.slip, atol=0.02)
    assert (fitted.forget == 0).all()


def test_forget_rates_are_recovered() -> None:
    simulated = simulate_bkt(
        np.random.default_rng(1), n_learners=2000, n_responses=80, n_skills=4, forgets=True
    )
    fitted = BKT(BKTConfig(forgets=True)).fit(simulated.data, seed=0).parameters
    np.testing.assert_allclose(fitted.forget[:4], simulated.truth.forget, atol=0.03)
    np.testing.assert_allclose(fitted.learn[:4], simulated.truth.learn, atol=0.06)


def test_predictions_come_close_to_those_of_the_true_rates() -> None:
    simulated = simulate_bkt(np.random.default_rng(2), n_learners=600, n_responses=40, n_skills=6)
    train, test = halves(simulated.data)
    fitted = BKT().fit(train, seed=0)
    truth = simulated.truth
    best = replace(
        fitted.parameters,
        prior=np.append(truth.prior, 0.3)[:, None],
        learn=np.append(truth.learn, 0.1),
        guess=np.append(truth.guess, 0.2),
        slip=np.append(truth.slip, 0.1),
    )
    oracle = log_loss(test, type(fitted)(best).predict(test))
    assert log_loss(test, fitted.predict(test)) < oracle + 0.003


def test_item_rates_help_where_items_differ_and_do_no_harm_where_not() -> None:
    for spread, least_gain in ((1.2, 0.02), (0.0, -0.001)):
        data = simulate_bkt(
            np.random.default_rng(3),
            n_learners=400,
            n_responses=40,
            n_skills=4,
            items_per_skill=12,
            item_spread=spread,
        ).data
        train, test = halves(data)
        plain = BKT(BKTConfig(n_starts=1)).fit(train, seed=0)
        items = BKT(BKTConfig(n_starts=1, item_emissions=True)).fit(train, seed=0)
        assert (
            log_loss(test, plain.predict(test)) - log_loss(test, items.predict(test)) > least_gain
        )


def test_item_learn_rates_do_no_harm() -> None:
    data = simulate_bkt(
        np.random.default_rng(4), n_learners=300, n_responses=30, n_skills=4, items_per_skill=10
    ).data
    train, test = halves(data)
    plain = BKT(BKTConfig(n_starts=1)).fit(train, seed=0)
    learning = BKT(BKTConfig(n_starts=1, item_learning=True)).fit(train, seed=0)
    assert log_loss(test, learning.predict(test)) < log_loss(test, plain.predict(test)) + 0.001


def test_learner_classes_help_where_abilities_differ() -> None:
    data = simulate_practice(
        np.random.default_rng(5), n_learners=600, n_responses=40, n_skills=8, ability_spread=1.5
    ).data
    train, test = halves(data)
    plain = BKT(BKTConfig(n_starts=1)).fit(train, seed=0)
    classes = BKT(BKTConfig(n_starts=1, learner_classes=5)).fit(train, seed=0)
    assert log_loss(test, classes.predict(test)) < log_loss(test, plain.predict(test)) - 0.005
    assert (np.diff(classes.parameters.prior[:8].mean(axis=0)) > 0).all()


def test_variants_combine() -> None:
    data = simulate_bkt(
        np.random.default_rng(6),
        n_learners=200,
        n_responses=30,
        n_skills=3,
        items_per_skill=6,
        item_spread=1.0,
        forgets=True,
    ).data
    config = BKTConfig(
        forgets=True, item_emissions=True, item_learning=True, learner_classes=3, pools_skills=True
    )
    fitted = BKT(config).fit(data, seed=0)
    assert len(fitted.parameters.pairs.skill) == 18
    assert fitted.parameters.prior.shape == (4, 3)
    assert (fitted.parameters.forget > 0).all()


def test_pooling_draws_a_skill_with_little_data_towards_the_others() -> None:
    data = simulate_bkt(np.random.default_rng(7), n_learners=300, n_responses=30, n_skills=6).data
    rare = np.flatnonzero(data.skill_index == 2)[8:]
    data = data.take(np.setdiff1d(np.arange(data.n_responses), rare))
    alone = BKT(BKTConfig(n_starts=1)).fit(data, seed=0).parameters
    pooled = BKT(BKTConfig(n_starts=1, pools_skills=True)).fit(data, seed=0).parameters
    centre = np.delete(alone.guess[:6], 2).mean()
    assert abs(pooled.guess[2] - centre) <= abs(alone.guess[2] - centre)


def test_a_skill_with_three_responses_keeps_sane_rates() -> None:
    data = ResponseArrays.from_columns(
        ["a", "a", "b"], None, [["x"]] * 3, [1, 1, 1], [0, 1, 0], time_unit="index"
    )
    fitted = BKT().fit(data, seed=0).parameters
    for rate in (fitted.prior[0], fitted.learn, fitted.guess, fitted.slip):
        assert ((rate > 0.02) & (rate < 0.9)).all()


def test_the_same_seed_gives_the_same_rates_whatever_the_chunks() -> None:
    data = simulate_bkt(np.random.default_rng(8), n_learners=150, n_responses=20, n_skills=7).data
    one = BKT(BKTConfig(tolerance=1e-7)).fit(data, seed=4).parameters
    again = BKT(BKTConfig(tolerance=1e-7)).fit(data, seed=4).parameters
    np.testing.assert_array_equal(one.guess, again.guess)
    cut = BKT(BKTConfig(tolerance=1e-7, chunk_responses=500)).fit(data, seed=4).parameters
    np.testing.assert_allclose(cut.guess, one.guess, atol=5e-3)


def test_rows_that_repeat_one_response_are_fitted_once() -> None:
    once = ResponseArrays.from_columns(
        ["a"] * 4, ["i", "j", "k", "l"], [["x", "y"]] * 4, [1, 0, 1, 1], [0, 1, 2, 3],
        time_unit="days",
    )  # fmt: skip
    twice = ResponseArrays.from_columns(
        ["a"] * 8, ["i", "i", "j", "j", "k", "k", "l", "l"], [["x"], ["y"]] * 4,
        [1, 1, 0, 0, 1, 1, 1, 1], [0, 0, 1, 1, 2, 2, 3, 3], time_unit="days",
    )  # fmt: skip
    one, two = BKT().fit(once, seed=0), BKT().fit(twice, seed=0)
    np.testing.assert_array_equal(one.parameters.guess, two.parameters.guess)
    np.testing.assert_array_equal(np.repeat(one.predict(once), 2), two.predict(twice))


def test_the_half_life_can_be_chosen_from_the_log_and_is_off_without_times() -> None:
    rng = np.random.default_rng(9)
    days = simulate_practice(rng, n_learners=60, n_responses=20, n_skills=3).data
    chosen = BKT(BKTConfig(n_starts=1, half_life_days="chosen")).fit(days, seed=0)
    assert chosen.parameters.clock.half_life_days in (7.5, 15.0, 30.0, 60.0, 120.0)
    index = simulate_bkt(rng, n_learners=20, n_responses=5, n_skills=2).data
    assert BKT().fit(index, seed=0).parameters.clock.half_life_days is None


def test_an_ageing_model_refuses_a_log_without_times() -> None:
    rng = np.random.default_rng(10)
    fitted = BKT(BKTConfig(n_starts=1)).fit(
        simulate_practice(rng, n_learners=20, n_responses=5, n_skills=2).data, seed=0
    )
    with pytest.raises(DataError, match="index"):
        fitted.predict(simulate_bkt(rng, n_learners=20, n_responses=5, n_skills=2).data)


def test_progress_rises_to_one() -> None:
    data = simulate_bkt(np.random.default_rng(11), n_learners=30, n_responses=8, n_skills=3).data
    told: list[float] = []
    BKT(BKTConfig(learner_classes=2, pools_skills=True, chunk_responses=100)).fit(
        data, seed=0, progress=lambda fraction, _: told.append(fraction)
    )
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_an_empty_log_and_nonsense_settings_are_refused() -> None:
    data = simulate_bkt(np.random.default_rng(0), n_learners=2, n_responses=2, n_skills=1).data
    with pytest.raises(DataError, match="0 responses"):
        BKT().fit(data.take(np.zeros(0, dtype=np.int64)), seed=0)
    for wrong in (
        {"n_starts": 0},
        {"learner_classes": 0},
        {"prior_strength": 0.0},
        {"half_life_days": "soon"},
        {"multi_skill": "some"},
    ):
        with pytest.raises(ConfigError, match=next(iter(wrong))):
            BKTConfig(**wrong)


def test_predicting_in_blocks_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    data = simulate_practice(
        np.random.default_rng(12), n_learners=30, n_responses=20, n_skills=3
    ).data
    fitted = BKT(BKTConfig(n_starts=1, learner_classes=3)).fit(data, seed=0)
    whole = fitted.predict(data)
    for size in (7, 20, 45, 599):
        monkeypatch.setattr("kt_models.bkt.batch._BLOCK_RESPONSES", size)
        np.testing.assert_array_equal(fitted.predict(data), whole)
