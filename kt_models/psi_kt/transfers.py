"""What the answers of a log say of each edge: one pass of the filter, and a regression a child.

Beside the filter run tangents: by how much a skill's knowledge would have been higher now, had a
parent's share of its pull been larger. An answer then tells of the shares as in a logistic
regression: its surprise times the tangent is the slope of the log likelihood, and products of
tangents are the information, of all parents of a child together. Tangents leave out what a share
changes in the beliefs about level, traits and other skills.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kt_models.arrays import ResponseArrays
from kt_models.psi_kt.batch import Group, Layout, Moment, layout_of
from kt_models.psi_kt.config import PSIKTConfig
from kt_models.psi_kt.graph import Pulls
from kt_models.psi_kt.parameters import PSIKTParameters
from kt_models.psi_kt.recursion import (
    NODE_WEIGHTS,
    NODES,
    F,
    Knowledge,
    Level,
    Response,
    sigmoid,
)

# Numbers of the tangents of learners side by side, and of tangents kept before they are summed.
_TABLE_SIZE = 2_000_000
# From here on parents are judged one by one: their joint information is a cube of this side.
_MOST_JOINT = 200
_GROUP = 128
_LEAST_P = 1e-6
_TOLD_SD = 0.3
# The ends of a normal's central 80 %.
_END = 1.2815515655446004
_ITERATIONS = 30
_LONGEST_STEP = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class ShareLikelihood:
    """The log likelihood of shares of the pull around the fit, up to second order.

    slope (child, parent); information (child, parent, parent), or (child, parent) where there are
    more skills than are judged together.
    """

    slope: F
    information: F

    def of_child(self, child: int) -> tuple[F, F]:
        """Return the slope (K,) and the information (K, K) of one child's shares."""
        found = self.information[child]
        return self.slope[child], found if found.ndim == 2 else np.diag(found)


def share_likelihood(
    parameters: PSIKTParameters,
    pulls: Pulls,
    data: ResponseArrays,
    *,
    excess: F | None = None,
    tell: Callable[[float], None] | None = None,
) -> ShareLikelihood:
    """Go once through merged data, whose skills all are the model's.

    excess (n, K) is by how much every skill truly is above the learner's level at each response,
    where a simulation knows; else the filter's belief of it at the skill's last answer.
    """
    layout = layout_of(data, parameters)
    n_rows = len(parameters.skills)
    is_joint = n_rows <= _MOST_JOINT
    slope = np.zeros((n_rows, n_rows))
    information = np.zeros((n_rows,) * (3 if is_joint else 2))
    most = min(parameters.config.group, _GROUP)
    size = max(min(_TABLE_SIZE // (layout.n_slots + 2) ** 2, most), 1)
    for begin in range(0, len(layout.start), size):
        group = _Tangents(parameters, pulls, layout, slice(begin, begin + size))
        group.into(slope, information)
        group.true_excess = excess
        found = np.empty(data.n_responses)
        for at in range(int(group.length[0])):
            group.step(at, found)
        group.flush()
        if tell is not None:
            tell(min((begin + size) / len(layout.start), 1.0))
    return ShareLikelihood(slope=slope, information=information)


class _Tangents(Group):
    """A group of learners with the tangents (L, slot of the child, row of the parent)."""

    def __init__(
        self, parameters: PSIKTParameters, pulls: Pulls, layout: Layout, which: slice
    ) -> None:
        super().__init__(parameters, pulls, layout, which)
        n, self._n_rows = len(self.length), len(parameters.skills)
        self._tangent = np.zeros((n, layout.n_slots + 2, self._n_rows))
        self._excess = np.zeros((n, layout.n_slots + 2))
        # Row of each slot, the last for what is no skill; and slot of each row.
        self._row_of = np.append(layout.row, [self._n_rows, self._n_rows])
        self._slot_of = np.full(self._n_rows, layout.never)
        is_known = layout.row < self._n_rows
        self._slot_of[layout.row[is_known]] = np.flatnonzero(is_known)
        self._kept: list[tuple[NDArray[np.int64], F, F, F]] = []
        self._n_kept = 0
        self.true_excess: F | None = None

    def into(self, slope: F, information: F) -> None:
        """Say where sums go."""
        self._slope, self._information = slope, information

    def told(self, now: Moment) -> None:
        """Take an answer of n learners in: note what it says, and move the tangents on."""
        n, slot = now.slot.shape[0], now.slot
        learner = np.arange(n)[:, None]
        weight = now.weights
        rate = self._traits.alpha * now.gap_days
        stay = (weight[:, None] * np.exp(-rate)).sum(axis=2)
        if self._start.at_target:
            stay = np.where(now.is_new, 0.0, stay)
        gamma = (weight * self._traits.gamma).sum(axis=1)
        excess = self._excess[:n, self._slot_of]
        if self.true_excess is not None:
            excess = self.true_excess[now.row]
        tangent = stay[..., None] * self._tangent[learner, slot]
        tangent += ((1.0 - stay) * gamma[:, None])[..., None] * excess[:, None]
        # d P(right) / d x, and with it slope and information of the answer.
        right = np.clip(now.p_right, _LEAST_P, 1.0 - _LEAST_P)
        steep = (weight * _steepness(now.response)).sum(axis=1)
        slope = now.sign * steep / np.where(now.sign > 0.0, right, 1.0 - right)
        information = steep**2 / (right * (1.0 - right))
        share = now.share[..., 0]
        self._kept.append(
            (
                self._row_of[slot].ravel(),
                (share[..., None] * tangent).reshape(-1, self._n_rows),
                np.repeat(slope, slot.shape[1]),
                np.repeat(information, slot.shape[1]),
            )
        )
        self._n_kept += tangent.size
        # What an answer leaves of an earlier difference: as much as of the variance.
        before = (weight[:, None] * _variance(now.before, now.level_before)).sum(axis=2)
        after = (weight[:, None] * _variance(now.after, now.level_after)).sum(axis=2)
        left = np.clip(after / np.maximum(before, 1e-12), 0.0, 1.0)
        self._tangent[learner, slot] = left[..., None] * tangent
        beyond_a = now.after.a - self._start.mean
        beyond_b = now.after.b - (1.0 if self._start.at_target else 0.0)
        beyond = beyond_a + beyond_b * now.level_after.m[:, None]
        self._excess[learner, slot] = (weight[:, None] * beyond).sum(axis=2)
        self._tangent[:n, self._layout.trash] = 0.0
        self._excess[:n, self._layout.trash] = 0.0
        if self._n_kept > _TABLE_SIZE:
            self.flush()

    def flush(self) -> None:
        """Sum what was noted, child by child."""
        if not self._kept:
            return
        child, tangent, slope, information = (
            np.concatenate(parts) for parts in zip(*self._kept, strict=True)
        )
        self._kept, self._n_kept = [], 0
        order = np.argsort(child, kind="stable")
        bounds = np.searchsorted(child[order], np.arange(self._n_rows + 1))
        for row in range(self._n_rows):
            which = order[bounds[row] : bounds[row + 1]]
            if len(which):
                of_child = tangent[which]
                weighed = of_child * information[which, None]
                self._slope[row] += slope[which] @ of_child
                if self._information.ndim == 3:
                    self._information[row] += weighed.T @ of_child
                else:
                    self._information[row] += (weighed * of_child).sum(axis=0)


def _variance(known: Knowledge, level: Level) -> F:
    """Return the variance of z, (L, S, P)."""
    return known.b**2 * level.v[:, None] + known.r


def _steepness(response: Response) -> F:
    """Return (L, P) by how much P(right) rises with x."""
    right = sigmoid(response.mean[..., None] + np.sqrt(response.variance)[..., None] * NODES)
    return (right * (1.0 - right)) @ NODE_WEIGHTS


@dataclass(frozen=True, slots=True, eq=False)
class EdgePosterior:
    """Edges (parent, child): weight with its 80 % interval, and what the answers alone say.

    share is the fitted share of the pull, told and told_sd its estimate from the answers, with a
    prior so wide that it only keeps estimates of what was never seen finite.
    """

    weight: F
    lower: F
    upper: F
    share: F
    told: F
    told_sd: F


def edge_posterior(
    graph: F, likelihood: ShareLikelihood, *, config: PSIKTConfig, prior_sd: float
) -> EdgePosterior:
    """Put the prior around the fitted graph (parent, child) and the answers together.

    Log odds of an edge are Gaussian around the fitted ones with prior_sd; the mode is found child
    by child on the likelihood's second order, by damped Gauss-Newton steps, and the interval is
    that of the curvature there.
    """
    n = len(graph)
    found = EdgePosterior(*(np.zeros((n, n)) for _ in range(6)))
    for child in range(n):
        parents = np.flatnonzero(np.arange(n) != child)
        slope, information = likelihood.of_child(child)
        slope, information = slope[parents], information[np.ix_(parents, parents)]
        weight = np.clip(graph[parents, child], 1e-6, 1.0 - 1e-6)
        odds, reach = _mode(weight, slope, information, config=config, prior_sd=prior_sd, n=n)
        share = _shares(weight, config=config, n_skills=n)[0]
        inverse = np.linalg.inv(information + np.eye(len(parents)) / _TOLD_SD**2)
        where = (parents, child)
        found.weight[where] = sigmoid(odds)
        found.lower[where], found.upper[where] = sigmoid(odds - reach), sigmoid(odds + reach)
        found.share[where] = share
        found.told[where] = share + inverse @ slope
        found.told_sd[where] = np.sqrt(np.diag(inverse))
    return found


def _mode(
    weight: F, slope: F, information: F, *, config: PSIKTConfig, prior_sd: float, n: int
) -> tuple[F, F]:
    """Return the log odds at the mode and half the width of their 80 % intervals."""
    prior = np.log(weight) - np.log1p(-weight)
    share_0 = _shares(weight, config=config, n_skills=n)[0]
    precision = np.eye(len(weight)) / prior_sd**2

    def rise(at: F) -> float:
        moved = _shares(sigmoid(at), config=config, n_skills=n)[0] - share_0
        far = at - prior
        return float(
            slope @ moved - 0.5 * moved @ information @ moved - 0.5 * far @ precision @ far
        )

    odds, height = prior, 0.0
    curvature = precision
    for _ in range(_ITERATIONS):
        share, by_weight = _shares(sigmoid(odds), config=config, n_skills=n)
        by_odds = by_weight * (sigmoid(odds) * (1.0 - sigmoid(odds)))
        pressure = slope - information @ (share - share_0)
        curvature = by_odds.T @ information @ by_odds + precision
        step = np.linalg.solve(curvature, by_odds.T @ pressure - precision @ (odds - prior))
        longest = float(np.abs(step).max(initial=0.0))
        step *= min(1.0, _LONGEST_STEP / max(longest, 1e-12))
        while (tried := rise(odds + step)) < height and np.abs(step).max() > 1e-4:
            step = 0.5 * step
        if tried <= height:
            break
        odds, height = odds + step, tried
        if longest < 1e-3:
            break
    return odds, _END * np.sqrt(np.diag(np.linalg.inv(curvature)))


def _shares(weight: F, *, config: PSIKTConfig, n_skills: int) -> tuple[F, F]:
    """Return a child's shares of edges' weights (parents,), and their derivatives."""
    if config.transfer == "parents":
        total = 1.0 + weight.sum()
        share = weight / total
        return share, (np.eye(len(weight)) - share[:, None]) / total
    return weight / n_skills, np.eye(len(weight)) / n_skills
