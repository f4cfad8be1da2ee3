"""Metrics of predicted probabilities against 0/1 answers: numpy only, one sort for all of them.

Everywhere `correct` is (n,) of 0/1 and `p` is (n,) of P(correct) in [0, 1]. A metric that the data
cannot define (the AUC of answers that are all right) is NaN, never a made-up .5.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kt_models.errors import DataError

F = NDArray[np.float64]

# Log loss of a certain and wrong prediction stays finite: -log(1e-12) is 27.6 nats.
P_MARGIN = 1e-12
DEFAULT_BINS = 15


@dataclass(frozen=True, slots=True)
class Scores:
    """All metrics of one set of predictions."""

    n: int
    auc: float
    log_loss: float
    brier: float
    rmse: float
    accuracy: float
    f1: float
    ece: float
    mean_correct: float
    mean_p: float


@dataclass(frozen=True, slots=True, eq=False)
class ReliabilityCurve:
    """Bins of equal mass, lowest predictions first: arrays (bins,)."""

    mean_p: F
    mean_correct: F
    n: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class RocCurve:
    """Points of the ROC curve from (0, 0) to (1, 1): arrays (points,)."""

    false_positive_rate: F
    true_positive_rate: F


def checked(correct: ArrayLike, p: ArrayLike) -> tuple[NDArray[np.bool_], F]:
    """Return answers as bool (n,) and predictions as float64 (n,).

    Raises: DataError, naming the row and the value, when an answer is not 0/1, when a prediction
    is not a number in [0, 1], when lengths differ or there is no row.
    """
    answers = np.asarray(correct)
    predictions = np.asarray(p, dtype=np.float64)
    if answers.ndim != 1 or answers.shape != predictions.shape:
        raise DataError(
            f"correct and p must be 1-D and of one length; got {answers.shape} "
            f"and {predictions.shape}"
        )
    if answers.size == 0:
        raise DataError("there are no predictions to score; expected at least one")
    good = (answers == 0) | (answers == 1)
    if not good.all():
        row = int(np.argmin(good))
        raise DataError(f"correct must be 0 or 1; row {row} is {answers[row]!r}")
    inside = (predictions >= 0.0) & (predictions <= 1.0)  # False for NaN too
    if not inside.all():
        row = int(np.argmin(inside))
        raise DataError(f"p must be a number in [0, 1]; row {row} is {predictions[row]!r}")
    return answers.astype(np.bool_), predictions


def score(correct: ArrayLike, p: ArrayLike, *, bins: int = DEFAULT_BINS) -> Scores:
    """Compute every metric of `Scores` with a single sort of the predictions.

    Raises: DataError as `checked`.
    """
    y, q = checked(correct, p)
    order = np.argsort(q)
    y_sorted, q_sorted = y[order], q[order]
    brier = _brier(y, q)
    return Scores(
        n=int(y.size),
        auc=_auc_sorted(y_sorted, q_sorted),
        log_loss=float(np.mean(pointwise_log_loss(y, q))),
        brier=brier,
        rmse=float(np.sqrt(brier)),
        accuracy=float(np.mean((q >= 0.5) == y)),
        f1=_f1(y, q),
        ece=_ece_sorted(y_sorted, q_sorted, bins=bins),
        mean_correct=float(y.mean()),
        mean_p=float(q.mean()),
    )


def auc(correct: ArrayLike, p: ArrayLike) -> float:
    """Return the area under the ROC curve, ties counted half; NaN when one class is absent."""
    y, q = checked(correct, p)
    order = np.argsort(q)
    return _auc_sorted(y[order], q[order])


def log_loss(correct: ArrayLike, p: ArrayLike) -> float:
    """Return the mean negative log likelihood in nats."""
    y, q = checked(correct, p)
    return float(np.mean(pointwise_log_loss(y, q)))


def pointwise_log_loss(correct: NDArray[np.bool_], p: F) -> F:
    """Return -log P(the answer given), (n,), in nats; p is kept `P_MARGIN` from 0 and 1."""
    of_answer = np.where(correct, p, 1.0 - p)
    losses: F = -np.log(np.clip(of_answer, P_MARGIN, 1.0))
    return losses


def expected_calibration_error(
    correct: ArrayLike, p: ArrayLike, *, bins: int = DEFAULT_BINS
) -> float:
    """Return the mean gap between predicted and observed rates over bins of equal mass.

    Source: Nguyen & O'Connor (2015), adaptive binning; equal-width bins hide gaps where most
    predictions are alike.
    """
    y, q = checked(correct, p)
    order = np.argsort(q)
    return _ece_sorted(y[order], q[order], bins=bins)


def reliability_curve(
    correct: ArrayLike, p: ArrayLike, *, bins: int = DEFAULT_BINS
) -> ReliabilityCurve:
    """Return predicted against observed rates in bins of equal mass."""
    y, q = checked(correct, p)
    order = np.argsort(q)
    mean_p, mean_correct, n = _bins_sorted(y[order], q[order], bins=bins)
    return ReliabilityCurve(mean_p=mean_p, mean_correct=mean_correct, n=n)


def roc_curve(correct: ArrayLike, p: ArrayLike, *, points: int = 400) -> RocCurve:
    """Return the ROC curve, thinned to about `points` points.

    Raises: DataError when only one class is present.
    """
    y, q = checked(correct, p)
    n_right = int(y.sum())
    if n_right in (0, y.size):
        raise DataError(f"a ROC curve needs right and wrong answers; {n_right} of {y.size} right")
    order = np.argsort(-q)
    y_sorted, q_sorted = y[order], q[order]
    ends = np.append(np.flatnonzero(np.diff(q_sorted)), y.size - 1)
    kept = ends[np.unique(np.linspace(0, ends.size - 1, min(points, ends.size)).astype(np.int64))]
    hits = np.cumsum(y_sorted)[kept]
    true_rate = np.concatenate([[0.0], hits / n_right])
    false_rate = np.concatenate([[0.0], (kept + 1 - hits) / (y.size - n_right)])
    return RocCurve(false_positive_rate=false_rate, true_positive_rate=true_rate)


def _auc_sorted(y: NDArray[np.bool_], q: F) -> float:
    n_right = int(y.sum())
    n_wrong = y.size - n_right
    if n_right == 0 or n_wrong == 0:
        return float("nan")
    ends = np.append(np.flatnonzero(q[1:] != q[:-1]), y.size - 1)
    seen_right = np.cumsum(y, dtype=np.int64)[ends]
    right = np.diff(seen_right, prepend=0).astype(np.float64)
    wrong = np.diff(ends + 1 - seen_right, prepend=0).astype(np.float64)
    wrong_below = np.cumsum(wrong) - wrong
    return float(np.dot(right, wrong_below + 0.5 * wrong) / (float(n_right) * n_wrong))


def _bins_sorted(y: NDArray[np.bool_], q: F, *, bins: int) -> tuple[F, F, NDArray[np.int64]]:
    if bins < 1:
        raise DataError(f"bins must be at least 1; got {bins}")
    edges = np.linspace(0, y.size, min(bins, y.size) + 1).astype(np.int64)
    # Equal predictions stay in one bin: parted by row order they would show gaps that are none.
    edges[1:] = np.searchsorted(q, q[edges[1:] - 1], side="right")
    edges = np.unique(edges)
    n = np.diff(edges)
    mean_p = np.add.reduceat(q, edges[:-1]) / n
    mean_correct = np.add.reduceat(y.astype(np.float64), edges[:-1]) / n
    return mean_p, mean_correct, n


def _ece_sorted(y: NDArray[np.bool_], q: F, *, bins: int) -> float:
    mean_p, mean_correct, n = _bins_sorted(y, q, bins=bins)
    return float(np.dot(np.abs(mean_p - mean_correct), n) / y.size)


def _brier(y: NDArray[np.bool_], q: F) -> float:
    gap = q - y
    return float(np.dot(gap, gap) / y.size)


def _f1(y: NDArray[np.bool_], q: F) -> float:
    said_right = q >= 0.5
    both = int(np.count_nonzero(said_right & y))
    total = int(np.count_nonzero(said_right)) + int(np.count_nonzero(y))
    return 2.0 * both / total if total else float("nan")
