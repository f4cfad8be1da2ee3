"""Serve a model that only knows `predict` one answer at a time: its state is the history itself.

Right, simple and slow: a forecast costs O(history x skills). It lets every baseline meet the
contract of the others; pages are served by models with a state of their own.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from kt_models.arrays import ResponseArrays, TimeUnit
from kt_models.bkt.interval import beta_interval
from kt_models.errors import DataError, StateError
from kt_models.protocol import Beliefs, Observation

F = NDArray[np.float64]

STATE_VERSION = 1
# The interval of a forecast is that of a Beta worth this many answers before the first one,
# and never more than the cap: a point model says nothing of its own uncertainty.
PRIOR_ANSWERS = 4.0
CAPPED_ANSWERS = 40.0


@dataclass(frozen=True, slots=True)
class HistoryState:
    """All that a learner answered, in order."""

    observations: tuple[Observation, ...] = ()


@dataclass(frozen=True, slots=True)
class Query:
    """A next response whose outcome is asked for."""

    history: tuple[Observation, ...]
    skills: tuple[str, ...]
    item: str | None
    at: float


class HistoryServing(ABC):
    """The online half of FittedTracer for a model with `predict` and a time unit."""

    time_unit: TimeUnit

    @abstractmethod
    def predict(self, data: ResponseArrays) -> F:
        """Return (n,) one-step-ahead P(correct)."""

    def init_state(self) -> HistoryState:
        """Return the state of a learner who has answered nothing."""
        return HistoryState()

    def update(self, state: HistoryState, observation: Observation) -> HistoryState:
        """Return the state after one response.

        Raises: DataError for no skills, a skill named twice, or time going backwards.
        """
        _check_observation(state, observation)
        return HistoryState(observations=(*state.observations, observation))

    def predict_next(
        self, state: HistoryState, skills: Sequence[str], *, item: str | None, at: float
    ) -> float:
        """Return P(correct) of the next response, its item and all its skills considered."""
        query = Query(history=state.observations, skills=tuple(skills), item=item, at=at)
        return float(self.answer([query])[0])

    def forecast(self, state: HistoryState, skills: Sequence[str], *, at: float) -> Beliefs:
        """Return (n_skills,) beliefs; mastery is P(correct), for want of anything better."""
        if not isfinite(at):
            raise DataError(f"at is {at}, expected a finite time")
        history = state.observations
        now = max(at, history[-1].at) if history else at
        queries = [Query(history=history, skills=(skill,), item=None, at=now) for skill in skills]
        p_correct = self.answer(queries)
        counts = np.zeros(len(skills), dtype=np.int64)
        last_at = np.full(len(skills), np.nan)
        place = {skill: position for position, skill in enumerate(skills)}
        for observation in history:
            for skill in observation.skills:
                if skill in place:
                    counts[place[skill]] += 1
                    last_at[place[skill]] = observation.at
        evidence = np.minimum(PRIOR_ANSWERS + counts, CAPPED_ANSWERS)
        lower, upper = beta_interval(p_correct, evidence)
        return Beliefs(
            p_correct=p_correct,
            p_mastery=p_correct.copy(),
            lower=lower,
            upper=upper,
            n_observations=counts,
            last_at=last_at,
        )

    def forecast_many(
        self, states: Sequence[HistoryState], skills: Sequence[str], *, at: float
    ) -> Beliefs:
        """Return (n_learners, n_skills) beliefs at a time."""
        each = [self.forecast(state, skills, at=at) for state in states]
        shape = (len(states), len(skills))
        return Beliefs(
            p_correct=np.array([one.p_correct for one in each]).reshape(shape),
            p_mastery=np.array([one.p_mastery for one in each]).reshape(shape),
            lower=np.array([one.lower for one in each]).reshape(shape),
            upper=np.array([one.upper for one in each]).reshape(shape),
            n_observations=np.array([one.n_observations for one in each], dtype=np.int64).reshape(
                shape
            ),
            last_at=np.array([one.last_at for one in each]).reshape(shape),
        )

    def dump_state(self, state: HistoryState) -> bytes:
        """Return the history as versioned JSON."""
        rows = [[list(o.skills), o.item, int(o.is_correct), o.at] for o in state.observations]
        return json.dumps({"version": STATE_VERSION, "rows": rows}).encode()

    def load_state(self, blob: bytes) -> HistoryState:
        """Return the state of a blob. Raises: StateError."""
        try:
            content = json.loads(blob)
            version = content["version"]
            if version != STATE_VERSION:
                raise StateError(f"state has version {version!r}, this code reads {STATE_VERSION}")
            return HistoryState(
                observations=tuple(
                    Observation(
                        skills=tuple(skills), item=item, is_correct=bool(correct), at=float(at)
                    )
                    for skills, item, correct, at in content["rows"]
                )
            )
        except (ValueError, TypeError, KeyError) as error:
            raise StateError(f"these {len(blob)} bytes are not a learner's history") from error

    def answer(self, queries: Sequence[Query]) -> F:
        """Return (n_queries,) P(correct): the last row of one made-up learner a query."""
        if not queries:
            return np.empty(0)
        rows = [
            (str(number), observation.item or "", observation.skills, observation.is_correct, at)
            for number, query in enumerate(queries)
            for observation, at in (
                *((observation, observation.at) for observation in query.history),
                (Observation(query.skills, query.item, False, query.at), query.at),
            )
        ]
        data = ResponseArrays.from_columns(
            [row[0] for row in rows],
            [row[1] for row in rows],
            [row[2] for row in rows],
            [int(row[3]) for row in rows],
            [row[4] for row in rows],
            time_unit=self.time_unit,
        )
        return self.predict(data)[data.learner_slices()[1:] - 1]


def _check_observation(state: HistoryState, observation: Observation) -> None:
    skills, at = observation.skills, observation.at
    if not skills or len(set(skills)) != len(skills):
        raise DataError(f"an observation needs one skill or more, each once; got {skills}")
    if not isfinite(at):
        raise DataError(f"observation has time {at}, expected a finite number")
    if state.observations and at < state.observations[-1].at:
        raise DataError(
            f"observation at {at} is earlier than the learner's last one at "
            f"{state.observations[-1].at}; rebuild the state from the log"
        )
