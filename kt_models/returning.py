"""Forecasts held to what happens when a learner comes back to a skill after a break.

Models learn from whole logs, in which nearly every answer follows another on the same skill at
once. A forecast is read the next morning. There the same number comes true less often, by an
amount that the log itself shows; two numbers fitted on held-out learners put that right.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kt_models.arrays import ResponseArrays
from kt_models.errors import ConfigError

F = NDArray[np.float64]

BREAK_DAYS = 0.25
"""A learner who was away from a skill for so long comes back to it."""
SEEN_LEAST = 3
"""Answers on the skill before the break: fewer make no forecast that a page would show."""
_PRIOR_SD = 0.5
_LEAST_SLOPE = 0.05
_EDGE = 1e-9
_SECONDS_PER_DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class ReturnMap:
    """logit P(right on return) = intercept + slope * logit P(right answer by answer).

    The default changes nothing. Raises: ConfigError.
    """

    intercept: float = 0.0
    slope: float = 1.0

    def __post_init__(self) -> None:
        if not np.isfinite(self.intercept) or not self.slope > 0 or not np.isfinite(self.slope):
            raise ConfigError(
                f"a return map has intercept {self.intercept} and slope {self.slope}, expected "
                "finite numbers and a slope above 0"
            )

    @property
    def is_identity(self) -> bool:
        """Whether it changes nothing."""
        return self.intercept == 0.0 and self.slope == 1.0

    def apply(self, p: F) -> F:
        """Return the chances on return of chances of any shape; order is kept."""
        if self.is_identity:
            return p
        held = np.clip(p, _EDGE, 1.0 - _EDGE)
        logit = self.intercept + self.slope * (np.log(held) - np.log1p(-held))
        return np.asarray(0.5 * (1.0 + np.tanh(0.5 * logit)))


UNCHANGED = ReturnMap()


def returns_of(data: ResponseArrays) -> NDArray[np.bool_]:
    """Return (n,) whether each response is a return: each of its skills was left for a while.

    None is in a log that counts steps instead of time.
    """
    n = data.n_responses
    if data.time_unit == "index" or n == 0:
        return np.zeros(n, dtype=np.bool_)
    response = np.repeat(np.arange(n), np.diff(data.skill_indptr))
    key = data.learner[response].astype(np.int64) * max(data.n_skills, 1) + data.skill_index
    order = np.argsort(key, kind="stable")
    ranked, time = key[order], data.time[response[order]]
    is_first = np.ones(len(key), dtype=np.bool_)
    is_first[1:] = ranked[1:] != ranked[:-1]
    place = np.arange(len(key))
    seen = place - np.maximum.accumulate(np.where(is_first, place, 0))
    gap = np.concatenate([[0.0], np.diff(time)])
    if data.time_unit == "seconds":
        gap = gap / _SECONDS_PER_DAY
    is_return = np.empty(len(key), dtype=np.bool_)
    is_return[order] = (seen >= SEEN_LEAST) & (gap >= BREAK_DAYS)
    return np.asarray(np.logical_and.reduceat(is_return, data.skill_indptr[:-1]))


def fit_return_map(p: F, correct: NDArray[np.generic]) -> ReturnMap:
    """Fit the map on chances (n,) of held-out answers after a break and how they went.

    The most probable one under normal priors around the map that changes nothing, so that a few
    answers move it little; Newton's method on a convex loss.
    """
    if len(p) == 0:
        return UNCHANGED
    held = np.clip(p, _EDGE, 1.0 - _EDGE)
    x = np.stack([np.ones(len(held)), np.log(held) - np.log1p(-held)])
    right = np.asarray(correct, dtype=np.float64)
    start = np.array([0.0, 1.0])
    found = start.copy()
    for _ in range(50):
        q = 0.5 * (1.0 + np.tanh(0.5 * (found @ x)))
        slope = x @ (q - right) + (found - start) / _PRIOR_SD**2
        bend = (x * (q * (1.0 - q))) @ x.T + np.eye(2) / _PRIOR_SD**2
        step = np.linalg.solve(bend, slope)
        # A step that is too long for the curve at hand would overshoot for good.
        found = found - step / max(1.0, float(np.abs(step).max()))
        if float(np.abs(step).max()) < 1e-9:
            break
    return ReturnMap(intercept=float(found[0]), slope=max(float(found[1]), _LEAST_SLOPE))
