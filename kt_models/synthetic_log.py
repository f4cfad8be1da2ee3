"""What every simulator shares: a log with its truth, and how simulated learners move about."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from kt_models.arrays import ResponseArrays, TimeUnit
from kt_models.errors import ConfigError

TruthT = TypeVar("TruthT")

_P_NEW_SITTING = 0.12
_DAYS_BETWEEN_SITTINGS = 2.5
_DAYS_BETWEEN_RESPONSES = 1.5 / (24 * 60)


@dataclass(frozen=True, slots=True, eq=False)
class Simulated(Generic[TruthT]):
    """A simulated log: p (n,) is the true P(correct) that each response was drawn with."""

    data: ResponseArrays
    p: NDArray[np.float64]
    truth: TruthT


def check_sizes(**sizes: int) -> None:
    """Refuse sizes below 1. Raises: ConfigError."""
    for name, size in sizes.items():
        if size < 1:
            raise ConfigError(f"{name} is {size}, expected at least 1")


def walk_skills(
    rng: np.random.Generator, *, n_learners: int, n_responses: int, n_skills: int, p_stay: float
) -> NDArray[np.int32]:
    """Return (n_responses, n_learners) skill codes: stay with p_stay, else go anywhere."""
    skill = np.empty((n_responses, n_learners), dtype=np.int32)
    skill[0] = rng.integers(n_skills, size=n_learners)
    for step in range(1, n_responses):
        elsewhere = rng.integers(n_skills, size=n_learners)
        stays = rng.random(n_learners) < p_stay
        skill[step] = np.where(stays, skill[step - 1], elsewhere)
    return skill


def draw_times(
    rng: np.random.Generator, *, n_learners: int, n_responses: int, begin_days: float
) -> NDArray[np.float64]:
    """Return (n_responses, n_learners) times in days: minutes within a sitting, days between."""
    shape = (n_responses, n_learners)
    is_new = rng.random(shape) < _P_NEW_SITTING
    gap = rng.exponential(np.where(is_new, _DAYS_BETWEEN_SITTINGS, _DAYS_BETWEEN_RESPONSES))
    times: NDArray[np.float64] = begin_days + np.cumsum(gap, axis=0)
    return times


def learner_ids(n: int) -> NDArray[np.str_]:
    """Return ids l00, l01, ... whose sorted order is their number."""
    return _ids("l", n)


def skill_ids(n: int) -> NDArray[np.str_]:
    """Return ids s00, s01, ... whose sorted order is their number."""
    return _ids("s", n)


def _ids(letter: str, n: int) -> NDArray[np.str_]:
    width = len(str(n - 1))
    return np.array([f"{letter}{number:0{width}d}" for number in range(n)], dtype=np.str_)


def log_of_steps(
    *,
    skill: NDArray[np.int32],
    correct: NDArray[np.bool_],
    time: NDArray[np.float64],
    item: NDArray[np.int32] | None,
    items: Sequence[str],
    n_skills: int,
    time_unit: TimeUnit,
) -> ResponseArrays:
    """Return the log of (n_responses, n_learners) arrays, one skill a response."""
    n_responses, n_learners = skill.shape
    n = n_responses * n_learners
    unknown = np.full(n, -1, dtype=np.int32)
    return ResponseArrays(
        learner=np.repeat(np.arange(n_learners, dtype=np.int32), n_responses),
        item=unknown if item is None else item.T.ravel(),
        correct=correct.T.ravel().astype(np.int8),
        time=time.T.ravel(),
        skill_indptr=np.arange(n + 1, dtype=np.int64),
        skill_index=skill.T.ravel(),
        learners=learner_ids(n_learners),
        items=np.array(items, dtype=np.str_),
        skills=skill_ids(n_skills),
        time_unit=time_unit,
    )
