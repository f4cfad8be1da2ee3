"""Evaluation protocols as trials: what is fitted on, what is shown, what is scored."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from kt_models.arrays import ResponseArrays
from kt_models.errors import ConfigError, SplitError
from kt_models.evaluate.metrics import F
from kt_models.protocol import AnyFittedTracer
from kt_models.split import (
    cohort,
    first_n,
    later_part,
    learner_folds,
    length_between,
    positions,
)

ProtocolName: TypeAlias = Literal[
    "published", "honest", "future", "multistep", "onestep", "between"
]
LearnerFilter: TypeAlias = Literal["all", "10-201"]

PUBLISHED_LENGTHS = (10, 201)
FUTURE_SHARE = 0.2
COHORT_MIN_LENGTH = 50
COHORT_TRAIN = 10


@dataclass(frozen=True, slots=True)
class ProtocolConfig:
    """Sizes of a protocol; those it does not use are ignored.

    folds counts learner folds where one log is given; cohort learners and horizon steps belong to
    multistep, onestep and between.
    """

    name: ProtocolName
    folds: int = 5
    cohort: int = 100
    horizon: int = 10
    learner_filter: LearnerFilter = "all"

    def __post_init__(self) -> None:
        if self.name not in get_args(ProtocolName):
            raise ConfigError(
                f"protocol is '{self.name}', expected one of {', '.join(get_args(ProtocolName))}"
            )
        if self.learner_filter not in get_args(LearnerFilter):
            raise ConfigError(f"learner filter is '{self.learner_filter}', expected all or 10-201")
        if self.horizon < 1:
            raise ConfigError(f"horizon must be at least 1; got {self.horizon}")


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """One fit and what it is scored on.

    is_scored (test.n_responses,) marks the scored rows; rows before them are history that a model
    may read. n_known is None for one-step forecasts; in open loop it is how many of a learner's
    first responses are known, and outcomes after them are told to nobody. horizon is 1 for
    one-step forecasts, the steps of the open loop, or, between learners, the answers known.
    """

    fold: int
    horizon: int
    train: ResponseArrays
    test: ResponseArrays
    is_scored: NDArray[np.bool_]
    n_known: int | None = None

    @property
    def key(self) -> tuple[int, int]:
        """Return what tells trials of one run apart."""
        return (self.fold, self.horizon)


def trials(
    config: ProtocolConfig,
    data: ResponseArrays,
    *,
    test: ResponseArrays | None,
    rng: np.random.Generator,
) -> Iterator[Trial]:
    """Yield the trials of a protocol on one log, or on a train and a test log.

    Consecutive trials that share a fit share the very same `train` object.

    Raises: SplitError when the data is too small for the protocol.
    """
    if config.name in ("published", "honest"):
        yield from _by_learner(config, data, test, rng)
    elif config.name == "future":
        yield _future(config, data if test is None else joined(data, test))
    elif config.name == "between":
        yield from _between(config, data, test, rng)
    else:
        yield _within(config, data if test is None else joined(data, test), rng)


def predict_trial(fitted: AnyFittedTracer, trial: Trial) -> F:
    """Return P(correct) of the scored rows, in the order of the rows."""
    if trial.n_known is None:
        return fitted.predict(trial.test)[trial.is_scored]
    return predict_open_loop(fitted, trial.test, n_known=trial.n_known, asked=trial.is_scored)


def predict_open_loop(
    fitted: AnyFittedTracer,
    data: ResponseArrays,
    *,
    n_known: int,
    asked: NDArray[np.bool_],
) -> F:
    """Predict rows from each learner's first n_known responses alone: (rows asked,).

    Every asked row is predicted as if it came right after the known ones, at its own time, skills
    and item: works for any model that can predict, and cannot see an outcome in between.

    Raises: SplitError when an asked row is among the known ones.
    """
    at = positions(data)
    if (asked & (at < n_known)).any():
        raise SplitError(f"open loop was asked for a row among the first {n_known} of a learner")
    predictions = np.full(data.n_responses, np.nan)
    known = at < n_known
    for position in np.unique(at[asked]):
        target = asked & (at == position)
        is_concerned = np.zeros(len(data.learners), dtype=np.bool_)
        is_concerned[data.learner[target]] = True
        rows = np.flatnonzero(target | (known & is_concerned[data.learner]))
        is_target = target[rows]
        predictions[rows[is_target]] = fitted.predict(data.take(rows))[is_target]
    return predictions[asked]


def joined(first: ResponseArrays, second: ResponseArrays) -> ResponseArrays:
    """Put two logs together; learners of the second whose id the first has are renamed `id (2)`.

    Raises: SplitError when their time units differ.
    """
    if first.time_unit != second.time_unit:
        raise SplitError(
            f"the logs have time units '{first.time_unit}' and '{second.time_unit}'; expected one"
        )
    is_taken = np.isin(second.learners, first.learners)
    renamed = np.where(is_taken, np.char.add(second.learners, " (2)"), second.learners)
    logs = ((first, first.learners), (second, renamed))
    indptr = np.concatenate([first.skill_indptr, second.skill_indptr[1:] + first.skill_indptr[-1]])
    return ResponseArrays.from_columns(
        np.concatenate([learners[log.learner] for log, learners in logs]),
        np.concatenate([item_ids(log) for log, _ in logs]),
        (indptr, np.concatenate([log.skills[log.skill_index] for log, _ in logs])),
        np.concatenate([log.correct for log, _ in logs]),
        np.concatenate([log.time for log, _ in logs]),
        time_unit=first.time_unit,
    )


def item_ids(data: ResponseArrays) -> NDArray[np.str_]:
    """Return (n,) the item of each row, empty where it is not known."""
    named = np.append(data.items.astype(np.str_), "")
    return np.asarray(named[data.item])


def _filtered(config: ProtocolConfig, test: ResponseArrays) -> ResponseArrays:
    if config.learner_filter == "all":
        return test
    low, high = PUBLISHED_LENGTHS
    kept = test.take_learners(length_between(test, low=low, high=high))
    if not kept.n_responses:
        raise SplitError(f"no test learner has {low} to {high} responses")
    return kept


def _whole(fold: int, train: ResponseArrays, test: ResponseArrays) -> Trial:
    everything = np.ones(test.n_responses, dtype=np.bool_)
    return Trial(fold=fold, horizon=1, train=train, test=test, is_scored=everything)


def _by_learner(
    config: ProtocolConfig,
    data: ResponseArrays,
    test: ResponseArrays | None,
    rng: np.random.Generator,
) -> Iterator[Trial]:
    if test is not None:
        yield _whole(0, data, _filtered(config, test))
        return
    for fold in learner_folds(data, n_folds=config.folds, rng=rng):
        held_out = _filtered(config, data.take_learners(fold.test))
        yield _whole(fold.fold, data.take_learners(fold.train), held_out)


def _future(config: ProtocolConfig, data: ResponseArrays) -> Trial:
    data = _filtered(config, data)
    is_later = later_part(data, share=FUTURE_SHARE)
    if not is_later.any():
        raise SplitError("no learner has a later part: every history is a single moment")
    return Trial(fold=0, horizon=1, train=data.take(~is_later), test=data, is_scored=is_later)


def _min_length(config: ProtocolConfig) -> int:
    return max(COHORT_MIN_LENGTH, COHORT_TRAIN + config.horizon)


def _within(config: ProtocolConfig, data: ResponseArrays, rng: np.random.Generator) -> Trial:
    """Fit on steps 1-10 of a cohort; score later steps of the same learners."""
    size = _min_length(config)
    drawn = cohort(data, size=config.cohort, min_length=size, rng=rng)
    whole = data.take_learners(drawn.learners)
    train = whole.take(first_n(whole, n=COHORT_TRAIN))
    is_open = config.name == "multistep"
    last = COHORT_TRAIN + config.horizon if is_open else COHORT_MIN_LENGTH
    test = whole.take(first_n(whole, n=last))
    return Trial(
        fold=0,
        horizon=config.horizon if is_open else 1,
        train=train,
        test=test,
        is_scored=positions(test) >= COHORT_TRAIN,
        n_known=COHORT_TRAIN if is_open else None,
    )


def _between(
    config: ProtocolConfig,
    data: ResponseArrays,
    test: ResponseArrays | None,
    rng: np.random.Generator,
) -> Iterator[Trial]:
    """Fit on a cohort's first 50 steps; score other learners cold and after `horizon` answers."""
    size = _min_length(config)
    drawn = cohort(data, size=config.cohort, min_length=size, rng=rng)
    fitted_on = data.take_learners(drawn.learners)
    train = fitted_on.take(first_n(fitted_on, n=COHORT_MIN_LENGTH))
    others = (
        data.take_learners(drawn.others)
        if test is None
        else test.take_learners(length_between(test, low=size, high=test.n_responses))
    )
    if not others.n_responses:
        raise SplitError(f"no unseen learner has {size} responses; choose a smaller cohort")
    shown = others.take(first_n(others, n=size))
    at = positions(shown)
    for horizon, is_scored in ((0, at < config.horizon), (config.horizon, at >= config.horizon)):
        yield Trial(fold=0, horizon=horizon, train=train, test=shown, is_scored=is_scored)
