"""The logistic model that a CAKT network starts from, and its log odds without self-deceit."""

import numpy as np
from numpy.typing import NDArray

from kt_models.arrays import ResponseArrays
from kt_models.baselines.logistic import FittedLogistic, LogisticTracer
from kt_models.split import learner_folds

F = NDArray[np.float64]

_MARGIN = 1e-6


def fit_base(data: ResponseArrays, *, name: str, seed: int) -> FittedLogistic:
    """Fit the logistic model on merged data."""
    return LogisticTracer(name).fit(data, seed=seed)


def cross_fitted(
    data: ResponseArrays, *, name: str, n_folds: int, seed: int, rng: np.random.Generator
) -> F:
    """Return (n,) log odds of merged responses, each from a fit on the other folds' learners.

    Log odds of the very rows that an item's weight was fitted on would be too good, and a network
    trained on them would trust the weight more than it may.
    """
    found = np.zeros(data.n_responses)
    for fold in learner_folds(data, n_folds=min(n_folds, data.n_learners), rng=rng):
        fitted = fit_base(data.take_learners(fold.train), name=name, seed=seed)
        is_test = np.isin(data.learner, fold.test)
        found[is_test] = log_odds(fitted.predict(data.take_learners(fold.test)))
    return found


def log_odds(p: F) -> F:
    """Return log(p / (1 - p)), kept finite."""
    inside = np.clip(p, _MARGIN, 1.0 - _MARGIN)
    found: F = np.log(inside) - np.log1p(-inside)
    return found


def clipped(logits: F) -> F:
    """Return log odds within the bounds of log_odds."""
    most = float(log_odds(np.array(1.0)))
    return np.clip(logits, -most, most)
