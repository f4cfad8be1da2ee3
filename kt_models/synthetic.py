"""Simulators with known truth: classical BKT, and an Ornstein-Uhlenbeck process on a graph.

Practice with forgetting, and one learner at a time, are in kt_models.synthetic_practice.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kt_models.synthetic_log import (
    Simulated,
    check_sizes,
    draw_times,
    log_of_steps,
    walk_skills,
)
from kt_models.synthetic_practice import (
    PracticeTraits,
    PracticeTruth,
    SimulatedAnswer,
    SimulatedLearner,
    simulate_practice,
)

__all__ = [
    "BKTTruth",
    "OUTruth",
    "PracticeTraits",
    "PracticeTruth",
    "Simulated",
    "SimulatedAnswer",
    "SimulatedLearner",
    "simulate_bkt",
    "simulate_ou",
    "simulate_practice",
]


@dataclass(frozen=True, slots=True, eq=False)
class BKTTruth:
    """The rates drawn: (n_skills,), and item_shift (n_skills * items_per_skill,) in log odds."""

    prior: NDArray[np.float64]
    learn: NDArray[np.float64]
    forget: NDArray[np.float64]
    guess: NDArray[np.float64]
    slip: NDArray[np.float64]
    item_shift: NDArray[np.float64]


def simulate_bkt(
    rng: np.random.Generator,
    *,
    n_learners: int,
    n_responses: int,
    n_skills: int,
    forgets: bool = False,
    items_per_skill: int = 0,
    item_spread: float = 0.0,
    p_stay: float = 0.7,
) -> Simulated[BKTTruth]:
    """Simulate n_responses of each learner from BKT; times are running indexes.

    With items, each has a shift in log odds of standard deviation item_spread that moves guess
    and 1 - slip alike. Raises: ConfigError.

    Source: Corbett and Anderson (1995).
    """
    check_sizes(n_learners=n_learners, n_responses=n_responses, n_skills=n_skills)
    truth = BKTTruth(
        prior=rng.uniform(0.1, 0.6, n_skills),
        learn=rng.uniform(0.05, 0.35, n_skills),
        forget=rng.uniform(0.01, 0.10, n_skills) if forgets else np.zeros(n_skills),
        guess=rng.uniform(0.08, 0.35, n_skills),
        slip=rng.uniform(0.04, 0.20, n_skills),
        item_shift=rng.normal(0.0, item_spread, n_skills * items_per_skill),
    )
    sizes = {"n_learners": n_learners, "n_responses": n_responses, "n_skills": n_skills}
    skill = walk_skills(rng, **sizes, p_stay=p_stay)
    item: NDArray[np.int32] | None = None
    if items_per_skill:
        within = rng.integers(items_per_skill, size=skill.shape, dtype=np.int32)
        item = skill * np.int32(items_per_skill) + within
    known = rng.random((n_learners, n_skills)) < truth.prior
    correct = np.empty(skill.shape, dtype=np.bool_)
    p = np.empty(skill.shape)
    row = np.arange(n_learners)
    for step, practised in enumerate(skill):
        is_known = known[row, practised]
        chance = np.where(is_known, 1 - truth.slip[practised], truth.guess[practised])
        if item is not None:
            chance = _shifted(chance, truth.item_shift[item[step]])
        p[step] = chance
        correct[step] = rng.random(n_learners) < chance
        turns = np.where(is_known, truth.forget[practised], truth.learn[practised])
        known[row, practised] = is_known ^ (rng.random(n_learners) < turns)
    index = np.repeat(np.arange(n_responses, dtype=np.float64)[:, None], n_learners, axis=1)
    data = log_of_steps(
        skill=skill,
        correct=correct,
        time=index,
        item=item,
        items=[f"i{number}" for number in range(n_skills * items_per_skill)],
        n_skills=n_skills,
        time_unit="index",
    )
    return Simulated(data=data, p=p.T.ravel(), truth=truth)


@dataclass(frozen=True, slots=True, eq=False)
class OUTruth:
    """Traits (n_learners,): decay (1/day), level, volatility, transfer; edges (from, to)."""

    decay: NDArray[np.float64]
    level: NDArray[np.float64]
    volatility: NDArray[np.float64]
    transfer: NDArray[np.float64]
    edges: NDArray[np.float64]


def simulate_ou(
    rng: np.random.Generator,
    *,
    n_learners: int,
    n_responses: int,
    n_skills: int,
    edge_share: float = 0.1,
    p_stay: float = 0.5,
    begin_days: float = 20_000.0,
) -> Simulated[OUTruth]:
    """Simulate knowledge as an Ornstein-Uhlenbeck process that prerequisites pull up.

    Every skill moves between responses; edges go from lower to higher skill numbers only, so that
    they form a prerequisite graph. Times are in days. Raises: ConfigError.

    Source: Zhou et al. (2024), the generative model, with traits constant in time.
    """
    check_sizes(n_learners=n_learners, n_responses=n_responses, n_skills=n_skills)
    is_edge = np.triu(rng.random((n_skills, n_skills)) < edge_share, k=1)
    truth = OUTruth(
        decay=np.exp(rng.normal(np.log(0.10), 0.5, n_learners)),
        level=rng.normal(0.3, 0.8, n_learners),
        volatility=np.exp(rng.normal(np.log(0.35), 0.3, n_learners)),
        transfer=1 / (1 + np.exp(-rng.normal(0.0, 1.0, n_learners))),
        edges=np.where(is_edge, rng.uniform(0.5, 1.0, is_edge.shape), 0.0),
    )
    sizes = {"n_learners": n_learners, "n_responses": n_responses, "n_skills": n_skills}
    skill = walk_skills(rng, **sizes, p_stay=p_stay)
    time = draw_times(rng, n_learners=n_learners, n_responses=n_responses, begin_days=begin_days)
    z = truth.level[:, None] + rng.normal(0.0, 1.0, (n_learners, n_skills))
    correct = np.empty(skill.shape, dtype=np.bool_)
    p = np.empty(skill.shape)
    row = np.arange(n_learners)
    for step, practised in enumerate(skill):
        if step:
            z = _ou_step(rng, z, truth, gap_days=time[step] - time[step - 1])
        p[step] = 1 / (1 + np.exp(-z[row, practised]))
        correct[step] = rng.random(n_learners) < p[step]
    data = log_of_steps(
        skill=skill,
        correct=correct,
        time=time,
        item=None,
        items=[],
        n_skills=n_skills,
        time_unit="days",
    )
    return Simulated(data=data, p=p.T.ravel(), truth=truth)


def _ou_step(
    rng: np.random.Generator,
    z: NDArray[np.float64],
    truth: OUTruth,
    *,
    gap_days: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Move z (n_learners, n_skills) over gap_days (n_learners,)."""
    remains = np.exp(-truth.decay * gap_days)[:, None]
    pull = (z @ truth.edges) * (truth.transfer / z.shape[1])[:, None]
    target = truth.level[:, None] + pull
    spread = truth.volatility[:, None] * np.sqrt((1 - remains**2) / (2 * truth.decay[:, None]))
    moved: NDArray[np.float64] = (
        remains * z + (1 - remains) * target + spread * rng.normal(size=z.shape)
    )
    return moved


def _shifted(p: NDArray[np.float64], shift: NDArray[np.float64]) -> NDArray[np.float64]:
    moved: NDArray[np.float64] = 1 / (1 + np.exp(-(np.log(p) - np.log1p(-p) + shift)))
    return moved
