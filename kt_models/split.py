"""Splits that cannot leak: by learner, by time within a learner, and the PSI-KT cohorts."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kt_models.arrays import ResponseArrays
from kt_models.errors import SplitError

Codes = NDArray[np.int32]
Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class LearnerFold:
    """Codes of the learners on either side of one fold; together they are all that answered."""

    fold: int
    train: Codes
    test: Codes


@dataclass(frozen=True, slots=True, eq=False)
class Cohort:
    """Learners of the PSI-KT protocol: `learners` are fitted on, `others` are never seen."""

    learners: Codes
    others: Codes


def learner_folds(
    data: ResponseArrays, *, n_folds: int, rng: np.random.Generator
) -> Iterator[LearnerFold]:
    """Yield folds of learners with like distributions of sequence length in each.

    Learners are ranked by length and every run of n_folds neighbours is dealt out at random, so
    that no fold gets all the long histories.

    Raises: SplitError when there are fewer learners than folds, or fewer than two folds.
    """
    lengths = np.diff(data.learner_slices())
    codes = np.flatnonzero(lengths).astype(np.int32)
    if n_folds < 2 or n_folds > len(codes):
        raise SplitError(f"folds must be 2 to {len(codes)} (the learners); got {n_folds}")
    ranked = codes[np.lexsort((rng.random(len(codes)), lengths[codes]))]
    fold_of = np.empty(len(codes), dtype=np.int64)
    for start in range(0, len(codes), n_folds):
        block = min(n_folds, len(codes) - start)
        fold_of[start : start + block] = rng.permutation(n_folds)[:block]
    for fold in range(n_folds):
        is_test = fold_of == fold
        yield LearnerFold(fold=fold, train=np.sort(ranked[~is_test]), test=np.sort(ranked[is_test]))


def holdout_learners(
    data: ResponseArrays, *, share: float, rng: np.random.Generator
) -> LearnerFold:
    """Return one split with about `share` of the learners on the test side, at least one.

    Raises: SplitError when share is not inside (0, 1) or fewer than two learners answered.
    """
    codes = np.flatnonzero(np.diff(data.learner_slices())).astype(np.int32)
    if not 0.0 < share < 1.0:
        raise SplitError(f"share must lie between 0 and 1; got {share}")
    if len(codes) < 2:
        raise SplitError(f"a holdout needs two learners or more; got {len(codes)}")
    n_test = min(max(1, round(share * len(codes))), len(codes) - 1)
    shuffled = rng.permutation(codes)
    return LearnerFold(fold=0, train=np.sort(shuffled[n_test:]), test=np.sort(shuffled[:n_test]))


def positions(data: ResponseArrays) -> Rows:
    """Return (n,) the position of each response within its learner, from 0."""
    starts = data.learner_slices()
    return np.arange(data.n_responses) - starts[data.learner]


def later_part(data: ResponseArrays, *, share: float) -> NDArray[np.bool_]:
    """Return (n,) True for the last `share` of every learner's responses, by time.

    A cut never falls between responses of one moment: those go to the earlier side together. A
    learner with a single moment has no later part.

    Raises: SplitError when share is not inside (0, 1).
    """
    if not 0.0 < share < 1.0:
        raise SplitError(f"share must lie between 0 and 1; got {share}")
    starts = data.learner_slices()
    lengths = np.diff(starts)
    at = positions(data)
    cut = np.ceil((1.0 - share) * lengths).astype(np.int64)
    last_early = starts[:-1] + np.clip(cut - 1, 0, np.maximum(lengths - 1, 0))
    boundary = data.time[np.minimum(last_early, data.n_responses - 1)]
    later: NDArray[np.bool_] = (at >= cut[data.learner]) & (data.time > boundary[data.learner])
    return later


def first_n(data: ResponseArrays, *, n: int) -> NDArray[np.bool_]:
    """Return (n_responses,) True for the first n responses of every learner.

    Raises: SplitError when n is not positive.
    """
    if n < 1:
        raise SplitError(f"n must be at least 1; got {n}")
    return positions(data) < n


def length_between(data: ResponseArrays, *, low: int, high: int) -> Codes:
    """Return the codes of learners with low to high responses, both included."""
    lengths = np.diff(data.learner_slices())
    return np.flatnonzero((lengths >= low) & (lengths <= high)).astype(np.int32)


def cohort(data: ResponseArrays, *, size: int, min_length: int, rng: np.random.Generator) -> Cohort:
    """Draw a cohort of learners with at least min_length responses.

    Source: Zhou et al. (2024), section 5: cohorts of learners with 50 interactions or more.

    Raises: SplitError when there are fewer such learners than size.
    """
    lengths = np.diff(data.learner_slices())
    long_enough = np.flatnonzero(lengths >= min_length).astype(np.int32)
    if size < 1 or size > len(long_enough):
        raise SplitError(
            f"a cohort of {size} needs as many learners with {min_length} responses or more; "
            f"there are {len(long_enough)}"
        )
    shuffled = rng.permutation(long_enough)
    return Cohort(learners=np.sort(shuffled[:size]), others=np.sort(shuffled[size:]))
