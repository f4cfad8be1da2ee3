"""The fitted BKT: an exact online filter per skill, forecasts with an interval, save and load."""

import math
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kt_models.arrays import ResponseArrays, lookup
from kt_models.bkt import batch
from kt_models.bkt.interval import beta_interval
from kt_models.bkt.parameters import BKTParameters, F, default_parameters
from kt_models.bkt.state import (
    EVIDENCE,
    LAST_AT,
    N_COLUMNS,
    N_CORRECT,
    P_UNKNOWN,
    PRIOR,
    BKTState,
    N,
    dump_state,
    empty_state,
    load_state,
)
from kt_models.bkt.storage import NAME, load_parameters, save_parameters
from kt_models.errors import DataError
from kt_models.online import check_observation
from kt_models.protocol import Beliefs, Observation


class _Rates(NamedTuple):
    prior: tuple[float, ...]
    learn: float
    forget: float
    guess: float
    slip: float


class _PairRates(NamedTuple):
    learn: float
    guess: float
    slip: float


class FittedBKT:
    """Bayesian knowledge tracing with its parameters.

    Source: Corbett and Anderson (1995). Ours besides: evidence ages with time (see Clock), an
    interval from a Beta with the filter's mean and the effective number of observations, and
    priors by learner class.
    """

    name = NAME

    def __init__(self, parameters: BKTParameters) -> None:
        """Take the parameters; a skill that they do not list gets their last row."""
        self.parameters = parameters
        table = zip(
            map(tuple, parameters.prior.tolist()),
            parameters.learn.tolist(),
            parameters.forget.tolist(),
            parameters.guess.tolist(),
            parameters.slip.tolist(),
            strict=True,
        )
        rates = [_Rates(*row) for row in table]
        self._default = rates[-1]
        ids = parameters.skills.tolist()
        self._rates = dict(zip(ids, rates[:-1], strict=True))
        pairs = parameters.pairs
        items = parameters.items.tolist()
        self._pairs = {
            (ids[skill], items[item]): _PairRates(learn, guess, slip)
            for skill, item, learn, guess, slip in zip(
                pairs.skill.tolist(),
                pairs.item.tolist(),
                pairs.learn.tolist(),
                pairs.guess.tolist(),
                pairs.slip.tolist(),
                strict=True,
            )
        }

    @classmethod
    def with_defaults(cls) -> "FittedBKT":
        """Return the model that serves at once, with no data and no list of skills."""
        return cls(default_parameters())

    def init_state(self) -> BKTState:
        """Return the state of a learner who has answered nothing."""
        return empty_state()

    def update(self, state: BKTState, observation: Observation) -> BKTState:
        """Return the state after one response, in O(practised skills) copied bytes.

        Raises: DataError for no skills, a skill named twice, or time going backwards.
        """
        skills, at = observation.skills, observation.at
        check_observation(observation, last_at=state.last_at)
        index = state.index
        n_old = len(index)
        new = [skill for skill in skills if skill not in index]
        if new:
            grown = dict(index)
            for skill in new:
                grown[skill] = len(grown)
            index = MappingProxyType(grown)
        table = np.empty((len(index), N_COLUMNS))
        table[:n_old] = state.table
        rows = self._rows(state, skills, at)
        is_correct = observation.is_correct
        posteriors = self._posteriors(skills, observation.item, rows, is_correct=is_correct)
        for skill, values, posterior in zip(skills, rows, posteriors, strict=True):
            rates, pair = self._lookup(skill, observation.item)
            unknown = posterior * (1 - pair.learn) + (1 - posterior) * rates.forget
            table[index[skill]] = (
                max(unknown, self.parameters.least_unknown),
                min(values[EVIDENCE] + 1, self.parameters.clock.evidence_cap),
                values[N] + 1,
                values[N_CORRECT] + is_correct,
                at,
                values[PRIOR],
            )
        table.setflags(write=False)
        return BKTState(
            index=index,
            table=table,
            n=state.n + 1,
            n_correct=state.n_correct + int(is_correct),
            last_at=at,
        )

    def predict_next(
        self, state: BKTState, skills: Sequence[str], *, item: str | None, at: float
    ) -> float:
        """Return P(correct) of the next response, item and all its skills considered.

        What predict gives for a row, from a learner's state instead of the log.
        """
        unknown = [row[P_UNKNOWN] for row in self._rows(state, skills, at)]
        pairs = [self._lookup(skill, item)[1] for skill in skills]
        if self.parameters.multi_skill == "each":
            each = zip(unknown, pairs, strict=True)
            return sum((1 - q) * (1 - pair.slip) + q * pair.guess for q, pair in each) / len(pairs)
        together = math.prod(1 - q for q in unknown)
        guess = sum(pair.guess for pair in pairs) / len(pairs)
        slip = sum(pair.slip for pair in pairs) / len(pairs)
        return together * (1 - slip) + (1 - together) * guess

    def forecast(self, state: BKTState, skills: Sequence[str], *, at: float) -> Beliefs:
        """Return (n_skills,) beliefs at a time; a time before the last response counts as it.

        P(correct) is that of the first answer after a break, as parameters.returning says;
        predict_next gives that of the very next one.
        """
        return self.forecast_many([state], skills, at=at).of_learner(0)

    def forecast_many(
        self, states: Sequence[BKTState], skills: Sequence[str], *, at: float
    ) -> Beliefs:
        """Return (n_learners, n_skills) beliefs at a time."""
        if not math.isfinite(at):
            raise DataError(f"at is {at}, expected a finite time")
        parameters = self.parameters
        codes = lookup(parameters.skills, np.asarray(skills, dtype=np.str_)).astype(np.int64)
        codes = np.where(codes < 0, len(parameters.skills), codes)
        values = self._gather(states, skills, codes)
        unknown, evidence = values[..., P_UNKNOWN], values[..., EVIDENCE]
        half_life = parameters.clock.half_life_days
        if half_life is not None:
            gap = np.maximum(at - values[..., LAST_AT], 0.0)
            weight = np.exp2(-np.nan_to_num(gap) / (half_life * (1 + evidence)))
            unknown = unknown * weight + (1 - values[..., PRIOR]) * (1 - weight)
            evidence = evidence * weight
        guess, slip = parameters.guess[codes], parameters.slip[codes]
        p_correct = parameters.returning.apply((1 - unknown) * (1 - slip) + unknown * guess)
        lower, upper = beta_interval(p_correct, evidence + parameters.clock.prior_strength)
        return Beliefs(
            p_correct=p_correct,
            p_mastery=1 - unknown,
            lower=lower,
            upper=upper,
            n_observations=values[..., N].astype(np.int64),
            last_at=values[..., LAST_AT],
        )

    def predict(self, data: ResponseArrays) -> F:
        """Return (n,) one-step-ahead P(correct); see kt_models.bkt.batch.predict."""
        has_clock = self.parameters.clock.half_life_days is not None
        if has_clock and data.time_unit == "index":
            raise DataError(
                "data has time_unit 'index', expected 'days' or 'seconds': this model ages "
                "evidence by real time"
            )
        return batch.predict(self.parameters, data)

    def dump_state(self, state: BKTState) -> bytes:
        """Return a versioned blob of the state."""
        return dump_state(state)

    def load_state(self, blob: bytes) -> BKTState:
        """Return the state of a blob. Raises: StateError."""
        return load_state(blob)

    def save(self, directory: Path, *, created_at: datetime | None = None) -> None:
        """Write a new artifact. Raises: ArtifactError."""
        save_parameters(self.parameters, directory, created_at=created_at)

    @classmethod
    def load(cls, directory: Path) -> "FittedBKT":
        """Read what save wrote. Raises: ArtifactError."""
        return cls(load_parameters(directory))

    def _class_of(self, state: BKTState) -> int:
        classes = self.parameters.classes
        if classes.n_classes == 1:
            return 0
        return int(classes.of(np.array(float(state.n_correct)), np.array(float(state.n))))

    def _lookup(self, skill: str, item: str | None) -> tuple[_Rates, _Rates | _PairRates]:
        rates = self._rates.get(skill, self._default)
        if item is None:
            return rates, rates
        return rates, self._pairs.get((skill, item)) or rates

    def _rows(self, state: BKTState, skills: Sequence[str], at: float) -> list[list[float]]:
        """Return each skill's values at a time: stored and aged, or fresh."""
        learner_class = self._class_of(state)
        rows = []
        for skill in skills:
            row = state.index.get(skill)
            if row is not None:
                rows.append(self._aged(state.table[row].tolist(), at))
            else:
                prior = self._rates.get(skill, self._default).prior[learner_class]
                rows.append([1 - prior, 0.0, 0.0, 0.0, math.nan, prior])
        return rows

    def _aged(self, values: list[float], at: float) -> list[float]:
        half_life = self.parameters.clock.half_life_days
        if half_life is not None:
            gap = max(at - values[LAST_AT], 0.0)
            weight = 2.0 ** (-gap / (half_life * (1 + values[EVIDENCE])))
            fresh = 1 - values[PRIOR]
            values[P_UNKNOWN] = values[P_UNKNOWN] * weight + fresh * (1 - weight)
            values[EVIDENCE] *= weight
        return values

    def _posteriors(
        self,
        skills: Sequence[str],
        item: str | None,
        rows: Sequence[Sequence[float]],
        *,
        is_correct: bool,
    ) -> list[float]:
        """Return P(unknown | response) of each skill."""
        pairs = [self._lookup(skill, item)[1] for skill in skills]
        unknown = [values[P_UNKNOWN] for values in rows]
        if self.parameters.multi_skill == "each" or len(skills) == 1:
            return [
                _posterior(q, 1 - q, pair.guess, pair.slip, is_correct=is_correct)
                for q, pair in zip(unknown, pairs, strict=True)
            ]
        together = math.prod(1 - q for q in unknown)
        guess = sum(pair.guess for pair in pairs) / len(pairs)
        slip = sum(pair.slip for pair in pairs) / len(pairs)
        return [_posterior(q, together, guess, slip, is_correct=is_correct) for q in unknown]

    def _gather(
        self, states: Sequence[BKTState], skills: Sequence[str], codes: NDArray[np.int64]
    ) -> F:
        """Return (n_learners, n_skills, columns): stored rows, and fresh ones where none is."""
        values = np.zeros((len(states), len(skills), N_COLUMNS))
        values[..., LAST_AT] = np.nan
        for out, state in zip(values, states, strict=True):
            find = state.index.get
            at = np.array([find(skill, -1) for skill in skills], dtype=np.int64)
            prior = self.parameters.prior[codes, self._class_of(state)]
            out[:, P_UNKNOWN] = 1 - prior
            out[:, PRIOR] = prior
            practised = at >= 0
            out[practised] = state.table[at[practised]]
        return values


def _posterior(
    unknown: float, together: float, guess: float, slip: float, *, is_correct: bool
) -> float:
    """Return P(this skill unknown | response) when all skills are known with P = together."""
    given_all, given_not = (1 - slip, guess) if is_correct else (slip, 1 - guess)
    # Whoever lacks this skill lacks the whole, whatever is known of the others.
    return unknown * given_not / (together * given_all + (1 - together) * given_not)
