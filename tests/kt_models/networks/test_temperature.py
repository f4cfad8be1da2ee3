"""Logits are divided by what many learners ask for, and hardly by what a few do."""

import numpy as np
import pytest
from numpy.typing import NDArray

from kt_models.networks.sequences import Sequences, Tokens
from kt_models.networks.temperature import best_temperature

LENGTH = 40


def held_out(
    n_learners: int, *, true: float, seed: int = 0
) -> tuple[NDArray[np.float64], Tokens, Sequences]:
    """Draw answers whose log odds are the logits divided by the true temperature."""
    rng = np.random.default_rng(seed)
    n = n_learners * LENGTH
    logits = rng.normal(0.5, 1.5, size=n)
    correct = rng.random(n) < 1.0 / (1.0 + np.exp(-logits / true))
    tokens = Tokens(np.arange(n + 1), np.zeros(n, dtype=np.int64), correct.astype(np.int8), 1)
    start = np.arange(n_learners) * LENGTH
    return logits, tokens, Sequences(start=start, length=np.full(n_learners, LENGTH))


@pytest.mark.parametrize("true", [0.8, 1.0, 1.3])
def test_many_learners_give_the_temperature_their_answers_were_drawn_with(true: float) -> None:
    assert best_temperature(*held_out(1_000, true=true)) == pytest.approx(true, rel=0.04)


def test_a_few_learners_move_it_less_than_it_varies_among_them() -> None:
    found = np.log([best_temperature(*held_out(4, true=1.0, seed=seed)) for seed in range(20)])
    assert np.abs(found).mean() < 0.06
    sure = np.log([best_temperature(*held_out(4, true=2.0, seed=seed)) for seed in range(20)])
    assert 0.0 < sure.mean() < np.log(2.0)


def test_learners_who_contradict_each_other_count_less_than_as_many_who_agree() -> None:
    logits, tokens, runs = held_out(60, true=1.4)
    rng = np.random.default_rng(5)
    # The same answers, but every learner's are right more often, or less often, altogether.
    shift = np.repeat(rng.choice([-2.0, 2.0], size=60), LENGTH)
    correct = rng.random(len(logits)) < 1.0 / (1.0 + np.exp(-logits / 1.4 - shift))
    apart = Tokens(tokens.indptr, tokens.skill, correct.astype(np.int8), 1)
    one_run_each = Sequences(start=np.arange(len(logits)), length=np.ones(len(logits), np.int64))
    assert (
        1.0 < best_temperature(logits, apart, runs) < best_temperature(logits, apart, one_run_each)
    )


def test_a_single_learner_says_nothing() -> None:
    assert best_temperature(*held_out(1, true=2.0)) == 1.0
