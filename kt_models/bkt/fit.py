"""Fit BKT: every skill at once by exact EM, and the variants on top, pooled towards their skill."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from kt_models.arrays import ResponseArrays
from kt_models.bkt.filter import FittedBKT
from kt_models.bkt.parameters import (
    DEFAULT_GUESS,
    DEFAULT_HALF_LIFE_DAYS,
    DEFAULT_LEARN,
    DEFAULT_LEAST_UNKNOWN,
    DEFAULT_PRIOR,
    DEFAULT_SLIP,
    BKTParameters,
    Clock,
    F,
    LearnerClasses,
    MultiSkill,
    PairParameters,
    no_pairs,
)
from kt_models.bkt.sequences import Grouping, Sequences, choose_classes, make_sequences
from kt_models.bkt.solve import SkillRates, Solver, population
from kt_models.errors import ConfigError, DataError
from kt_models.protocol import Progress
from kt_models.returning import UNCHANGED, ReturnMap, fit_return_map, returns_of

_HALF_LIVES_DAYS = (7.5, 15.0, 30.0, 60.0, 120.0)
_STRENGTHS = (10.0, 30.0, 100.0)
_HELD_OUT_SHARE = 0.2
_LEAST_UNKNOWN_WITH_FORGETS = 0.001


@dataclass(frozen=True, slots=True)
class BKTConfig:
    """Which variants to combine, and how hard to look for the best fit.

    forgets: a forget rate per skill. item_emissions, item_learning: guess and slip, learn rate per
    (skill, item), pooled towards the skill's; how strongly, or whether at all, is chosen on held
    back learners. learner_classes: priors for so many classes of learners. pools_skills: rates of
    a skill with little data lean towards those of the other skills. half_life_days: of evidence
    (see Clock); "chosen" picks it from the training log, None switches ageing off.
    least_unknown: see BKTParameters; None takes .01, or .001 with forgets, whose forget rate does
    most of the same; 0 is the textbook model.
    holds_returns: hold forecasts to what held back learners did after a break, with a second fit
    without these (kt_models.returning); a log without times or returns has nothing to hold to.
    prior_strength: what the default rates count for, in responses. chunk_responses: how many are
    fitted at a time, each start counted.
    """

    forgets: bool = False
    item_emissions: bool = False
    item_learning: bool = False
    learner_classes: int = 1
    multi_skill: MultiSkill = "each"
    pools_skills: bool = False
    half_life_days: float | str | None = DEFAULT_HALF_LIFE_DAYS
    least_unknown: float | None = None
    holds_returns: bool = True
    n_starts: int = 5
    prior_strength: float = 2.0
    tolerance: float = 0.01
    max_cycles: int = 100
    chunk_responses: int = 500_000

    def __post_init__(self) -> None:
        for name in ("learner_classes", "n_starts", "max_cycles", "chunk_responses"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}, expected at least 1")
        if not self.prior_strength > 0 or not self.tolerance > 0:
            raise ConfigError(
                f"prior_strength is {self.prior_strength} and tolerance {self.tolerance}, "
                "expected more than 0"
            )
        if self.least_unknown is not None and not 0 <= self.least_unknown < 1:
            raise ConfigError(f"least_unknown is {self.least_unknown}, expected 0 or more, below 1")
        if isinstance(self.half_life_days, str) and self.half_life_days != "chosen":
            raise ConfigError(
                f"half_life_days is '{self.half_life_days}', expected days, 'chosen' or None"
            )
        if self.multi_skill not in ("each", "conjunctive"):
            raise ConfigError(f"multi_skill is '{self.multi_skill}', expected each or conjunctive")


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    """One log laid out for fitting."""

    data: ResponseArrays
    classes: LearnerClasses
    sequences: Sequences
    solver: Solver
    grouping: Grouping


class BKT:
    """Bayesian knowledge tracing, to be fitted.

    Source: Corbett and Anderson (1995); forgetting after Khajah, Lindsey and Mozer (2016); item
    guess and slip, and learner priors, after Pardos and Heffernan (2010, 2011). Ours: the pooling
    of item rates and learner priors, whose strength is chosen on held back learners.
    """

    name = "bkt"

    def __init__(self, config: BKTConfig | None = None) -> None:
        """Take a configuration, the plain model by default."""
        self.config = config or BKTConfig()

    def fit(
        self,
        data: ResponseArrays,
        *,
        seed: int,
        validation: ResponseArrays | None = None,
        progress: Progress | None = None,
        checkpoint: Path | None = None,
    ) -> FittedBKT:
        """Fit on responses; validation, where given, serves to choose the pooling of variants.

        Conjunctive responses are fitted as if each skill had been asked alone; only prediction
        and filtering take them together.

        Raises: DataError when there is no response.
        """
        if data.n_responses == 0:
            raise DataError("cannot fit BKT on 0 responses")
        tell = _rising(progress or _silent)
        responses = data.merged().data
        strength: float | None = None
        if self._has_variants:
            strength = self._choose_strength(responses, validation, seed=seed, progress=tell)
        fitted = self._solved(
            responses, strength, seed=seed, n_starts=self.config.n_starts, progress=tell
        )
        tell(0.95, "choosing the half-life of evidence")
        clock = self._clock(fitted, responses)
        returning = UNCHANGED
        if self.config.holds_returns and returns_of(responses).any():
            tell(0.97, "holding forecasts to answers after a break")
            returning = self._returning(responses, strength, clock, seed=seed)
        tell(1.0, "fitted")
        return FittedBKT(replace(fitted.parameters, clock=clock, returning=returning))

    def _solved(
        self,
        data: ResponseArrays,
        strength: float | None,
        *,
        seed: int,
        n_starts: int,
        progress: Progress,
    ) -> FittedBKT:
        """Return the model without ageing; a strength of None leaves the variants out."""
        job = self._job(data, with_variants=strength is not None, progress=progress)
        plain = self._plain(job, seed=seed, n_starts=n_starts)
        rates = plain if strength is None else job.solver.refined(plain, job.grouping, strength)
        return self._fitted(job, rates)

    def _plain(self, job: "_Job", *, seed: int, n_starts: int) -> SkillRates:
        return job.solver.plain(
            rng=np.random.default_rng(seed),
            n_starts=n_starts,
            prior_strength=self.config.prior_strength,
            pools_skills=self.config.pools_skills,
        )

    def _returning(
        self, data: ResponseArrays, strength: float | None, clock: Clock, *, seed: int
    ) -> ReturnMap:
        """Return how forecasts hold after a break, by learners whom a second fit does not see."""
        parts = _held_back(data, seed=seed, purpose=2)
        if parts is None:
            return UNCHANGED
        train, held_out = parts
        fitted = self._solved(train, strength, seed=seed, n_starts=1, progress=_silent)
        fitted = FittedBKT(replace(fitted.parameters, clock=clock))
        rows = returns_of(held_out)
        return fit_return_map(fitted.predict(held_out)[rows], held_out.correct[rows])

    @property
    def _has_variants(self) -> bool:
        config = self.config
        return config.item_emissions or config.item_learning or config.learner_classes > 1

    @property
    def _least_unknown(self) -> float:
        if self.config.least_unknown is not None:
            return self.config.least_unknown
        return _LEAST_UNKNOWN_WITH_FORGETS if self.config.forgets else DEFAULT_LEAST_UNKNOWN

    def _job(self, data: ResponseArrays, *, with_variants: bool, progress: Progress) -> "_Job":
        config = self.config
        n_classes = config.learner_classes if with_variants else 1
        classes = choose_classes(data, n_classes=n_classes)
        with_pairs = with_variants and (config.item_emissions or config.item_learning)
        sequences = make_sequences(data, classes=classes, with_pairs=with_pairs)
        solver = Solver(
            sequences,
            forgets=config.forgets,
            tolerance=config.tolerance,
            max_cycles=config.max_cycles,
            chunk_responses=config.chunk_responses,
            progress=progress,
        )
        grouping = Grouping(
            by_class=classes.n_classes > 1,
            emission_by_pair=with_pairs and config.item_emissions,
            learn_by_pair=with_pairs and config.item_learning,
        )
        return _Job(data, classes, sequences, solver, grouping)

    def _fitted(self, job: "_Job", rates: SkillRates) -> FittedBKT:
        sequences, data = job.sequences, job.data
        with_pairs = job.grouping.emission_by_pair or job.grouping.learn_by_pair
        n_classes = job.classes.n_classes
        prior = np.broadcast_to(rates.prior, (data.n_skills, n_classes))
        parameters = BKTParameters(
            skills=data.skills,
            items=data.items if with_pairs else data.items[:0],
            prior=_with_default(prior, sequences, DEFAULT_PRIOR),
            learn=_with_default(rates.learn, sequences, DEFAULT_LEARN),
            forget=_with_default(rates.forget, sequences, 0.0),
            guess=_with_default(rates.guess, sequences, DEFAULT_GUESS),
            slip=_with_default(rates.slip, sequences, DEFAULT_SLIP),
            classes=job.classes,
            pairs=_pair_parameters(rates, sequences) if with_pairs else no_pairs(),
            clock=Clock(half_life_days=None),
            multi_skill=self.config.multi_skill,
            time_unit=data.time_unit,
            least_unknown=self._least_unknown,
        )
        return FittedBKT(parameters)

    def _choose_strength(
        self,
        data: ResponseArrays,
        validation: ResponseArrays | None,
        *,
        seed: int,
        progress: Progress,
    ) -> float | None:
        """Return the strength with the least log loss on held back learners, None for plain."""
        train, held_out = data, validation
        if held_out is None:
            parts = _held_back(data, seed=seed, purpose=1)
            if parts is None:
                return None
            train, held_out = parts
        job = self._job(train, with_variants=True, progress=_silent)
        plain = self._plain(job, seed=seed, n_starts=1)
        best: float | None = None
        least = _log_loss(held_out, self._fitted(job, plain).predict(held_out))
        for strength in _STRENGTHS:
            progress(0.0, f"trying rates by item and class, pooled at strength {strength:g}")
            rates = job.solver.refined(plain, job.grouping, strength)
            loss = _log_loss(held_out, self._fitted(job, rates).predict(held_out))
            if loss < least:
                best, least = strength, loss
        return best

    def _clock(self, fitted: FittedBKT, data: ResponseArrays) -> Clock:
        half_life = self.config.half_life_days
        if data.time_unit == "index" or half_life is None:
            return Clock(half_life_days=None)
        if not isinstance(half_life, str):
            return Clock(half_life_days=half_life)
        losses = []
        for days in _HALF_LIVES_DAYS:
            aged = FittedBKT(replace(fitted.parameters, clock=Clock(half_life_days=days)))
            losses.append(_log_loss(data, aged.predict(data)))
        return Clock(half_life_days=_HALF_LIVES_DAYS[int(np.argmin(losses))])


def _held_back(
    data: ResponseArrays, *, seed: int, purpose: int
) -> tuple[ResponseArrays, ResponseArrays] | None:
    """Return the log without some learners, and theirs; None where there are too few to part."""
    present = np.unique(data.learner)
    n_out = round(_HELD_OUT_SHARE * len(present))
    if n_out == 0 or n_out == len(present):
        return None
    out = np.random.default_rng([seed, purpose]).permutation(present)[:n_out]
    return data.take_learners(np.setdiff1d(present, out)), data.take_learners(out)


def _silent(fraction: float, message: str) -> None:
    del fraction, message


def _rising(progress: Progress) -> Progress:
    """Never tell a smaller fraction than before, whatever is fitted twice."""
    furthest = 0.0

    def tell(fraction: float, message: str) -> None:
        nonlocal furthest
        furthest = max(furthest, fraction)
        progress(furthest, message)

    return tell


def _log_loss(data: ResponseArrays, p: F) -> float:
    p = np.clip(p, 1e-12, 1 - 1e-12)
    return float(-np.mean(np.where(data.correct == 1, np.log(p), np.log1p(-p))))


def _with_default(values: F, sequences: Sequences, default: float) -> F:
    """Append the row that serves unknown skills: the average, weighted by responses."""
    weight = np.bincount(sequences.skill, np.diff(sequences.indptr), sequences.n_skills).astype(
        np.float64
    )
    return np.concatenate([values, population(values, weight, default)[None]])


def _pair_parameters(rates: SkillRates, sequences: Sequences) -> PairParameters:
    pairs = sequences.pairs
    return PairParameters(
        skill=pairs.skill,
        item=pairs.item,
        guess=rates.pair_guess,
        slip=rates.pair_slip,
        learn=rates.pair_learn,
    )
