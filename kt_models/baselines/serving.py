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
from kt_models.errors import DataError, StateError
from kt_models.online import Seen, check_observation, counted_beliefs
from kt_models.protocol import Beliefs, Observation

F = NDArray[np.float64]

STATE_VERSION = 1


@dataclass(frozen=True, slots=True)
class HistoryState:
    """All that a learner answered, in order."""

    observations: tuple[Observation, ...] = ()

    @property
    def last_at(self) -> float:
        """Return the time of the last response, minus infinity before the first."""
        return self.observations[-1].at if self.observations else float("-inf")

    def seen(self) -> Seen:
        """Return how often and when last each skill was practised."""
        counts: dict[str, tuple[int, float]] = {}
        for observation in self.observations:
            for skill in observation.skills:
                counts[skill] = (counts.get(skill, (0, 0.0))[0] + 1, observation.at)
        return counts


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
        check_observation(observation, last_at=state.last_at)
        return HistoryState(observations=(*state.observations, observation))

    def predict_next(
        self, state: HistoryState, skills: Sequence[str], *, item: str | None, at: float
    ) -> float:
        """Return P(correct) of the next response, its item and all its skills considered."""
        query = Query(history=state.observations, skills=tuple(skills), item=item, at=at)
        return float(self.answer([query])[0])

    def forecast(self, state: HistoryState, skills: Sequence[str], *, at: float) -> Beliefs:
        """Return (n_skills,) beliefs; mastery is P(correct), for want of anything better."""
        return self.forecast_many([state], skills, at=at).of_learner(0)

    def forecast_many(
        self, states: Sequence[HistoryState], skills: Sequence[str], *, at: float
    ) -> Beliefs:
        """Return (n_learners, n_skills) beliefs at a time."""
        if not isfinite(at):
            raise DataError(f"at is {at}, expected a finite time")
        # One learner at a time: every skill asked of is another copy of the whole history.
        each = [
            self.answer(
                [
                    Query(state.observations, (skill,), None, max(at, state.last_at))
                    for skill in skills
                ]
            )
            for state in states
        ]
        p_correct = np.array(each).reshape(len(states), len(skills))
        return counted_beliefs(p_correct, [state.seen() for state in states], skills)

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
