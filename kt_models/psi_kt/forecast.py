"""What pages read off a learner's state: beliefs, traits and edges, each with an interval."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from kt_models.errors import DataError
from kt_models.protocol import Beliefs
from kt_models.psi_kt.graph import Pulls, joined, pull_of_excess, split, start_of, start_row
from kt_models.psi_kt.parameters import LEAST_DECAY, PSIKTParameters, normal_points
from kt_models.psi_kt.recursion import (
    F,
    Knowledge,
    begin_at,
    carry,
    p_of_normal,
    sigmoid,
)
from kt_models.psi_kt.state import COUNT, LAST_AT, PSIKTState

EdgeVerdict: TypeAlias = Literal["supports", "contradicts", "undecided"]

# The ends of a normal's central 80 %.
_END = 1.2815515655446004
ENOUGH_RESPONSES = 30
"""Responses from which a learner's traits are shown."""
ENOUGH_RETURNS = 5
"""Learners on either side from which an edge's contingency is shown."""

TRAIT_MEANINGS: Mapping[str, str] = MappingProxyType(
    {
        "half_life_days": "days in which half of what was gained or lost drifts back",
        "level": "where the learner's knowledge settles in the long run, in log odds",
        "volatility": "how much knowledge moves by itself, in log odds per root of a day",
        "transfer": "how strongly prerequisites pull, from 0 to 1",
    }
)


@dataclass(frozen=True, slots=True)
class TraitBelief:
    """A posterior mean (median for half-life and volatility) and the ends of its 80 % interval."""

    value: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class TraitBeliefs:
    """The traits of one learner, with how many responses they rest on."""

    half_life_days: TraitBelief
    level: TraitBelief
    volatility: TraitBelief
    transfer: TraitBelief
    n_responses: int
    is_enough_evidence: bool


@dataclass(frozen=True, slots=True)
class EdgeBelief:
    """An association of two skills, never a proof of cause.

    weight and its 80 % interval are the posterior of a[parent, child]. right_after are shares of
    first answers to the child that were right, after a strong and a weak parent; NaN for none. They
    are right_strong of n_strong learners and right_weak of n_weak. is_authored says whether the fit
    was given the edge as a prior. says is what the answers alone say of it, whatever graph was
    assumed: "supports" where its share of the child's pull is surely above nothing, "contradicts"
    where it surely is below half of what was fitted, both with 90 % of the mass on one side.
    """

    parent: str
    child: str
    weight: float
    lower: float
    upper: float
    n_learners: int
    right_after_strong: float
    right_after_weak: float
    n_strong: int
    right_strong: int
    n_weak: int
    right_weak: int
    gain: float
    gain_sd: float
    is_authored: bool
    is_enough_evidence: bool
    says: EdgeVerdict = "undecided"


def beliefs(
    parameters: PSIKTParameters,
    pulls: Pulls,
    states: Sequence[PSIKTState],
    skills: Sequence[str],
    *,
    at: float,
) -> Beliefs:
    """Return (n_learners, n_skills) beliefs at a time; an item's difficulty is not considered.

    The trait points' Gaussians are put together into one by their first two moments. P(correct) and
    its interval are those of the first answer after a break, as parameters.returning says.
    Raises: DataError when at is not finite.
    """
    if not math.isfinite(at):
        raise DataError(f"at is {at}, expected a finite time")
    asked = list(dict.fromkeys(skills))
    if len(asked) < len(skills):
        return _repeated(beliefs(parameters, pulls, states, asked, at=at), asked, skills)
    rows = {str(skill): row for row, skill in enumerate(parameters.skills)}
    codes = np.array([rows.get(skill, len(rows)) for skill in skills], dtype=np.int64)
    shape = (len(states), len(skills))
    mean, variance = np.empty(shape), np.empty(shape)
    counts, last_at = np.zeros(shape, dtype=np.int64), np.full(shape, np.nan)
    projector = _Projector(parameters, pulls, codes, skills)
    for row, state in enumerate(states):
        mean[row], variance[row], counts[row], last_at[row] = projector.of(state, at)
    offset = parameters.skill_offset[codes]
    scale = np.sqrt(variance)
    held = parameters.returning.apply
    p_correct = held(p_of_normal(mean + offset, scale))
    threshold = math.log(parameters.config.mastery / (1.0 - parameters.config.mastery))
    lower = held(sigmoid(mean + offset - _END * scale))
    upper = held(sigmoid(mean + offset + _END * scale))
    return Beliefs(
        p_correct=p_correct,
        p_mastery=normal_cdf((mean + offset - threshold) / scale),
        lower=np.minimum(lower, p_correct),
        upper=np.maximum(upper, p_correct),
        n_observations=counts,
        last_at=last_at,
    )


def _repeated(once: Beliefs, asked: Sequence[str], skills: Sequence[str]) -> Beliefs:
    """Return beliefs in the order of skills, of which some are named more than once."""
    place = {skill: number for number, skill in enumerate(asked)}
    at = np.array([place[skill] for skill in skills], dtype=np.int64)
    return Beliefs(
        p_correct=once.p_correct[:, at],
        p_mastery=once.p_mastery[:, at],
        lower=once.lower[:, at],
        upper=once.upper[:, at],
        n_observations=once.n_observations[:, at],
        last_at=once.last_at[:, at],
    )


class _Projector:
    """Means and variances of z over some skills; what does not depend on the learner is kept."""

    def __init__(
        self,
        parameters: PSIKTParameters,
        pulls: Pulls,
        codes: NDArray[np.int64],
        skills: Sequence[str],
    ) -> None:
        self._parameters = parameters
        self._start = start_of(parameters)
        self._traits = parameters.traits()
        self._n_points = parameters.config.particles
        self._start_row = start_row(self._start, self._n_points)
        # Skills that the fit never saw share a row: what is not practised is found once a row.
        rows, self._row_of = np.unique(codes, return_inverse=True)
        self._total = pulls.total[rows][:, None]
        self._total_square = pulls.total_square[rows][:, None]
        # Of each rank of parents, the asked rows that have one, the parent and its share.
        self._edges = [
            (child, parents[child], share[child][:, None])
            for parents, share in zip(pulls.parents[rows].T, pulls.share[rows].T, strict=True)
            if len(child := np.flatnonzero(share > 0.0))
        ]
        # Place among the asked skills, or -1, and row among the fitted ones, or -1 for the last.
        places = {str(skill): (-1, row) for row, skill in enumerate(parameters.skills)}
        for place, skill in enumerate(skills):
            places[skill] = (place, places.get(skill, (-1, -1))[1])
        self._places = places

    def of(self, state: PSIKTState, at: float) -> tuple[F, F, NDArray[np.int64], F]:
        """Return mean, variance, counts and last times (n_skills,)."""
        # What the learner practised is looked up among what is asked: it is the shorter list.
        find, nowhere = self._places.get, (-1, -1)
        found = np.array([find(skill, nowhere) for skill in state.index], dtype=np.int64)
        found = found.reshape(-1, 2)
        source = np.flatnonzero(found[:, 0] >= 0)
        touched = found[source, 0]
        n, n_touched = len(self._row_of), len(touched)
        counts, last = np.zeros(n, dtype=np.int64), np.full(n, np.nan)
        counts[touched] = state.practice[source, COUNT].astype(np.int64)
        last[touched] = state.practice[source, LAST_AT]
        is_new = np.ones(n, dtype=np.bool_)
        is_new[touched] = False
        is_asked = np.zeros(len(self._total), dtype=np.bool_)
        is_asked[self._row_of[is_new]] = True
        new = np.flatnonzero(is_asked)
        pull = self._pull(state, found[:, 1], np.concatenate([self._row_of[touched], new]))
        known = np.empty((n_touched + len(new), 3 * self._n_points))
        known[:n_touched] = joined(
            carry(
                split(state.table[source]),
                Knowledge(*(one[:n_touched] for one in pull)),
                self._traits,
                np.maximum(at - last[touched], 0.0)[:, None],
            )
        )
        known[n_touched:] = self._begun(
            Knowledge(*(one[n_touched:] for one in pull)),
            max(at - state.first_at, 0.0) if state.n else 0.0,
        )
        mean_of_row, variance_of_row = self._moments(split(known), state)
        place = np.empty(len(self._total), dtype=np.int64)
        place[new] = n_touched + np.arange(len(new))
        place = place[self._row_of]
        place[touched] = np.arange(n_touched)
        return mean_of_row[place], variance_of_row[place], counts, last

    def _begun(self, pull: Knowledge, gap_days: float) -> F:
        """Return rows (n, 3 P) of skills that were never practised, so long after the first."""
        if self._start.at_target:
            return joined(begin_at(pull, self._start))
        return joined(
            carry(split(self._start_row[None]), pull, self._traits, np.array([[gap_days]]))
        )

    def _moments(self, known: Knowledge, state: PSIKTState) -> tuple[F, F]:
        """Return mean and variance (n,) of z over the trait points."""
        weight = np.exp(state.log_weights - state.log_weights.max())
        weight /= weight.sum()
        drift = self._parameters.level_drift if state.n else 0.0
        each = known.a + known.b * state.level_mean
        spread = known.b * known.b * (state.level_variance + drift) + known.r
        mean = each @ weight
        each -= mean[:, None]
        each *= each
        spread += each
        return mean, np.maximum(spread @ weight, 1e-10)

    def _pull(
        self, state: PSIKTState, fitted_row: NDArray[np.int64], rows: NDArray[np.int64]
    ) -> Knowledge:
        """Return the pull of the learner's practised skills on some of the asked rows, (n, P).

        fitted_row: of each practised skill, its row in the fit, or -1.
        """
        cut = 2 * self._n_points
        place = np.full(len(self._parameters.skills) + 1, -1)
        is_fitted = fitted_row >= 0
        place[fitted_row[is_fitted]] = np.flatnonzero(is_fitted)
        table = state.table - self._start_row
        excess = np.zeros((len(self._total), 3 * self._n_points))
        for child, parent, share in self._edges:
            at = place[parent]
            edge = np.flatnonzero(at >= 0)
            if len(edge):
                values, part = table.take(at[edge], axis=0), share[edge]
                values *= part
                values[:, cut:] *= part
                excess[child[edge]] += values
        excess = excess.take(rows, axis=0)
        return pull_of_excess(
            excess[:, :cut],
            excess[:, cut:],
            self._start_row,
            total=self._total[rows],
            total_square=self._total_square[rows],
            gamma=self._traits.gamma,
        )


def traits(parameters: PSIKTParameters, state: PSIKTState) -> TraitBeliefs:
    """Return a learner's traits: Gaussians over the trait points, before their transforms."""
    points = normal_points(parameters.config.particles)
    weight = np.exp(state.log_weights - state.log_weights.max())
    weight /= weight.sum()
    centre = weight @ points
    spread = weight @ (points - centre) ** 2
    # Points lie about this far apart, so no posterior over them can be narrower.
    grain = len(points) ** (-1.0 / 3.0)
    sd = np.sqrt(np.maximum(spread, (0.5 * grain) ** 2))
    ends = [
        parameters.trait_mean + parameters.trait_sd * (centre + step * sd)
        for step in (0.0, -_END, _END)
    ]
    decay = [np.logaddexp(0.0, one[0]) + LEAST_DECAY for one in ends]
    volatility = [float(np.logaddexp(0.0, one[1])) for one in ends]
    transfer = [float(sigmoid(np.array(one[2]))) for one in ends]
    mean = float(weight @ state.level_mean)
    variance = float(weight @ (state.level_variance + (state.level_mean - mean) ** 2))
    half = [math.log(2.0) / float(one) for one in decay]
    return TraitBeliefs(
        half_life_days=TraitBelief(value=half[0], lower=half[2], upper=half[1]),
        level=TraitBelief(
            value=mean,
            lower=mean - _END * math.sqrt(variance),
            upper=mean + _END * math.sqrt(variance),
        ),
        volatility=TraitBelief(*volatility),
        transfer=TraitBelief(*transfer),
        n_responses=state.n,
        is_enough_evidence=state.n >= ENOUGH_RESPONSES,
    )


def edges(
    parameters: PSIKTParameters,
    *,
    at_least: float,
    most: int | None = None,
    always: Collection[tuple[str, str]] = (),
) -> list[EdgeBelief]:
    """Return the learned edges of this weight or more, at most so many, strongest first.

    Pairs (parent, child) in always are among them whatever their weight, and count for nothing;
    those of unknown skills are passed over. A model without transfer has no edges.
    """
    if parameters.config.transfer == "none":
        return []
    weight = parameters.edges.weight
    row = {str(skill): number for number, skill in enumerate(parameters.skills)}
    named = [(row[parent], row[child]) for parent, child in always if {parent, child} <= row.keys()]
    is_named = np.zeros(weight.shape, dtype=np.bool_)
    for pair in named:
        is_named[pair] = True
    is_other = (weight >= at_least) & ~is_named
    np.fill_diagonal(is_other, val=False)
    parent, child = np.nonzero(is_other)
    if most is not None:
        kept = np.argsort(-weight[parent, child], kind="stable")[:most]
        parent, child = parent[kept], child[kept]
    is_named[parent, child] = True
    parent, child = np.nonzero(is_named)
    order = np.argsort(-weight[parent, child], kind="stable")
    authored = frozenset(parameters.config.authored)
    return [_edge(parameters, int(parent[one]), int(child[one]), authored) for one in order]


def _edge(
    parameters: PSIKTParameters, parent: int, child: int, authored: Collection[tuple[str, str]]
) -> EdgeBelief:
    table, where = parameters.edges, (parent, child)
    n_strong, n_weak = int(table.n_strong[where]), int(table.n_weak[where])
    right_strong, right_weak = int(table.right_strong[where]), int(table.right_weak[where])
    ids = (str(parameters.skills[parent]), str(parameters.skills[child]))
    return EdgeBelief(
        parent=ids[0],
        child=ids[1],
        weight=float(table.weight[where]),
        lower=float(table.lower[where]),
        upper=float(table.upper[where]),
        n_learners=int(table.n_learners[where]),
        right_after_strong=right_strong / n_strong if n_strong else math.nan,
        right_after_weak=right_weak / n_weak if n_weak else math.nan,
        n_strong=n_strong,
        right_strong=right_strong,
        n_weak=n_weak,
        right_weak=right_weak,
        gain=float(table.gain[where]),
        gain_sd=float(table.gain_sd[where]),
        is_authored=ids in authored,
        is_enough_evidence=min(n_strong, n_weak) >= ENOUGH_RETURNS,
        says=verdict(
            float(table.share[where]), float(table.told[where]), float(table.told_sd[where])
        ),
    )


def verdict(share: float, told: float, told_sd: float) -> EdgeVerdict:
    """Return what an estimate says of a share; nothing where it is NaN or has no spread."""
    if not told_sd > 0.0:
        return "undecided"
    if told - _END * told_sd > 0.0:
        return "supports"
    return "contradicts" if told + _END * told_sd < 0.5 * share else "undecided"


def normal_cdf(x: F) -> F:
    """Return the standard normal distribution function, absolute error below 1e-7.

    Source: Abramowitz and Stegun (1964), 26.2.17.
    """
    t = 1.0 / (1.0 + 0.2316419 * np.abs(x))
    series = t * (
        0.319381530 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429)))
    )
    tail = np.exp(-0.5 * x**2) / math.sqrt(2.0 * math.pi) * series
    below: F = np.where(x >= 0.0, 1.0 - tail, tail)
    return np.clip(below, 0.0, 1.0)
