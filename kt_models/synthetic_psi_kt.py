"""Simulate PSI-KT itself: traits from a population, a sparse graph, knowledge that decays."""

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from kt_models.errors import ConfigError
from kt_models.synthetic_log import (
    Simulated,
    check_sizes,
    draw_times,
    log_of_steps,
    walk_skills,
)

F = NDArray[np.float64]
Divisor: TypeAlias = Literal["skills", "parents"]


@dataclass(frozen=True, slots=True, eq=False)
class PSIKTTruth:
    """What the log was drawn from: traits (n_learners,) and edges (parent, child) in [0, 1].

    knowledge (n, n_skills) is all that the learner knew at each response, where it was kept.
    """

    decay: F
    level: F
    volatility: F
    transfer: F
    edges: F
    knowledge: F | None = None


def simulate_psi_kt(
    rng: np.random.Generator,
    *,
    n_learners: int,
    n_responses: int,
    n_skills: int,
    n_parents: int = 2,
    edge: float = 0.9,
    divisor: Divisor = "skills",
    p_stay: float = 0.5,
    begin_days: float = 20_000.0,
    keeps_knowledge: bool = False,
) -> Simulated[PSIKTTruth]:
    """Simulate the model with traits constant in time; every skill moves in every gap.

    Each skill has up to n_parents parents of lower number, of weight edge. The pull is divided by
    the number of skills, as published, or by one plus the skill's own edges; the second is strong
    enough to be seen. A skill starts at the learner's target, with variance 0.5.

    Raises: ConfigError.

    Source: Zhou et al. (2024), section 3.
    """
    check_sizes(n_learners=n_learners, n_responses=n_responses, n_skills=n_skills)
    if divisor not in ("skills", "parents"):
        raise ConfigError(f"divisor is '{divisor}', expected skills or parents")
    if not 0.0 <= edge <= 1.0 or n_parents < 0:
        raise ConfigError(f"edge is {edge} and n_parents {n_parents}, expected 0 to 1, and 0 up")
    truth = PSIKTTruth(
        decay=np.logaddexp(0.0, rng.normal(-2.0, 1.0, n_learners)),
        level=rng.normal(0.2, 0.8, n_learners),
        volatility=np.logaddexp(0.0, rng.normal(-0.6, 0.6, n_learners)),
        transfer=1.0 / (1.0 + np.exp(-rng.normal(0.0, 1.5, n_learners))),
        edges=_edges(rng, n_skills, n_parents=n_parents, edge=edge),
    )
    shares = truth.edges / (
        n_skills if divisor == "skills" else 1.0 + truth.edges.sum(axis=0, keepdims=True)
    )
    skill = walk_skills(
        rng, n_learners=n_learners, n_responses=n_responses, n_skills=n_skills, p_stay=p_stay
    )
    time = draw_times(rng, n_learners=n_learners, n_responses=n_responses, begin_days=begin_days)
    z = _start(rng, truth, shares)
    correct, p = np.empty(skill.shape, dtype=np.bool_), np.empty(skill.shape)
    row, kept = np.arange(n_learners), list[F]()
    for step, practised in enumerate(skill):
        if step:
            z = _moved(rng, z, truth, shares, gap_days=time[step] - time[step - 1])
        if keeps_knowledge:
            kept.append(z)
        p[step] = 0.5 * (1.0 + np.tanh(0.5 * z[row, practised]))
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
    if kept:
        knowledge = np.stack(kept, axis=1).reshape(-1, n_skills)
        truth = replace(truth, knowledge=knowledge)
    return Simulated(data=data, p=p.T.ravel(), truth=truth)


def _edges(rng: np.random.Generator, n_skills: int, *, n_parents: int, edge: float) -> F:
    found = np.zeros((n_skills, n_skills))
    for child in range(1, n_skills):
        parents = rng.choice(child, size=min(n_parents, child), replace=False)
        found[parents, child] = edge
    return found


def _start(rng: np.random.Generator, truth: PSIKTTruth, shares: F) -> F:
    """Draw the first knowledge, parents before children."""
    n_learners, n_skills = len(truth.level), len(shares)
    z = np.zeros((n_learners, n_skills))
    for skill in range(n_skills):
        target = truth.level + truth.transfer * (z @ shares[:, skill])
        z[:, skill] = target + rng.normal(0.0, np.sqrt(0.5), n_learners)
    return z


def _moved(rng: np.random.Generator, z: F, truth: PSIKTTruth, shares: F, *, gap_days: F) -> F:
    stay = np.exp(-truth.decay * gap_days)[:, None]
    target = truth.level[:, None] + truth.transfer[:, None] * (z @ shares)
    spread = truth.volatility[:, None] * np.sqrt((1.0 - stay**2) / (2.0 * truth.decay[:, None]))
    moved: F = stay * z + (1.0 - stay) * target + spread * rng.normal(size=z.shape)
    return moved
