import numpy as np
import pytest

from kt_models.errors import DataError
from kt_models.evaluate.bootstrap import _Resampler, paired_difference, score_intervals
from kt_models.evaluate.metrics import auc, log_loss


def clustered(
    seed: int, *, n_learners: int = 150, n: int = 20
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    learner = np.repeat(np.arange(n_learners), n)
    p = 1 / (1 + np.exp(-rng.normal(0, 1, n_learners)[learner] - rng.normal(0, 0.5, len(learner))))
    return learner, (rng.random(len(p)) < p).astype(np.int8), np.round(p, 2)


def test_a_weight_of_two_counts_a_learner_twice() -> None:
    learner, correct, p = clustered(0, n_learners=6)
    weights = np.array([2.0, 0.0, 1.0, 3.0, 1.0, 1.0])
    rows = np.repeat(np.arange(len(p)), weights[learner].astype(int))
    model = _Resampler(learner, correct, p)
    assert model.auc(weights) == pytest.approx(auc(correct[rows], p[rows]))
    assert model.log_loss(weights) == pytest.approx(log_loss(correct[rows], p[rows]))


def test_intervals_hold_the_value_and_widen_with_clustering() -> None:
    learner, correct, p = clustered(1)
    by_learner = score_intervals(learner, correct, p, rng=np.random.default_rng(0))
    by_row = score_intervals(np.arange(len(p)), correct, p, rng=np.random.default_rng(0))
    assert by_learner.auc.value == pytest.approx(auc(correct, p))
    for interval in (by_learner.auc, by_learner.log_loss):
        assert interval.low < interval.value < interval.high
    clustered_width = by_learner.log_loss.high - by_learner.log_loss.low
    assert clustered_width > 1.1 * (by_row.log_loss.high - by_row.log_loss.low)


def test_the_same_rng_gives_the_same_interval() -> None:
    learner, correct, p = clustered(2)
    runs = [score_intervals(learner, correct, p, rng=np.random.default_rng(5)) for _ in range(2)]
    assert runs[0] == runs[1]


def test_a_better_model_is_told_from_a_worse_one() -> None:
    learner, correct, p = clustered(3)
    noisy = np.clip(p + np.random.default_rng(0).normal(0, 0.3, len(p)), 0.02, 0.98)
    found = paired_difference(learner, correct, p, noisy, rng=np.random.default_rng(0))
    assert found.auc.low > 0.0 > found.log_loss.high
    assert found.auc_p < 0.02
    assert found.log_loss_p < 0.02


def test_a_model_does_not_differ_from_itself() -> None:
    learner, correct, p = clustered(4)
    found = paired_difference(learner, correct, p, p, rng=np.random.default_rng(0))
    assert found.auc.low == found.auc.value == found.auc.high == 0.0
    assert found.auc_p == 1.0


def test_two_models_of_equal_skill_are_seldom_told_apart() -> None:
    told_apart = 0
    for seed in range(30):
        learner, correct, p = clustered(100 + seed, n_learners=60)
        rng = np.random.default_rng(seed)
        one, two = (np.clip(p + rng.normal(0, 0.1, len(p)), 0.01, 0.99) for _ in range(2))
        found = paired_difference(learner, correct, one, two, rng=rng, replicates=100)
        told_apart += found.auc_p < 0.05
    assert told_apart <= 6


def test_answers_of_one_class_have_no_auc_and_no_interval() -> None:
    found = score_intervals([0, 1], [1, 1], [0.4, 0.6], rng=np.random.default_rng(0))
    assert np.isnan([found.auc.value, found.auc.low, found.auc.high]).all()
    assert found.log_loss.value > 0.0


def test_no_replicates_are_refused() -> None:
    with pytest.raises(DataError, match="at least 1"):
        score_intervals([0], [1], [0.5], rng=np.random.default_rng(0), replicates=0)
