"""The online filter for many learners and skills at once, as arrays: for simulations.

Every skill has the parameters of a skill that no fit has seen. One observation practises one skill.
"""

from dataclasses import replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from kt_models.bkt.interval import beta_interval
from kt_models.bkt.parameters import BKTParameters, Clock, F, default_parameters
from kt_models.errors import ConfigError, DataError
from kt_models.protocol import Beliefs

Rows: TypeAlias = NDArray[np.int64]
Where: TypeAlias = tuple[Rows, Rows] | tuple[slice, slice]
EVERYWHERE = (slice(None), slice(None))


class BKTTable:
    """States of n_learners learners on n_skills skills: what FittedBKT.update and forecast do.

    Times are in days and never go back for a (learner, skill).
    """

    def __init__(self, parameters: BKTParameters, *, n_learners: int, n_skills: int) -> None:
        """Begin with learners who have answered nothing. Raises: ConfigError."""
        if parameters.classes.n_classes != 1 or parameters.multi_skill != "each":
            raise ConfigError("parameters have learner classes or joint skills, expected neither")
        self._prior = float(parameters.prior[-1, 0])
        self._learn = float(parameters.learn[-1])
        self._forget = float(parameters.forget[-1])
        self._guess = float(parameters.guess[-1])
        self._slip = float(parameters.slip[-1])
        self._clock = parameters.clock
        self._least_unknown = parameters.least_unknown
        shape = (n_learners, n_skills)
        self._unknown = np.full(shape, 1 - self._prior)
        self._evidence = np.zeros(shape)
        self._n = np.zeros(shape, dtype=np.int64)
        self._last_at = np.full(shape, np.nan)

    @classmethod
    def with_defaults(
        cls, *, n_learners: int, n_skills: int, ages_evidence: bool = True
    ) -> "BKTTable":
        """Return the table of a course before its first fit; without ageing where so asked."""
        parameters = default_parameters()
        if not ages_evidence:
            parameters = replace(parameters, clock=Clock(half_life_days=None))
        return cls(parameters, n_learners=n_learners, n_skills=n_skills)

    def update(
        self, learners: Rows, skills: Rows, is_correct: NDArray[np.bool_], *, at: F | float
    ) -> None:
        """Take in one observation of each learner (m,); no learner twice.

        Raises: DataError for a time earlier than the skill's last one.
        """
        at = np.broadcast_to(np.asarray(at, dtype=np.float64), learners.shape)
        last = self._last_at[learners, skills]
        if np.any(at < last):
            row = int(np.argmax(at < last))
            raise DataError(
                f"observation {row} at {at[row]} is earlier than the last one at {last[row]}"
            )
        unknown, evidence = self._aged((learners, skills), at)
        given_known = np.where(is_correct, 1 - self._slip, self._slip)
        given_unknown = np.where(is_correct, self._guess, 1 - self._guess)
        joint = unknown * given_unknown
        posterior = joint / (joint + (1 - unknown) * given_known)
        moved = posterior * (1 - self._learn) + (1 - posterior) * self._forget
        self._unknown[learners, skills] = np.maximum(moved, self._least_unknown)
        self._evidence[learners, skills] = np.minimum(evidence + 1, self._clock.evidence_cap)
        self._n[learners, skills] += 1
        self._last_at[learners, skills] = at

    def forecast(self, *, at: F | float) -> Beliefs:
        """Return beliefs (n_learners, n_skills) at one time, or at one for each learner (n,)."""
        return self._forecast(EVERYWHERE, np.asarray(at, dtype=np.float64).reshape(-1, 1))

    def forecast_of(self, learners: Rows, skills: Rows, *, at: F | float) -> Beliefs:
        """Return beliefs (m,) of pairs of a learner and a skill."""
        return self._forecast((learners, skills), np.asarray(at, dtype=np.float64))

    def p_mastery(self, *, at: F | float) -> F:
        """Return P(mastery) (n_learners, n_skills) at a time, without the rest of a forecast."""
        when = np.asarray(at, dtype=np.float64).reshape(-1, 1)
        return np.asarray(1 - self._aged(EVERYWHERE, when)[0])

    def _aged(self, where: Where, at: F) -> tuple[F, F]:
        unknown: F = self._unknown[where]
        evidence: F = self._evidence[where]
        half_life = self._clock.half_life_days
        if half_life is None:
            return unknown, evidence
        gap = np.nan_to_num(np.maximum(at - self._last_at[where], 0.0))
        weight = np.exp2(-gap / (half_life * (1 + evidence)))
        return unknown * weight + (1 - self._prior) * (1 - weight), evidence * weight

    def _forecast(self, where: Where, at: F) -> Beliefs:
        unknown, evidence = self._aged(where, at)
        p_correct = (1 - unknown) * (1 - self._slip) + unknown * self._guess
        lower, upper = beta_interval(p_correct, evidence + self._clock.prior_strength)
        return Beliefs(
            p_correct=p_correct,
            p_mastery=1 - unknown,
            lower=lower,
            upper=upper,
            n_observations=self._n[where].copy(),
            last_at=self._last_at[where].copy(),
        )
