"""Penalised logistic regression on a sparse and a dense part, by L-BFGS."""

from dataclasses import dataclass

import numpy as np

from kt_models.baselines.features import Design
from kt_models.baselines.history import F
from kt_models.errors import FitError
from kt_models.protocol import Progress


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """Coefficients: sparse (n_columns,), dense (n_context,), and the intercept."""

    sparse: F
    dense: F
    intercept: float


def predict_logits(features: Design, weights: Weights) -> F:
    """Return (n,) log odds.

    Context columns are added one by one: a matrix product may add up a row in an order that hangs
    on where the array lies in memory, and equal histories would differ in the last bit.
    """
    logits: F = features.sparse @ weights.sparse + weights.intercept
    for column, weight in zip(features.dense.T, weights.dense.tolist(), strict=True):
        logits += column * weight
    return logits


def sigmoid(logits: F) -> F:
    """Return 1 / (1 + exp(-x)) without overflow."""
    return 0.5 * (1.0 + np.tanh(0.5 * logits))


def solve_logistic(
    features: Design,
    correct: F,
    *,
    penalty: F,
    max_iterations: int,
    tolerance: float,
    progress: Progress | None = None,
) -> Weights:
    """Minimise sum log loss + 0.5 sum penalty w^2; penalty (n_columns + n_context,) >= 0.

    Every coefficient is scaled by the root of its curvature first: columns of rare items and of
    common skills then converge alike, which takes about a third of the iterations. tolerance is
    the relative change of the objective at which to stop.

    Raises: FitError when the objective is not a number.
    """
    from scipy import optimize

    n_sparse = features.sparse.shape[1]
    dense = features.dense
    squares = np.concatenate(
        [np.asarray((features.sparse**2).sum(axis=0)).ravel(), (dense**2).sum(axis=0)]
    )
    share = float(np.clip(correct.mean(), 1e-3, 1.0 - 1e-3))
    curvature = np.append(share * (1.0 - share) * squares + penalty, share * len(correct))
    scale = 1.0 / np.sqrt(np.maximum(curvature, 1e-12))
    transposed = features.sparse.T.tocsr()
    signs = 2.0 * correct - 1.0

    def objective(scaled: F) -> tuple[float, F]:
        w = scaled * scale
        logits = features.sparse @ w[:n_sparse] + dense @ w[n_sparse:-1] + w[-1]
        margin = signs * logits
        value = np.logaddexp(0.0, -margin).sum() + 0.5 * np.dot(penalty, w[:-1] ** 2)
        residual = -signs * sigmoid(-margin)
        gradient = np.concatenate([transposed @ residual, dense.T @ residual, [residual.sum()]])
        gradient[:-1] += penalty * w[:-1]
        return float(value), gradient * scale

    n_done = 0

    def report(_: F) -> None:
        nonlocal n_done
        n_done += 1
        if progress is not None:
            progress(min(1.0, n_done / max_iterations), f"logistic: step {n_done}")

    start = np.zeros(len(scale))
    start[-1] = np.log(share / (1.0 - share)) / scale[-1]
    found = optimize.minimize(
        objective,
        start,
        jac=True,
        method="L-BFGS-B",
        callback=report,
        options={"maxiter": max_iterations, "ftol": tolerance, "gtol": 1e-4, "maxcor": 20},
    )
    if not np.isfinite(found.fun):
        raise FitError(f"the logistic objective became {found.fun} after {n_done} steps")
    w = found.x * scale
    return Weights(sparse=w[:n_sparse], dense=w[n_sparse:-1], intercept=float(w[-1]))
