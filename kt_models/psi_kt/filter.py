"""The fitted PSI-KT: an online filter of each learner's knowledge and traits, in numpy."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from kt_models.arrays import ResponseArrays
from kt_models.online import check_observation
from kt_models.protocol import Beliefs, Observation
from kt_models.psi_kt import batch, forecast
from kt_models.psi_kt.forecast import EdgeBelief, TraitBeliefs
from kt_models.psi_kt.graph import (
    joined,
    pull_of_excess,
    pulls_of,
    split,
    start_of,
    start_row,
)
from kt_models.psi_kt.history import advance, features
from kt_models.psi_kt.parameters import PSIKTParameters, load_parameters, save_parameters
from kt_models.psi_kt.recursion import (
    F,
    Knowledge,
    Level,
    Response,
    drift_weights,
    learn,
    p_correct,
    respond,
    revisit,
)
from kt_models.psi_kt.state import (
    COUNT,
    LAST_AT,
    LAST_NUMBER,
    LAST_SIGN,
    N_COLUMNS,
    PSIKTState,
    dump_state,
    empty_state,
    frozen,
    load_state,
)


class _Now(NamedTuple):
    """A learner at the moment of a response, before its answer: S skills, P trait points."""

    known: Knowledge
    level: Level
    log_weights: F
    share: F
    response: Response
    practice: F


class FittedPSIKT:
    """PSI-KT with its parameters: what each learner knows, forgets and carries over.

    Source: Zhou et al. (2024), the generative model. Ours: the filter (kt_models.psi_kt.recursion),
    which keeps the uncertainty of knowledge, level and traits; docs/psi-kt.md lists departures.
    """

    def __init__(self, parameters: PSIKTParameters) -> None:
        """Take the parameters; a skill that they do not list gets their last row."""
        self.parameters = parameters
        self.name = parameters.name
        self.pulls = pulls_of(parameters)
        self.start = start_of(parameters)
        self.trait_points = parameters.traits()
        self._ids = [str(skill) for skill in parameters.skills]
        self._rows = {skill: row for row, skill in enumerate(self._ids)}
        self._items = {str(item): row for row, item in enumerate(parameters.items)}
        self._start_row = start_row(self.start, self.n_points)
        self._parents = [
            [(self._ids[code], value) for code, value in zip(codes, shares, strict=True) if value]
            for codes, shares in zip(
                self.pulls.parents.tolist(), self.pulls.share.tolist(), strict=True
            )
        ]

    @property
    def n_points(self) -> int:
        """Return how many trait points each learner's weights are over."""
        return self.parameters.config.particles

    def init_state(self) -> PSIKTState:
        """Return the state of a learner who has answered nothing."""
        return empty_state(
            self.n_points,
            level_mean=self.parameters.level_mean,
            level_variance=self.parameters.level_variance,
        )

    def update(self, state: PSIKTState, observation: Observation) -> PSIKTState:
        """Return the state after one response; nothing of the history is read again.

        Raises: DataError for no skills, a skill named twice, or time going backwards.
        """
        check_observation(observation, last_at=state.last_at)
        skills, at = observation.skills, observation.at
        now = self._now(state, skills, item=observation.item, at=at)
        sign = 1.0 if observation.is_correct else -1.0
        known, level, log_likelihood = learn(
            now.known, now.share, now.level, now.response, np.array([sign])
        )
        log_weights = now.log_weights + log_likelihood
        index, n_old = state.index, len(state.index)
        new = [skill for skill in skills if skill not in index]
        if new:
            grown = dict(index)
            for skill in new:
                grown[skill] = len(grown)
            index = MappingProxyType(grown)
        table = np.empty((len(index), 3 * self.n_points))
        table[:n_old] = state.table
        practice = np.zeros((len(index), N_COLUMNS))
        practice[:n_old] = state.practice
        rows = [index[skill] for skill in skills]
        table[rows] = joined(known)
        practice[rows, LAST_AT] = at
        practice[rows, COUNT] += 1.0
        practice[rows, LAST_SIGN] = sign
        practice[rows, LAST_NUMBER] = state.n
        is_same = observation.item is not None and observation.item == state.item
        answer = 1.0 if observation.is_correct else 0.0
        surplus = answer - self._rate(skills, observation.item)
        return PSIKTState(
            index=index,
            table=frozen(table),
            practice=frozen(practice),
            level_mean=frozen(level.m),
            level_variance=frozen(level.v),
            log_weights=frozen(drift_weights(log_weights, 0.0)),
            n=state.n + 1,
            first_at=state.first_at if state.n else at,
            last_at=at,
            past=advance(state.past, sign=sign, surplus=surplus, is_same_item=is_same),
            item=observation.item,
        )

    def predict_next(
        self, state: PSIKTState, skills: Sequence[str], *, item: str | None, at: float
    ) -> float:
        """Return P(correct) of the next response, its item and all its skills considered."""
        now = self._now(state, skills, item=item, at=at)
        weights = np.exp(now.log_weights)
        return float((weights * p_correct(now.response)).sum() / weights.sum())

    def forecast(self, state: PSIKTState, skills: Sequence[str], *, at: float) -> Beliefs:
        """Return (n_skills,) beliefs at a time; a time before the last response counts as it."""
        return self.forecast_many([state], skills, at=at).of_learner(0)

    def forecast_many(
        self, states: Sequence[PSIKTState], skills: Sequence[str], *, at: float
    ) -> Beliefs:
        """Return (n_learners, n_skills) beliefs at a time; see kt_models.psi_kt.forecast."""
        return forecast.beliefs(self.parameters, self.pulls, states, skills, at=at)

    def traits(self, state: PSIKTState) -> TraitBeliefs:
        """Return a learner's traits with 80 % intervals."""
        return forecast.traits(self.parameters, state)

    def edges(
        self,
        *,
        at_least: float = 0.0,
        most: int | None = None,
        always: Collection[tuple[str, str]] = (),
    ) -> list[EdgeBelief]:
        """Return the learned graph's edges, strongest first; see kt_models.psi_kt.forecast."""
        return forecast.edges(self.parameters, at_least=at_least, most=most, always=always)

    def predict(self, data: ResponseArrays) -> F:
        """Return (n,) one-step-ahead P(correct).

        Raises: DataError when the log's time unit is not the model's.
        """
        return batch.predict(self.parameters, self.pulls, data)

    def dump_state(self, state: PSIKTState) -> bytes:
        """Return a versioned blob of the state."""
        return dump_state(state)

    def load_state(self, blob: bytes) -> PSIKTState:
        """Return the state of a blob. Raises: StateError."""
        return load_state(blob, n_points=self.n_points)

    def save(self, directory: Path, *, created_at: datetime | None = None) -> None:
        """Write a new artifact. Raises: ArtifactError."""
        save_parameters(self.parameters, directory, created_at=created_at)

    @classmethod
    def load(cls, directory: Path) -> "FittedPSIKT":
        """Read what save wrote. Raises: ArtifactError."""
        return cls(load_parameters(directory))

    def _now(
        self, state: PSIKTState, skills: Sequence[str], *, item: str | None, at: float
    ) -> _Now:
        parameters = self.parameters
        n_points, n_skills = self.n_points, len(skills)
        before = np.empty((n_skills, 3 * n_points))
        practice = np.zeros((n_skills, N_COLUMNS))
        practice[:, LAST_AT] = state.first_at if state.n else at
        excess = np.zeros((n_skills, 3 * n_points))
        total, total_square = np.empty((n_skills, 1)), np.empty((n_skills, 1))
        for place, skill in enumerate(skills):
            row = state.index.get(skill, -1)
            before[place] = state.table[row] if row >= 0 else self._start_row
            if row >= 0:
                practice[place] = state.practice[row]
            code = self._rows.get(skill, -1)
            total[place], total_square[place] = (
                self.pulls.total[code],
                self.pulls.total_square[code],
            )
            self._add_parents(excess[place], state, code)
        pull = pull_of_excess(
            excess[:, : 2 * n_points],
            excess[:, 2 * n_points :],
            self._start_row,
            total=total,
            total_square=total_square,
            gamma=self.trait_points.gamma,
        )
        known = revisit(
            split(before),
            pull,
            self.trait_points,
            self.start,
            gap_days=np.maximum(at - practice[:, LAST_AT, None], 0.0),
            is_new=practice[:, COUNT, None] == 0.0,
        )
        drift = parameters.level_drift if state.n else 0.0
        level = Level(m=state.level_mean, v=state.level_variance + drift)
        share = np.full((n_skills, 1), 1.0 / n_skills)
        offset = np.array([self._offset(state, skills, item, practice)])
        return _Now(
            known=known,
            level=level,
            log_weights=drift_weights(
                state.log_weights, parameters.trait_drift if state.n else 0.0
            ),
            share=share,
            response=respond(known, share, level, offset),
            practice=practice,
        )

    def _add_parents(self, into: F, state: PSIKTState, code: int) -> None:
        n_points = self.n_points
        for parent, share in self._parents[code]:
            row = state.index.get(parent)
            if row is not None:
                difference = state.table[row] - self._start_row
                into[: 2 * n_points] += share * difference[: 2 * n_points]
                into[2 * n_points :] += share**2 * difference[2 * n_points :]

    def _offset(
        self, state: PSIKTState, skills: Sequence[str], item: str | None, practice: F
    ) -> float:
        parameters = self.parameters
        offsets = [parameters.skill_offset[self._rows.get(skill, -1)] for skill in skills]
        offset = float(sum(offsets)) / len(skills)
        row = None if item is None else self._items.get(item)
        if row is not None:
            offset += float(parameters.item_offset[row])
        if parameters.config.history:
            values = features(
                state.past,
                skill_last=practice[:, LAST_SIGN],
                skill_count=practice[:, COUNT],
                skill_is_last=(practice[:, COUNT] > 0.0)
                * (practice[:, LAST_NUMBER] == state.n - 1.0),
                is_same_item=item is not None and item == state.item,
            )
            offset += float((values * parameters.coefficients).sum())
        return offset

    def _rate(self, skills: Sequence[str], item: str | None) -> float:
        row = None if item is None else self._items.get(item)
        if row is not None:
            return float(self.parameters.item_rate[row])
        rates = [self.parameters.skill_rate[self._rows.get(skill, -1)] for skill in skills]
        return float(sum(rates)) / len(skills)


def trait_names() -> Mapping[str, str]:
    """Return the traits and what each says, for pages."""
    return forecast.TRAIT_MEANINGS
