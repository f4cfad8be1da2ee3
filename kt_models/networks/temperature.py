"""One number that divides a network's logits, so that forecasts are as sure as they are right."""

import numpy as np
from numpy.typing import NDArray

from kt_models.networks.sequences import Sequences, Tokens

F = NDArray[np.float64]

# How far from 1, in log, a temperature is before any data: a guess, which hundreds of held-out
# learners outweigh.
PRIOR_SD = 0.1


def entry_losses(logits: F, tokens: Tokens, temperature: float = 1.0) -> F:
    """Return (n,) the log loss of each response, the mean over its skills."""
    counts = np.diff(tokens.indptr)
    correct = np.repeat(tokens.correct, counts)
    losses = np.logaddexp(0.0, np.where(correct == 1, -logits, logits) / temperature)
    found: F = np.bincount(
        np.repeat(np.arange(len(counts)), counts),
        weights=losses * np.repeat(1.0 / counts, counts),
        minlength=len(counts),
    ).astype(np.float64)
    return found


def mean_loss(logits: F, tokens: Tokens, temperature: float = 1.0) -> float:
    """Return the mean log loss of the responses."""
    return float(entry_losses(logits, tokens, temperature).mean())


def best_temperature(logits: F, tokens: Tokens, learners: Sequences) -> float:
    """Search the one number that divides logits, .5 to 2, for the least validation log loss.

    A handful of learners tell little: their answers hang together, so what they say is drawn
    towards 1 by how much it varies between them (the posterior mean under a normal prior of the
    number's logarithm, its likelihood by the sandwich estimate over learners).
    """
    at = np.linspace(np.log(0.5), np.log(2.0), 57)
    grid = np.exp(at)
    losses = np.array([_by_learner(entry_losses(logits, tokens, one), learners) for one in grid])
    best = int(np.argmin(losses.sum(1)))
    n = losses.shape[1]
    if n < 2:
        return 1.0
    inside = min(max(best, 1), len(grid) - 2)
    step = at[1] - at[0]
    slope = (losses[inside + 1] - losses[inside - 1]) / (2.0 * step)
    bend = (losses[inside + 1] - 2.0 * losses[inside] + losses[inside - 1]).sum() / step**2
    spread = ((slope - slope.mean()) ** 2).sum() * n / (n - 1)
    # A few learners may agree by chance: never surer than independent answers would be.
    variance = max(spread / bend**2, 1.0 / bend) if bend > 0.0 else np.inf
    return float(np.exp(at[best] * PRIOR_SD**2 / (PRIOR_SD**2 + variance)))


def _by_learner(losses: F, learners: Sequences) -> F:
    """Return (n_learners,) sums; learners follow one another in the data."""
    return np.add.reduceat(losses, np.sort(learners.start))
