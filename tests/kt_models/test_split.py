import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kt_models.arrays import ResponseArrays
from kt_models.errors import SplitError
from kt_models.split import (
    cohort,
    first_n,
    holdout_learners,
    later_part,
    learner_folds,
    length_between,
    positions,
)

LENGTHS = st.lists(st.integers(1, 12), min_size=2, max_size=25)


def log_of(lengths: list[int], *, step: float = 1.0) -> ResponseArrays:
    learner = np.repeat([f"l{code}" for code in range(len(lengths))], lengths)
    at = np.concatenate([np.floor(np.arange(n) * step) for n in lengths])
    n = len(learner)
    return ResponseArrays.from_columns(learner, None, [["s"]] * n, [1] * n, at, time_unit="index")


@given(LENGTHS, st.integers(2, 5), st.integers(0, 9))
def test_every_learner_is_tested_once_and_never_in_its_own_training(
    lengths: list[int], n_folds: int, seed: int
) -> None:
    data = log_of(lengths)
    if n_folds > len(lengths):
        return
    folds = list(learner_folds(data, n_folds=n_folds, rng=np.random.default_rng(seed)))
    tested = np.concatenate([fold.test for fold in folds])
    assert sorted(tested.tolist()) == list(range(len(lengths)))
    for fold in folds:
        assert not set(fold.train.tolist()) & set(fold.test.tolist())
        assert len(fold.train) + len(fold.test) == len(lengths)


def test_folds_share_long_and_short_histories() -> None:
    lengths = np.random.default_rng(0).pareto(1.0, 500).astype(int) + 1
    data = log_of(np.minimum(lengths, 400).tolist())
    counts = np.diff(data.learner_slices())
    folds = learner_folds(data, n_folds=5, rng=np.random.default_rng(1))
    medians = [np.percentile(counts[fold.test], [50, 90]) for fold in folds]
    assert np.ptp([m[0] for m in medians]) <= 1
    assert np.ptp([m[1] for m in medians]) <= 0.25 * np.mean([m[1] for m in medians])


@pytest.mark.parametrize("n_folds", [0, 1, 4])
def test_folds_that_cannot_be_made_are_refused(n_folds: int) -> None:
    with pytest.raises(SplitError, match=f"got {n_folds}"):
        list(learner_folds(log_of([1, 2, 3]), n_folds=n_folds, rng=np.random.default_rng(0)))


@given(LENGTHS, st.sampled_from([0.2, 0.5, 0.9]), st.sampled_from([1.0, 0.4]))
def test_the_later_part_is_later_and_never_larger_than_its_share(
    lengths: list[int], share: float, step: float
) -> None:
    data = log_of(lengths, step=step)
    later = later_part(data, share=share)
    for code, length in enumerate(lengths):
        mine = data.learner == code
        early, late = data.time[mine & ~later], data.time[mine & later]
        assert len(early) >= 1
        assert len(late) <= share * length
        if len(late):
            assert late.min() > early.max()


def test_the_later_part_of_ten_responses_is_the_last_two() -> None:
    assert np.flatnonzero(later_part(log_of([10]), share=0.2)).tolist() == [8, 9]


def test_first_responses_and_positions_are_counted_within_the_learner() -> None:
    data = log_of([3, 1, 2])
    assert positions(data).tolist() == [0, 1, 2, 0, 0, 1]
    assert first_n(data, n=2).tolist() == [True, True, False, True, True, True]


def test_a_holdout_leaves_learners_on_both_sides() -> None:
    parts = holdout_learners(log_of([5, 5]), share=0.01, rng=np.random.default_rng(0))
    assert len(parts.train) == len(parts.test) == 1


def test_lengths_are_kept_within_both_bounds() -> None:
    assert length_between(log_of([1, 2, 3, 4]), low=2, high=3).tolist() == [1, 2]


def test_a_cohort_holds_long_histories_only_and_leaves_the_rest() -> None:
    data = log_of([2, 9, 9, 9, 3])
    drawn = cohort(data, size=2, min_length=9, rng=np.random.default_rng(0))
    assert len(drawn.learners) == 2
    assert sorted([*drawn.learners.tolist(), *drawn.others.tolist()]) == [1, 2, 3]


def test_a_cohort_larger_than_the_data_is_refused() -> None:
    with pytest.raises(SplitError, match="there are 1"):
        cohort(log_of([2, 9]), size=2, min_length=9, rng=np.random.default_rng(0))


@pytest.mark.parametrize("share", [0.0, 1.0, -1.0])
def test_a_share_outside_zero_and_one_is_refused(share: float) -> None:
    data = log_of([4, 4])
    with pytest.raises(SplitError, match="between 0 and 1"):
        later_part(data, share=share)
    with pytest.raises(SplitError, match="between 0 and 1"):
        holdout_learners(data, share=share, rng=np.random.default_rng(0))
