"""Intervals and paired tests by resampling learners, since answers of one learner hang together."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kt_models.errors import DataError
from kt_models.evaluate.metrics import F, checked, pointwise_log_loss

DEFAULT_REPLICATES = 200
DEFAULT_MASS = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """A percentile interval of the learner bootstrap."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class ScoreIntervals:
    """AUC and log loss with their intervals."""

    auc: Interval
    log_loss: Interval


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """First model minus second on the same rows; p values are two-sided.

    A positive difference of AUC and a negative one of log loss favour the first.
    """

    auc: Interval
    auc_p: float
    log_loss: Interval
    log_loss_p: float


class _Resampler:
    """One model's predictions, sorted once, scored again under any weights of the learners."""

    def __init__(self, learner: NDArray[np.int64], correct: ArrayLike, p: ArrayLike) -> None:
        y, q = checked(correct, p)
        if learner.shape != y.shape:
            raise DataError(f"learner has shape {learner.shape}, predictions have {y.shape}")
        order = np.argsort(q)
        self._learner = learner[order].astype(np.int32)
        self._right = y[order]
        sorted_q = q[order]
        starts = np.flatnonzero(np.diff(sorted_q, prepend=-1.0))
        self._tie_starts = starts if len(starts) < len(q) else None
        n_learners = int(learner.max()) + 1
        self._losses = np.bincount(learner, weights=pointwise_log_loss(y, q), minlength=n_learners)
        self._counts = np.bincount(learner, minlength=n_learners)

    def auc(self, weights: F) -> float:
        """Return the AUC when learner l counts weights[l] times; NaN when a class vanishes."""
        weight = weights[self._learner]
        right = np.where(self._right, weight, 0.0)
        wrong = weight - right
        if self._tie_starts is not None:
            right = np.add.reduceat(right, self._tie_starts)
            wrong = np.add.reduceat(wrong, self._tie_starts)
        wrong_below = np.cumsum(wrong)
        n_wrong = wrong_below[-1]
        pairs = float(right.sum() * n_wrong)
        wrong_below -= 0.5 * wrong
        return float(np.dot(right, wrong_below)) / pairs if pairs > 0.0 else float("nan")

    def log_loss(self, weights: F) -> float:
        """Return the mean log loss when learner l counts weights[l] times."""
        return float(np.dot(weights, self._losses) / np.dot(weights, self._counts))


def score_intervals(
    learner: ArrayLike,
    correct: ArrayLike,
    p: ArrayLike,
    *,
    rng: np.random.Generator,
    replicates: int = DEFAULT_REPLICATES,
    mass: float = DEFAULT_MASS,
) -> ScoreIntervals:
    """Return AUC and log loss with percentile intervals over resampled learners.

    learner (n,) holds any integer labels. With one learner the interval is the value itself.

    Raises: DataError when shapes differ or a value is out of range.
    """
    codes, n_learners = _codes(learner)
    model = _Resampler(codes, correct, p)
    whole = np.ones(n_learners)
    draws = _draws(n_learners, rng=rng, replicates=replicates)
    aucs = np.array([model.auc(weights) for weights in draws])
    losses = np.array([model.log_loss(weights) for weights in draws])
    return ScoreIntervals(
        auc=_interval(model.auc(whole), aucs, mass=mass),
        log_loss=_interval(model.log_loss(whole), losses, mass=mass),
    )


def paired_difference(
    learner: ArrayLike,
    correct: ArrayLike,
    first_p: ArrayLike,
    second_p: ArrayLike,
    *,
    rng: np.random.Generator,
    replicates: int = DEFAULT_REPLICATES,
    mass: float = DEFAULT_MASS,
) -> PairedDifference:
    """Compare two models on the same rows: every replicate draws the same learners for both.

    Raises: DataError when shapes differ or a value is out of range.
    """
    codes, n_learners = _codes(learner)
    first, second = _Resampler(codes, correct, first_p), _Resampler(codes, correct, second_p)
    whole = np.ones(n_learners)
    draws = _draws(n_learners, rng=rng, replicates=replicates)
    aucs = np.array([first.auc(weights) - second.auc(weights) for weights in draws])
    losses = np.array([first.log_loss(weights) - second.log_loss(weights) for weights in draws])
    return PairedDifference(
        auc=_interval(first.auc(whole) - second.auc(whole), aucs, mass=mass),
        auc_p=_two_sided(aucs),
        log_loss=_interval(first.log_loss(whole) - second.log_loss(whole), losses, mass=mass),
        log_loss_p=_two_sided(losses),
    )


def _codes(learner: ArrayLike) -> tuple[NDArray[np.int64], int]:
    labels, codes = np.unique(np.asarray(learner), return_inverse=True)
    return codes.astype(np.int64), len(labels)


def _draws(n_learners: int, *, rng: np.random.Generator, replicates: int) -> list[F]:
    if replicates < 1:
        raise DataError(f"replicates must be at least 1; got {replicates}")
    return [
        np.bincount(rng.integers(n_learners, size=n_learners), minlength=n_learners).astype(
            np.float64
        )
        for _ in range(replicates)
    ]


def _interval(value: float, replicates: F, *, mass: float) -> Interval:
    known = replicates[~np.isnan(replicates)]
    if not known.size:
        return Interval(value=value, low=float("nan"), high=float("nan"))
    tail = 0.5 * (1.0 - mass)
    low, high = np.quantile(known, [tail, 1.0 - tail])
    return Interval(value=value, low=float(low), high=float(high))


def _two_sided(differences: F) -> float:
    """Return twice the smaller share of replicates on either side of 0, never below 2 / (B + 1)."""
    known = differences[~np.isnan(differences)]
    if not known.size:
        return float("nan")
    below = (np.count_nonzero(known <= 0.0) + 1) / (known.size + 1)
    above = (np.count_nonzero(known >= 0.0) + 1) / (known.size + 1)
    return float(min(1.0, 2.0 * min(below, above)))
