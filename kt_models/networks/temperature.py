"""One number that divides a network's logits, so that forecasts are as sure as they are right."""

import numpy as np
from numpy.typing import NDArray

from kt_models.networks.sequences import Tokens

F = NDArray[np.float64]


def entry_loss(logits: F, tokens: Tokens, temperature: float = 1.0) -> float:
    """Return the mean log loss, each skill of a response weighted by its share."""
    counts = np.diff(tokens.indptr)
    correct = np.repeat(tokens.correct, counts)
    losses = np.logaddexp(0.0, np.where(correct == 1, -logits, logits) / temperature)
    return float(np.average(losses, weights=np.repeat(1.0 / counts, counts)))


def best_temperature(logits: F, tokens: Tokens) -> float:
    """Search the one number that divides logits, .5 to 2, for the least validation log loss."""
    grid = np.exp(np.linspace(np.log(0.5), np.log(2.0), 57))
    return float(grid[int(np.argmin([entry_loss(logits, tokens, one) for one in grid]))])
