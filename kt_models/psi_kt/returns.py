"""How PSI-KT's forecasts hold when learners come back to a skill: one pass of the filter."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kt_models.arrays import ResponseArrays
from kt_models.psi_kt.batch import Group, Layout, Moment, layout_of
from kt_models.psi_kt.graph import Pulls
from kt_models.psi_kt.parameters import PSIKTParameters
from kt_models.psi_kt.recursion import F, p_of_normal
from kt_models.returning import UNCHANGED, ReturnMap, fit_return_map, returns_of

LEARNERS_MOST = 300
"""Whom the map is fitted on, drawn: two numbers need no more."""
_GROUP = 128


def return_map_of(
    parameters: PSIKTParameters, pulls: Pulls, data: ResponseArrays, *, seed: int
) -> ReturnMap:
    """Return the map of a fit's forecasts after a break; data is merged.

    On learners of the fit itself: nothing of the model is fitted to a single learner.
    """
    is_return = returns_of(data)
    present = np.unique(data.learner[is_return])
    if not len(present):
        return UNCHANGED
    drawn = np.random.default_rng([seed, 2]).permutation(present)[:LEARNERS_MOST]
    some = data.take_learners(drawn)
    rows = returns_of(some)
    plain = replace(parameters, returning=UNCHANGED)
    p = _forecasts(plain, pulls, some, rows)
    return fit_return_map(p, some.correct[rows])


def _forecasts(
    parameters: PSIKTParameters, pulls: Pulls, data: ResponseArrays, rows: NDArray[np.bool_]
) -> F:
    """Return what was forecast of these rows (in order), as a page would have read it."""
    layout = layout_of(data, parameters)
    by_skill = parameters.skill_offset[layout.row]
    offset = np.add.reduceat(by_skill[data.skill_index], data.skill_indptr[:-1])
    offset /= np.diff(data.skill_indptr)
    found, ignored = np.full(data.n_responses, np.nan), np.empty(data.n_responses)
    for begin in range(0, len(layout.start), _GROUP):
        which = slice(begin, begin + _GROUP)
        group = _Forecasting(parameters, pulls, layout, which, rows, layout.offset - offset, found)
        for at in range(int(group.length[0])):
            group.step(at, ignored)
    return found[rows]


class _Forecasting(Group):
    """Notes the forecast of rows that are asked for: what is known, without item and history."""

    def __init__(
        self,
        parameters: PSIKTParameters,
        pulls: Pulls,
        layout: Layout,
        which: slice,
        rows: NDArray[np.bool_],
        beside: F,
        into: F,
    ) -> None:
        super().__init__(parameters, pulls, layout, which)
        self._rows, self._beside, self._into = rows, beside, into

    def told(self, now: Moment) -> None:
        """Put the trait points' Gaussians together, as a forecast does."""
        wanted = self._rows[now.row]
        if not wanted.any():
            return
        row = now.row[wanted]
        weights = now.weights[wanted]
        each = now.response.mean[wanted] - self._beside[row][:, None]
        mean = (weights * each).sum(axis=1)
        beyond = each - mean[:, None]
        variance = (weights * (now.response.variance[wanted] + beyond * beyond)).sum(axis=1)
        self._into[row] = p_of_normal(mean, np.sqrt(variance))
