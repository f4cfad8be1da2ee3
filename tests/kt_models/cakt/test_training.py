"""What training does between the data and the network: bases, rates, weights, temperature."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from kt_models.arrays import ResponseArrays
from kt_models.cakt import fit as fit_module
from kt_models.cakt.base import fit_base, log_odds
from kt_models.cakt.batches import prepare
from kt_models.cakt.config import CAKTConfig
from kt_models.cakt.fit import entry_logits, fit_network
from kt_models.cakt.model import CAKTTracer
from kt_models.errors import FitError
from kt_models.networks.temperature import best_temperature, mean_loss
from kt_models.networks.training import descend
from kt_models.split import holdout_learners
from tests.kt_models.conformance import make_log

TINY = CAKTConfig(
    frames=3, side=3, channels=(2, 1), batch_sequences=8, max_epochs=1, learning_rate=0.01,
    device="cpu",
)  # fmt: skip
PLUS = replace(TINY, base="das3h_items")


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def log() -> ResponseArrays:
    return make_log(5, n_learners=24).merged().data


def halves(log: ResponseArrays) -> tuple[ResponseArrays, ResponseArrays]:
    parts = holdout_learners(log, share=0.25, rng=np.random.default_rng(0))
    return log.take_learners(parts.train), log.take_learners(parts.test)


def test_training_rows_get_log_odds_of_fits_on_others_and_held_out_rows_of_all_training_rows(
    log: ResponseArrays, monkeypatch: pytest.MonkeyPatch
) -> None:
    train, held_out = halves(log)
    given: list[Any] = []

    def spy(data: ResponseArrays, *args: Any, **options: Any) -> Any:
        given.append((data, options["base"]))
        return prepare(data, *args, **options)

    monkeypatch.setattr(fit_module, "prepare", spy)
    fit_network(train, config=PLUS, seed=0, validation=held_out)
    (_, of_train), (_, of_held_out) = given
    base = fit_base(train, name="das3h_items", seed=0)
    np.testing.assert_allclose(of_held_out, log_odds(base.predict(held_out)))
    assert np.abs(of_train - log_odds(base.predict(train))).min() > 0.0
    # A learner's rows hang on no answer of the learner's own beyond what came before them.
    changed = train.correct.copy()
    last = train.learner_slices()[1:] - 1
    changed[last[0]] ^= 1
    given.clear()
    fit_network(replace(train, correct=changed), config=PLUS, seed=0, validation=held_out)
    (_, of_changed), _ = given
    first = slice(0, int(last[0]) + 1)
    np.testing.assert_allclose(of_changed[first], of_train[first], atol=1e-9)
    assert np.abs(of_changed - of_train).max() > 1e-6


def test_the_base_that_serves_knows_what_held_out_learners_did(log: ResponseArrays) -> None:
    chosen = fit_network(log, config=PLUS, seed=0)
    train, held_out = halves(log)
    given = fit_network(train, config=PLUS, seed=0, validation=held_out)
    assert chosen.base is not None
    assert given.base is not None
    whole, part = (fit_base(data, name="das3h_items", seed=0) for data in (log, train))
    np.testing.assert_array_equal(chosen.base.predict(log), whole.predict(log))
    np.testing.assert_array_equal(given.base.predict(log), part.predict(log))


def test_rate_and_decay_are_those_of_the_settings(
    log: ResponseArrays, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[float, float, float]] = []

    def spy(loss: Tensor, *, network: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        descend(loss, network=network, optimizer=optimizer)
        (group,) = optimizer.param_groups
        parts = [one.grad.norm() for one in network.parameters() if one.grad is not None]
        seen.append((group["lr"], group["weight_decay"], float(torch.stack(parts).norm())))

    monkeypatch.setattr(fit_module, "descend", spy)
    config = replace(TINY, max_epochs=5, patience=5, step_epochs=2, step_factor=0.5,
                     weight_decay=0.02)  # fmt: skip
    fit_network(log, config=config, seed=0)
    rates = sorted({rate for rate, _, _ in seen}, reverse=True)
    assert rates == pytest.approx([0.01, 0.005, 0.0025])
    assert {decay for _, decay, _ in seen} == {0.02}
    assert max(norm for _, _, norm in seen) <= 5.0 + 1e-4


def test_a_long_gradient_is_cut() -> None:
    network = nn.Linear(4, 1)
    optimizer = torch.optim.SGD(network.parameters(), lr=1.0)
    before = torch.cat([one.detach().flatten() for one in network.parameters()])
    descend(1e6 * network(torch.ones(4)).sum(), network=network, optimizer=optimizer)
    after = torch.cat([one.detach().flatten() for one in network.parameters()])
    assert float((after - before).norm()) == pytest.approx(5.0, rel=1e-4)


def test_a_gradient_that_is_no_number_names_its_weights_alone() -> None:
    network = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    optimizer = torch.optim.SGD(network.parameters(), lr=1.0)
    network[1].bias.register_hook(lambda gradient: gradient * float("nan"))
    with pytest.raises(FitError, match=r"in 1\.bias$"):
        descend(network(torch.ones(2)).sum(), network=network, optimizer=optimizer)


def test_a_response_with_several_skills_counts_as_one(
    log: ResponseArrays, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loss of a batch is that of its responses, each the mean over its skills."""
    assert (np.diff(log.skill_indptr) > 1).any()
    told: list[tuple[Tensor, Tensor, Tensor]] = []
    losses: list[float] = []

    def cross_entropy(logits: Tensor, correct: Tensor, weight: Tensor, *, reduction: str) -> Tensor:
        told.append((logits.detach(), correct, weight))
        found: Tensor = functional.binary_cross_entropy_with_logits(
            logits, correct, weight, reduction=reduction
        )
        return found

    def spy(loss: Tensor, **parts: Any) -> None:
        losses.append(float(loss.detach()))
        descend(loss, **parts)

    class _Functional:
        binary_cross_entropy_with_logits = staticmethod(cross_entropy)

    monkeypatch.setattr(fit_module, "functional", _Functional)
    monkeypatch.setattr(fit_module, "descend", spy)
    fit_network(log, config=replace(TINY, batch_sequences=1000), seed=0)
    ((logits, correct, weight),) = told
    n_responses = float(weight.sum())
    assert n_responses == pytest.approx(round(n_responses), abs=1e-3)
    assert n_responses < len(weight)
    each = functional.binary_cross_entropy_with_logits(logits, correct, reduction="none")
    assert losses == pytest.approx([float((each * weight).sum()) / n_responses], rel=1e-5)
    assert set(np.unique(weight.numpy()).tolist()) <= {1.0, 0.5, np.float32(1 / 3)}


def test_the_temperature_is_that_of_the_held_out_learners(log: ResponseArrays) -> None:
    train, held_out = halves(log)
    sure = replace(TINY, max_epochs=12, patience=12, learning_rate=0.05)
    fit = fit_network(train, config=sure, seed=0, validation=held_out)
    prepared = prepare(held_out, fit.skills, config=sure, fold=None)
    logits = entry_logits(fit.network, prepared)
    assert fit.temperature == best_temperature(logits, prepared.tokens, prepared.sequences)
    assert fit.temperature != 1.0
    plain = fit_network(train, config=replace(sure, calibrates=False), seed=0, validation=held_out)
    assert plain.temperature == 1.0


def test_held_out_answers_that_are_all_alike_choose_by_log_loss(log: ResponseArrays) -> None:
    train, held_out = halves(log)
    alike = replace(held_out, correct=np.ones_like(held_out.correct))
    config = replace(TINY, max_epochs=4, patience=4, learning_rate=0.05, calibrates=False)
    fit = fit_network(train, config=config, seed=0, validation=alike)
    prepared = prepare(alike, fit.skills, config=config, fold=None)
    loss = mean_loss(entry_logits(fit.network, prepared), prepared.tokens)
    assert loss == pytest.approx(min(fit.validation_misses), abs=1e-9)
    assert len(set(fit.validation_misses)) == 4


def test_a_skill_of_held_out_learners_alone_is_an_unknown_one(log: ResponseArrays) -> None:
    train, held_out = halves(log)
    names = np.append(held_out.skills, "only here")
    at = held_out.skill_index.copy()
    at[:3] = len(names) - 1
    renamed = replace(held_out, skills=np.asarray(names, dtype=np.str_), skill_index=at)
    fit = fit_network(train, config=TINY, seed=0, validation=renamed)
    assert "only here" not in fit.skills


def test_the_misses_of_the_epochs_are_kept_with_the_model(
    log: ResponseArrays, tmp_path: Any
) -> None:
    fitted = CAKTTracer("cakt", config=replace(TINY, max_epochs=2)).fit(log, seed=0)
    assert len(fitted.validation_misses) == 2
    fitted.save(tmp_path / "one")
    assert type(fitted).load(tmp_path / "one").validation_misses == fitted.validation_misses
