"""The same filter with the full covariance of (z of every skill, mu): slow, simple, one learner."""

import numpy as np
from numpy.typing import NDArray

from kt_models.psi_kt.recursion import NODE_WEIGHTS, NODES, sigmoid

F = NDArray[np.float64]


class DenseFilter:
    """State [z_1 .. z_K, mu] for one trait point; every gap moves every skill (the paper)."""

    def __init__(
        self,
        *,
        decay: float,
        spread: float,
        share: F,
        start: tuple[float, float],
        level: tuple[float, float],
    ) -> None:
        k = len(share)
        self.k, self.decay, self.spread, self.share = k, decay, spread, share
        self.mean = np.append(np.full(k, start[0]), level[0])
        self.cov = np.diag(np.append(np.full(k, start[1]), level[1]))

    def wait(self, gap_days: float) -> None:
        """Let time pass: z <- r z + (1 - r) (mu + share^T z) + noise; share (parent, child)."""
        k = self.k
        stay = np.exp(-self.decay * gap_days)
        move = np.zeros((k + 1, k + 1))
        move[:k, :k] = stay * np.eye(k) + (1.0 - stay) * self.share.T
        move[:k, k] = 1.0 - stay
        move[k, k] = 1.0
        self.mean = move @ self.mean
        self.cov = move @ self.cov @ move.T
        self.cov[:k, :k] += np.eye(k) * self.spread * (1.0 - stay**2)

    def answer(self, skills: list[int], *, is_correct: bool) -> float:
        """Take in an answer; return P(correct) before it."""
        h = np.zeros(self.k + 1)
        h[skills] = 1.0 / len(skills)
        m, v = float(h @ self.mean), float(h @ self.cov @ h)
        x = m + np.sqrt(v) * NODES
        p = float(sigmoid(x) @ NODE_WEIGHTS)
        weight = sigmoid(x if is_correct else -x) * NODE_WEIGHTS
        weight /= weight.sum()
        mean = float(weight @ x)
        variance = float(weight @ (x - mean) ** 2)
        gain = self.cov @ h / v
        self.mean = self.mean + gain * (mean - m)
        self.cov = self.cov - np.outer(gain, gain) * (v - variance)
        return p
