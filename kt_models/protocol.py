"""What every knowledge-tracing model promises: the contract between models and their callers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from kt_models.arrays import ResponseArrays

Progress: TypeAlias = Callable[[float, str], None]
"""Called with the fraction done in [0, 1] and a short sentence."""

INTERVAL_MASS = 0.80
"""Beliefs.lower and .upper enclose this much probability, for every model."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One response, as a model is told of it online.

    skills holds at least one skill id; at is days since the Unix epoch (UTC), or the running
    index for a model that was fitted on indexes.
    """

    skills: tuple[str, ...]
    item: str | None
    is_correct: bool
    at: float


@dataclass(frozen=True, slots=True, eq=False)
class Beliefs:
    """Forecasts of P(correct) and mastery; every array is (n_skills,) or (n_learners, n_skills).

    lower and upper are the ends of the 80 % interval of P(correct now); n_observations counts the
    learner's observations of the skill; last_at is the time of the last one, NaN for never.
    """

    p_correct: NDArray[np.float64]
    p_mastery: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    n_observations: NDArray[np.int64]
    last_at: NDArray[np.float64]

    def of_learner(self, row: int) -> "Beliefs":
        """Return the (n_skills,) beliefs of one of (n_learners, n_skills)."""
        return Beliefs(
            p_correct=self.p_correct[row],
            p_mastery=self.p_mastery[row],
            lower=self.lower[row],
            upper=self.upper[row],
            n_observations=self.n_observations[row],
            last_at=self.last_at[row],
        )


StateT = TypeVar("StateT")


class FittedTracer(Protocol[StateT]):
    """A model with its parameters: forecasts, and one opaque state per learner."""

    @property
    def name(self) -> str: ...

    def init_state(self) -> StateT:
        """Return the state of a learner who has answered nothing."""

    def update(self, state: StateT, observation: Observation) -> StateT:
        """Return the state after one response; the state passed in is never changed.

        Raises: DataError when the observation is earlier than the state's last one.
        """

    def predict_next(
        self, state: StateT, skills: Sequence[str], *, item: str | None, at: float
    ) -> float:
        """Return P(correct) of the next response, its item and all its skills considered.

        What predict gives for a row, from a learner's state instead of the log.
        """

    def forecast(self, state: StateT, skills: Sequence[str], *, at: float) -> Beliefs:
        """Return (n_skills,) beliefs at a time; an unknown skill id gets the model's default."""

    def forecast_many(
        self, states: Sequence[StateT], skills: Sequence[str], *, at: float
    ) -> Beliefs:
        """Return (n_learners, n_skills) beliefs at a time."""

    def predict(self, data: ResponseArrays) -> NDArray[np.float64]:
        """Return (n,) P(correct) of each response from that learner's earlier responses only.

        Rows of equal learner, time and known item are one response and get the same value.
        """

    def dump_state(self, state: StateT) -> bytes:
        """Return a small versioned blob, never a pickle."""

    def load_state(self, blob: bytes) -> StateT:
        """Return the state of a blob. Raises: StateError."""

    def save(self, directory: Path, *, created_at: datetime | None = None) -> None:
        """Write manifest.json and arrays to a new directory. Raises: ArtifactError."""


AnyFittedTracer: TypeAlias = FittedTracer[Any]
"""A fitted model whose state type the caller does not look into."""


class Tracer(Protocol):
    """A model that can be fitted."""

    @property
    def name(self) -> str: ...

    def fit(
        self,
        data: ResponseArrays,
        *,
        seed: int,
        validation: ResponseArrays | None = None,
        progress: Progress | None = None,
        checkpoint: Path | None = None,
    ) -> AnyFittedTracer:
        """Fit on responses; the same data and seed give the same result.

        A fit that takes long keeps its progress in the directory `checkpoint` and goes on from
        what it finds there of the same data, settings and seed; a short one ignores it.

        Raises: DataError.
        """
