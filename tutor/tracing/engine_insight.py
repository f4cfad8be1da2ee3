"""The third door to kt_models: what an interpretable model says beyond beliefs.

Only PSI-KT has an answer. Of any other model each question is answered with None, never with a
made-up number. No torch: a web worker asks.
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from kt_models.psi_kt.filter import FittedPSIKT
from kt_models.psi_kt.forecast import ENOUGH_RESPONSES, TraitBelief, TraitBeliefs
from tutor.tracing.engine import Blob, tracer
from tutor.tracing.models import ModelVersion

__all__ = ["ENOUGH_RESPONSES"]

# A range at least this much of an unknown learner's tells nothing of this one.
WIDE_SHARE = 0.9


@dataclass(frozen=True, slots=True)
class EdgeReading:
    """What a fitted graph says of one pair of skills, named by their ids in the database.

    `n_strong` and `n_weak` count the learners who met the child after a strong or a weak parent,
    `right_*` those of them whose first answer to the child was right. `gain` is what the parent is
    worth on the child between learners of one level, with its standard error; None for too few.
    """

    parent_id: int
    child_id: int
    weight: float
    lower: float
    upper: float
    n_learners: int
    n_strong: int
    right_strong: int
    n_weak: int
    right_weak: int
    gain: float | None
    gain_sd: float | None
    was_prior: bool


def edges(
    version: ModelVersion, *, always: Collection[tuple[int, int]], at_least: float, most: int
) -> list[EdgeReading] | None:
    """Return a version's learned edges, strongest first; None where its model has none.

    Pairs (parent, child) in `always` are among them whatever their weight, beside the `most`
    strongest others.

    Raises:
        KTModelsError: when the version cannot be loaded.
    """
    model = tracer(version)
    if not isinstance(model, FittedPSIKT) or model.parameters.config.transfer == "none":
        return None
    found = model.edges(
        at_least=at_least,
        most=most,
        always={(str(parent), str(child)) for parent, child in always},
    )
    return [
        EdgeReading(
            parent_id=int(one.parent),
            child_id=int(one.child),
            weight=one.weight,
            lower=one.lower,
            upper=one.upper,
            n_learners=one.n_learners,
            n_strong=one.n_strong,
            right_strong=one.right_strong,
            n_weak=one.n_weak,
            right_weak=one.right_weak,
            gain=_told(one.gain),
            gain_sd=_told(one.gain_sd),
            was_prior=one.is_authored,
        )
        for one in found
    ]


def _told(value: float) -> float | None:
    return None if math.isnan(value) else value


@dataclass(frozen=True, slots=True)
class TraitReading:
    """A trait of one learner with the ends of its 80 % interval.

    `is_informed` is False while the interval is nearly that of a learner never seen.
    """

    value: float
    lower: float
    upper: float
    is_informed: bool


@dataclass(frozen=True, slots=True)
class TraitsReading:
    """The traits of one learner, and on how many observations of the wanted ones they rest.

    `half_life_days`: in which half of the way back to the long-run level is gone. `level`: the
    P(correct) in the long run on a skill of middling difficulty. `swing`: by how much P(correct)
    moves by itself from one day to the next, near one half. `transfer`: how strongly prerequisites
    pull, from 0 to 1.
    """

    half_life_days: TraitReading
    level: TraitReading
    swing: TraitReading
    transfer: TraitReading
    n_observations: int
    n_wanted: int
    is_enough_evidence: bool


def traits(version: ModelVersion, blobs: Sequence[Blob | None]) -> list[TraitsReading] | None:
    """Return each learner's traits; None where the version's model has none.

    A blob of None is a learner's beginning.

    Raises:
        KTModelsError: when the version or a blob cannot be loaded.
    """
    model = tracer(version)
    if not isinstance(model, FittedPSIKT):
        return None
    nobody = model.init_state()
    unknown = model.traits(nobody)
    states = [nobody if blob is None else model.load_state(bytes(blob)) for blob in blobs]
    return [_traits_read(model.traits(state), unknown) for state in states]


def _traits_read(found: TraitBeliefs, unknown: TraitBeliefs) -> TraitsReading:
    decay = math.log(2.0) / found.half_life_days.value
    # Over one day, of a process that is drawn back meanwhile.
    day = math.sqrt((1.0 - math.exp(-2.0 * decay)) / (2.0 * decay))

    def read(name: str) -> TraitReading:
        one: TraitBelief = getattr(found, name)
        width, widest = _width(name, one), _width(name, getattr(unknown, name))
        return TraitReading(
            value=_shown(name, one.value, day),
            lower=_shown(name, one.lower, day),
            upper=_shown(name, one.upper, day),
            is_informed=width < WIDE_SHARE * widest,
        )

    return TraitsReading(
        half_life_days=read("half_life_days"),
        level=read("level"),
        swing=read("volatility"),
        transfer=read("transfer"),
        n_observations=found.n_responses,
        n_wanted=ENOUGH_RESPONSES,
        is_enough_evidence=found.is_enough_evidence,
    )


def _shown(name: str, value: float, day: float) -> float:
    """Return a trait in the unit that pages show."""
    if name == "level":
        return _share(value)
    return _share(value * day) - 0.5 if name == "volatility" else value


def _width(name: str, one: TraitBelief) -> float:
    """Return an interval's width where the posterior is about Gaussian."""
    if name == "level":
        return one.upper - one.lower
    if name == "transfer":
        return _log_odds(one.upper) - _log_odds(one.lower)
    return math.log(one.upper) - math.log(one.lower)


def _share(log_odds: float) -> float:
    return 0.5 * (1.0 + math.tanh(0.5 * log_odds))


def _log_odds(share: float) -> float:
    inside = min(max(share, 1e-9), 1.0 - 1e-9)
    return math.log(inside) - math.log1p(-inside)
