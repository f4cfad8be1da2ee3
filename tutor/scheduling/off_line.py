"""What another policy would have brought, from decisions that were logged. Pure: numpy only.

Each decision was a draw with a known propensity, so its reward counts as much more or less as the
other policy would have drawn the same, given the same history.
Source: Precup, Sutton and Singh (2000), per-decision importance sampling, plain and weighted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tutor.scheduling.graph_arrays import F

BOOTSTRAP_DRAWS = 400


@dataclass(frozen=True, slots=True)
class Decision:
    """A logged decision: every candidate's terms and propensity, which was drawn, what came."""

    terms: Sequence[Mapping[str, float]]
    propensities: Sequence[float]
    drawn: int
    reward: float


@dataclass(frozen=True, slots=True)
class TargetPolicy:
    """The policy in question: the logged terms times these factors, drawn by its own softmax."""

    factors: Mapping[str, float] = field(default_factory=dict)
    temperature: float = 0.15
    epsilon: float = 0.05

    def propensities(self, terms: Sequence[Mapping[str, float]]) -> F:
        """Return the chance of each candidate, (n_candidates,)."""
        scores = np.array(
            [sum(self.factors.get(name, 1.0) * v for name, v in row.items()) for row in terms]
        )
        weights = np.exp((scores - scores.max()) / self.temperature)
        n = len(scores)
        return np.asarray((1 - self.epsilon) * weights / weights.sum() + self.epsilon / n)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with the ends of its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Mean reward a decision: as logged, and under the target by the plain and weighted estimator.

    `effective_sizes[t]` is how many sittings the weights of decision t are worth; below a few
    dozen the estimates say little.
    """

    n_sittings: int
    n_decisions: int
    logged: Estimate
    plain: Estimate
    weighted: Estimate
    effective_sizes: tuple[float, ...]


def evaluate(
    sittings: Sequence[Sequence[Decision]],
    target: TargetPolicy,
    *,
    most_decisions: int,
    rng: np.random.Generator,
) -> Evaluation:
    """Return what the target policy would have brought in the first decisions of each sitting.

    Raises:
        ValueError: without a decision, or for a propensity that is not in (0, 1].
    """
    rows = [list(sitting[:most_decisions]) for sitting in sittings if sitting]
    if not rows:
        raise ValueError("there is no logged decision to learn from")
    length = max(len(row) for row in rows)
    ratio = np.zeros((len(rows), length))
    reward = np.zeros((len(rows), length))
    is_there = np.zeros((len(rows), length), dtype=np.bool_)
    for at, row in enumerate(rows):
        product = 1.0
        for t, decision in enumerate(row):
            logged = decision.propensities[decision.drawn]
            if not 0 < logged <= 1:
                raise ValueError(f"a logged propensity is {logged}, expected above 0, at most 1")
            product *= float(target.propensities(decision.terms)[decision.drawn]) / logged
            ratio[at, t], reward[at, t], is_there[at, t] = product, decision.reward, True
    draws = rng.integers(0, len(rows), (BOOTSTRAP_DRAWS, len(rows)))
    everybody = np.arange(len(rows))

    def estimate(weights: F, *, is_weighted: bool) -> Estimate:
        def value(picked: NDArray[np.int64]) -> float:
            return _value(
                weights[picked], reward[picked], is_there[picked], is_weighted=is_weighted
            )

        values = np.array([value(draw) for draw in draws])
        low, high = np.quantile(values, [0.025, 0.975])
        return Estimate(value=value(everybody), low=float(low), high=float(high))

    return Evaluation(
        n_sittings=len(rows),
        n_decisions=int(is_there.sum()),
        logged=estimate(is_there.astype(np.float64), is_weighted=False),
        plain=estimate(ratio, is_weighted=False),
        weighted=estimate(ratio, is_weighted=True),
        effective_sizes=tuple(
            float(ratio[:, t].sum() ** 2 / max((ratio[:, t] ** 2).sum(), 1e-300))
            for t in range(length)
        ),
    )


def _value(weights: F, reward: F, is_there: NDArray[np.bool_], *, is_weighted: bool) -> float:
    """Return the mean reward a decision; weighted, the weights of each decision sum to their n."""
    if is_weighted:
        n = is_there.sum(axis=0)
        total = weights.sum(axis=0)
        weights = weights * np.where(total > 0, n / np.maximum(total, 1e-300), 0.0)
    return float((weights * reward).sum() / max(int(is_there.sum()), 1))
