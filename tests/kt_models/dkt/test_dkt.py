from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kt_models.arrays import ResponseArrays
from kt_models.dkt.config import DKTConfig
from kt_models.dkt.model import DKTTracer, FittedDKT
from kt_models.errors import ConfigError, DataError, StateError
from kt_models.evaluate.metrics import auc
from kt_models.networks.sequences import batches, sequences_of
from kt_models.split import holdout_learners
from kt_models.synthetic import simulate_bkt
from tests.kt_models.conformance import TracerConformance, make_log, replay

SMALL = DKTConfig(hidden=12, embedding=8, batch_responses=200, max_epochs=3, patience=3)


class TestConformance(TracerConformance):
    # Single precision: the batch and one step at a time add up in another order.
    tolerance = 2e-6

    @pytest.fixture(scope="class")
    @classmethod
    def fitted(cls, log: ResponseArrays) -> FittedDKT:
        return DKTTracer(config=SMALL).fit(log, seed=0)


class TestFoldedConformance(TracerConformance):
    tolerance = 2e-6
    time_unit = "index"

    @pytest.fixture(scope="class")
    @classmethod
    def fitted(cls, log: ResponseArrays) -> FittedDKT:
        config = replace(SMALL, max_epochs=1, fold=5, predict_fold=5)
        return DKTTracer(config=config).fit(log, seed=0)


def test_the_same_seed_gives_the_same_model_and_another_seed_another() -> None:
    log = make_log(0)
    config = replace(SMALL, max_epochs=1)
    runs = [DKTTracer(config=config).fit(log, seed=seed).predict(log) for seed in (3, 3, 4)]
    np.testing.assert_array_equal(runs[0], runs[1])
    assert np.abs(runs[0] - runs[2]).max() > 1e-4


def test_more_skills_than_a_byte_counts_are_told_apart() -> None:
    log = make_log(0, n_skills=150, n_learners=60)
    assert log.n_skills > 128
    fitted = DKTTracer(config=replace(SMALL, max_epochs=1)).fit(log, seed=0)
    np.testing.assert_allclose(replay(fitted, log), fitted.predict(log), atol=2e-6)


def test_a_fit_leaves_torch_s_own_random_state_alone() -> None:
    import torch

    before = torch.get_rng_state()
    DKTTracer(config=replace(SMALL, max_epochs=1)).fit(make_log(0), seed=0)
    assert torch.equal(before, torch.get_rng_state())


def test_the_epoch_with_the_least_validation_loss_is_kept() -> None:
    from kt_models.dkt.fit import fit_network, predict_entry_logits
    from kt_models.networks.sequences import tokens_of

    data = make_log(0, n_learners=40).merged().data
    parts = holdout_learners(data, share=0.25, rng=np.random.default_rng(0))
    train, held_out = data.take_learners(parts.train), data.take_learners(parts.test)
    config = replace(SMALL, max_epochs=12, learning_rate=0.05, calibrates=False)
    fit = fit_network(train, config=config, seed=0, validation=held_out)
    tokens = tokens_of(held_out, fit.skills)
    logits = predict_entry_logits(fit.network, sequences_of(held_out, fold=None), tokens)
    counts = np.diff(tokens.indptr)
    correct = np.repeat(tokens.correct, counts)
    losses = np.logaddexp(0.0, np.where(correct == 1, -logits, logits))
    kept = np.average(losses, weights=np.repeat(1 / counts, counts))
    assert kept == pytest.approx(min(fit.validation_losses), abs=1e-6)
    assert min(fit.validation_losses) < fit.validation_losses[-1]


@pytest.mark.slow
def test_it_learns_to_trace_simulated_learners() -> None:
    data = simulate_bkt(np.random.default_rng(2), n_learners=400, n_responses=40, n_skills=4).data
    parts = holdout_learners(data, share=0.25, rng=np.random.default_rng(0))
    train, test = data.take_learners(parts.train), data.take_learners(parts.test)
    config = replace(SMALL, hidden=32, max_epochs=25, learning_rate=0.01, batch_responses=1000)
    fitted = DKTTracer(config=config).fit(train, seed=0)
    found = auc(test.correct, fitted.predict(test))
    from kt_models.baselines.logistic import LogisticTracer

    assert found > auc(test.correct, LogisticTracer("pfa").fit(train, seed=0).predict(test)) - 0.005


@given(st.lists(st.integers(1, 23), min_size=1, max_size=15), st.sampled_from([None, 1, 5]))
def test_batches_hold_every_response_once_after_the_one_before_it(
    lengths: list[int], fold: int | None
) -> None:
    n = sum(lengths)
    data = ResponseArrays.from_columns(
        np.repeat([f"l{code:02d}" for code in range(len(lengths))], lengths),
        None,
        [["s"]] * n,
        [1] * n,
        np.concatenate([np.arange(length) for length in lengths]),
        time_unit="index",
    )
    seen = []
    for batch in batches(sequences_of(data, fold=fold), n_cells=30, rng=np.random.default_rng(0)):
        seen.append(batch.rows)
        in_cell = dict(zip(batch.cell.tolist(), batch.rows.tolist(), strict=True))
        at = np.arange(n) - data.learner_slices()[data.learner]
        for row, before in zip(batch.rows.tolist(), batch.previous.tolist(), strict=True):
            is_first = at[row] % (fold or n + 1) == 0
            if is_first:
                assert before == batch.n_steps * batch.n_sequences
            else:
                assert in_cell[before] == row - 1
    assert sorted(np.concatenate(seen).tolist()) == list(range(n))


def test_a_fold_forgets_what_came_before_it() -> None:
    log = make_log(0, time_unit="index")
    config = replace(SMALL, max_epochs=1, predict_fold=4)
    fitted = DKTTracer(config=config).fit(log, seed=0)
    merged = log.merged().data
    starts = merged.learner_slices()
    long = int(np.argmax(np.diff(starts)))
    rows = np.arange(starts[long], starts[long + 1])
    tail = merged.take(rows[4:])
    np.testing.assert_allclose(
        fitted.predict(merged.take(rows))[4:], fitted.predict(tail), atol=1e-6
    )
    np.testing.assert_allclose(replay(fitted, tail), fitted.predict(tail), atol=2e-6)


@pytest.mark.parametrize(
    "bad",
    [{"hidden": 0}, {"dropout": 1.0}, {"learning_rate": 0.0}, {"predict_fold": 0}],
    ids=str,
)
def test_settings_out_of_range_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=next(iter(bad))):
        DKTConfig(**bad)  # type: ignore[arg-type]


def test_one_learner_is_too_few_to_choose_an_epoch() -> None:
    log = make_log(0, n_learners=1)
    with pytest.raises(DataError, match="two training learners"):
        DKTTracer(config=SMALL).fit(log, seed=0)


def test_a_state_of_another_width_is_refused() -> None:
    log = make_log(0)
    small = DKTTracer(config=replace(SMALL, max_epochs=1)).fit(log, seed=0)
    wide = DKTTracer(config=replace(SMALL, max_epochs=1, hidden=13)).fit(log, seed=0)
    with pytest.raises(StateError, match="width 13"):
        small.load_state(wide.dump_state(wide.init_state()))
