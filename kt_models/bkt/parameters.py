"""What a fitted BKT knows: per skill, per learner class and per (skill, item)."""

from dataclasses import dataclass, fields
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from kt_models.arrays import TimeUnit
from kt_models.errors import ConfigError
from kt_models.returning import UNCHANGED, ReturnMap

F: TypeAlias = NDArray[np.float64]
MultiSkill: TypeAlias = Literal["each", "conjunctive"]

DEFAULT_PRIOR, DEFAULT_LEARN, DEFAULT_FORGET = 0.30, 0.15, 0.0
DEFAULT_GUESS, DEFAULT_SLIP = 0.20, 0.10
DEFAULT_HALF_LIFE_DAYS = 15.0
DEFAULT_LEAST_UNKNOWN = 0.01
MAX_GUESS_PLUS_SLIP = 0.95


@dataclass(frozen=True, slots=True)
class Clock:
    """How evidence ages between responses.

    After gap_days without practice, w = 2 ** (-gap_days / (half_life_days * (1 + evidence))) of
    what was known and of the evidence remains; the rest is drawn again from the prior.
    half_life_days=None switches ageing off, as it is for a log without real times. evidence counts
    at most evidence_cap observations, and prior_strength is what the prior alone is worth.
    """

    half_life_days: float | None = DEFAULT_HALF_LIFE_DAYS
    evidence_cap: float = 20.0
    prior_strength: float = 2.0

    def __post_init__(self) -> None:
        if self.half_life_days is not None and not self.half_life_days > 0:
            raise ConfigError(f"half_life_days is {self.half_life_days}, expected more than 0")
        if not self.evidence_cap >= 1 or not self.prior_strength > 0:
            raise ConfigError(
                f"evidence_cap is {self.evidence_cap} and prior_strength {self.prior_strength}, "
                "expected at least 1 and more than 0"
            )


@dataclass(frozen=True, slots=True, eq=False)
class LearnerClasses:
    """Classes of learners by their smoothed share of correct answers so far, over all skills.

    rate = (n_correct + strength * base_rate) / (n + strength); the class is the number of edges
    (n_classes - 1,), ascending, that are not above it.
    """

    edges: F
    base_rate: float = 0.5
    strength: float = 5.0

    @property
    def n_classes(self) -> int:
        """Return the number of classes."""
        return len(self.edges) + 1

    def of(self, n_correct: F, n: F) -> NDArray[np.int64]:
        """Return the class of learners with these totals, same shape."""
        rate = (n_correct + self.strength * self.base_rate) / (n + self.strength)
        return np.searchsorted(self.edges, rate, side="right").astype(np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class PairParameters:
    """Guess, slip and learn rate of single (skill, item) pairs, each (n_pairs,).

    skill and item are codes into the vocabularies of the parameters; pairs are in ascending
    order of (skill, item). A pair that is not listed has its skill's values.
    """

    skill: NDArray[np.int64]
    item: NDArray[np.int64]
    guess: F
    slip: F
    learn: F


@dataclass(frozen=True, slots=True, eq=False)
class BKTParameters:
    """Probabilities of K skills; row K of every array serves skills that no fit has seen.

    prior (K + 1, n_classes), learn, forget, guess and slip (K + 1,). P(unknown) never falls below
    least_unknown after a response: without it, a long success outweighs any later run of errors;
    0 gives the textbook model. returning is how forecasts hold after a break (kt_models.returning).
    Raises: ConfigError.
    """

    skills: NDArray[np.str_]
    items: NDArray[np.str_]
    prior: F
    learn: F
    forget: F
    guess: F
    slip: F
    classes: LearnerClasses
    pairs: PairParameters
    clock: Clock
    multi_skill: MultiSkill
    time_unit: TimeUnit
    least_unknown: float = DEFAULT_LEAST_UNKNOWN
    returning: ReturnMap = UNCHANGED

    def __post_init__(self) -> None:
        n = len(self.skills) + 1
        if self.prior.shape != (n, self.classes.n_classes):
            raise ConfigError(
                f"prior has shape {self.prior.shape}, expected {(n, self.classes.n_classes)}"
            )
        for name in ("prior", "learn", "forget", "guess", "slip"):
            _check_probability(getattr(self, name), name)
            if len(getattr(self, name)) != n:
                raise ConfigError(f"{name} has {len(getattr(self, name))} rows, expected {n}")
        for field in fields(self.pairs):
            values = getattr(self.pairs, field.name)
            if field.name in ("guess", "slip", "learn"):
                _check_probability(values, f"pairs.{field.name}")
            if len(values) != len(self.pairs.skill):
                raise ConfigError(
                    f"pairs.{field.name} has {len(values)} rows, expected {len(self.pairs.skill)}"
                )
        if not 0 <= self.least_unknown < 1:
            raise ConfigError(f"least_unknown is {self.least_unknown}, expected 0 or more, below 1")
        if self.multi_skill not in ("each", "conjunctive"):
            raise ConfigError(f"multi_skill is '{self.multi_skill}', expected each or conjunctive")


def _check_probability(values: F, name: str) -> None:
    is_good = (values >= 0) & (values <= 1)
    if not is_good.all():
        at = int(np.argmax(~is_good.ravel()))
        raise ConfigError(f"{name}[{at}] is {values.ravel()[at]}, expected 0 to 1")


def no_pairs() -> PairParameters:
    """Return pair parameters of a model that looks at skills only."""
    empty = np.zeros(0)
    codes = np.zeros(0, dtype=np.int64)
    return PairParameters(skill=codes, item=codes, guess=empty, slip=empty, learn=empty)


def default_parameters() -> BKTParameters:
    """Return the parameters that serve a course before its first fit: every skill is the same."""
    no_ids = np.zeros(0, dtype=np.str_)
    return BKTParameters(
        skills=no_ids,
        items=no_ids,
        prior=np.array([[DEFAULT_PRIOR]]),
        learn=np.array([DEFAULT_LEARN]),
        forget=np.array([DEFAULT_FORGET]),
        guess=np.array([DEFAULT_GUESS]),
        slip=np.array([DEFAULT_SLIP]),
        classes=LearnerClasses(edges=np.zeros(0)),
        pairs=no_pairs(),
        clock=Clock(),
        multi_skill="each",
        time_unit="days",
    )
