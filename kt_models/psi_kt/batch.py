"""Filter a whole log, learners side by side, one step of all of them at a time: numpy only."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kt_models.arrays import ResponseArrays, lookup
from kt_models.datasets.log import SECONDS_PER_DAY
from kt_models.errors import DataError
from kt_models.psi_kt.graph import Pulls, joined, pull_of_excess, split, start_of, start_row
from kt_models.psi_kt.history import features_of_log, rate_of_log
from kt_models.psi_kt.parameters import PSIKTParameters
from kt_models.psi_kt.recursion import (
    F,
    Knowledge,
    Level,
    Response,
    Start,
    Traits,
    drift_weights,
    learn,
    p_correct,
    respond,
    revisit,
)

I64 = NDArray[np.int64]

_GROUP = 128


def times_in_days(data: ResponseArrays, *, unit_steps: bool) -> F:
    """Return (n,) times in days, or steps of an index log where unit_steps.

    Raises: DataError for an index log without unit_steps.
    """
    if data.time_unit == "index" and not unit_steps:
        raise DataError(
            "data has time_unit 'index', expected 'days' or 'seconds': knowledge decays with real "
            "time; set unit_steps to read every step as one unit"
        )
    return data.time / SECONDS_PER_DAY if data.time_unit == "seconds" else data.time


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Merged responses as rows of fixed width: slots (n, S) of skills, `trash` where there is none.

    share (n, S) is one over the number of skills, 0 in the trash; row (n_slots,) is each slot's row
    in the parameters; `never` is a slot that is never written.
    """

    slot: I64
    share: F
    row: I64
    days: F
    sign: F
    offset: F
    start: I64
    length: I64
    n_slots: int

    @property
    def never(self) -> int:
        """Return the slot of a skill that nobody practises."""
        return self.n_slots

    @property
    def trash(self) -> int:
        """Return the slot that empty places write to."""
        return self.n_slots + 1


def layout_of(data: ResponseArrays, parameters: PSIKTParameters) -> Layout:
    """Lay merged data out for the filter, with the linear part of every response."""
    row = lookup(parameters.skills, data.skills).astype(np.int64)
    row[row < 0] = len(parameters.skills)
    item = lookup(parameters.items, data.items).astype(np.int64)
    slot, share = slots_of(data)
    by_skill = parameters.skill_offset[row]
    offset = np.add.reduceat(by_skill[data.skill_index], data.skill_indptr[:-1])
    offset /= np.diff(data.skill_indptr)
    by_item = np.where(item >= 0, np.append(parameters.item_offset, 0.0)[item], 0.0)
    offset += np.append(by_item, 0.0)[data.item]
    if parameters.config.history:
        item_rate = np.where(item >= 0, np.append(parameters.item_rate, np.nan)[item], np.nan)
        rate = rate_of_log(data, skill_rate=parameters.skill_rate[row], item_rate=item_rate)
        values = features_of_log(data, rate=rate)
        # A product summed row by row: a matrix product may round a row by its neighbours.
        offset += (values * parameters.coefficients).sum(axis=1)
    starts = data.learner_slices()
    lengths = np.diff(starts)
    codes = np.argsort(-lengths, kind="stable")
    codes = codes[lengths[codes] > 0]
    return Layout(
        slot=slot,
        share=share,
        row=row,
        days=times_in_days(data, unit_steps=True),
        sign=np.where(data.correct == 1, 1.0, -1.0),
        offset=offset,
        start=starts[codes],
        length=lengths[codes],
        n_slots=data.n_skills,
    )


def slots_of(data: ResponseArrays) -> tuple[I64, F]:
    """Return slots (n, S) of the data's skill codes, n_skills + 1 for none, and shares (n, S)."""
    count = np.diff(data.skill_indptr)
    width = int(count.max(initial=1))
    slot = np.full((data.n_responses, width), data.n_skills + 1, dtype=np.int64)
    row = np.repeat(np.arange(data.n_responses), count)
    place = np.arange(len(row)) - np.repeat(data.skill_indptr[:-1], count)
    slot[row, place] = data.skill_index
    share = np.where(slot <= data.n_skills, 1.0 / np.maximum(count, 1)[:, None], 0.0)
    return slot, share


def predict(parameters: PSIKTParameters, pulls: Pulls, data: ResponseArrays) -> F:
    """Return (n,) P(correct) of each response from the learner's earlier ones.

    Raises: DataError when the log's time unit is not the model's.
    """
    is_index = data.time_unit == "index"
    if is_index != (parameters.time_unit == "index"):
        raise DataError(
            f"data has time_unit '{data.time_unit}', the model was fitted on "
            f"'{parameters.time_unit}'; knowledge decays with time, expected the same"
        )
    if not data.n_responses:
        return np.empty(0)
    merged = data.merged()
    layout = layout_of(merged.data, parameters)
    found = np.empty(merged.data.n_responses)
    for begin in range(0, len(layout.start), _GROUP):
        group = Group(parameters, pulls, layout, slice(begin, begin + _GROUP))
        for at in range(int(group.length[0])):
            group.step(at, found)
    return found[merged.response]


class Moment(NamedTuple):
    """One answer of each of n learners, S places for skills, P trait points.

    row (n,) in the log; slot, is_new (n, S); share, gap_days (n, S, 1); weights (n, P) of the trait
    points before the answer; p_right, sign (n,).
    """

    row: I64
    slot: I64
    is_new: NDArray[np.bool_]
    share: F
    gap_days: F
    weights: F
    response: Response
    p_right: F
    sign: F
    before: Knowledge
    after: Knowledge
    level_before: Level
    level_after: Level


class Group:
    """Some learners, longest first; tables are (learners, slots, 3 P)."""

    def __init__(
        self, parameters: PSIKTParameters, pulls: Pulls, layout: Layout, which: slice
    ) -> None:
        self.length = layout.length[which]
        self._begin = layout.start[which]
        self._layout = layout
        self._parameters = parameters
        self._traits: Traits = parameters.traits()
        self._start: Start = start_of(parameters)
        n, n_points = len(self.length), parameters.config.particles
        self._start_row = start_row(self._start, n_points)
        self._table = np.tile(self._start_row, (n, layout.n_slots + 2, 1))
        self._last = np.full((n, layout.n_slots + 2), np.nan)
        self._mean = np.full((n, n_points), parameters.level_mean)
        self._variance = np.full((n, n_points), parameters.level_variance)
        self._log_weights = np.full((n, n_points), -np.log(n_points))
        self._first = layout.days[self._begin]
        self._parents, self._share = _slot_parents(pulls, layout)
        self._total = np.append(pulls.total[layout.row], [0.0, 0.0])
        self._total_square = np.append(pulls.total_square[layout.row], [0.0, 0.0])

    def step(self, at: int, found: F) -> None:
        """Predict and learn response `at` of every learner that has one."""
        layout, parameters = self._layout, self._parameters
        n = int(np.searchsorted(-self.length, -at, side="left"))
        rows = self._begin[:n] + at
        learner = np.arange(n)[:, None]
        slot, days = layout.slot[rows], layout.days[rows]
        last = self._last[learner, slot]
        is_new = np.isnan(last)
        since = np.where(is_new, self._first[:n, None], last)
        pull = self._pull(n, slot)
        gap_days = np.maximum(days[:, None] - since, 0.0)[..., None]
        before = revisit(
            split(self._table[learner, slot]),
            pull,
            self._traits,
            self._start,
            gap_days=gap_days,
            is_new=is_new[..., None],
        )
        drift = parameters.level_drift if at else 0.0
        level = Level(m=self._mean[:n].copy(), v=self._variance[:n] + drift)
        log_weights = drift_weights(self._log_weights[:n], parameters.trait_drift if at else 0.0)
        share, sign = layout.share[rows][..., None], layout.sign[rows]
        response = respond(before, share, level, layout.offset[rows][:, None])
        weights = np.exp(log_weights)
        weights /= weights.sum(axis=1, keepdims=True)
        found[rows] = (weights * p_correct(response)).sum(axis=1)
        after, level_after, log_likelihood = learn(before, share, level, response, sign[:, None])
        self._table[learner, slot] = joined(after)
        self._last[learner, slot] = days[:, None]
        self._table[:n, layout.trash] = self._start_row
        self._last[:n, layout.trash] = np.nan
        self._mean[:n], self._variance[:n] = level_after
        self._log_weights[:n] = drift_weights(log_weights + log_likelihood, 0.0)
        self.told(
            Moment(
                row=rows,
                slot=slot,
                is_new=is_new,
                share=share,
                gap_days=gap_days,
                weights=weights,
                response=response,
                p_right=found[rows],
                sign=sign,
                before=before,
                after=after,
                level_before=level,
                level_after=level_after,
            )
        )

    def told(self, now: Moment) -> None:
        """Take note of what was just learned; for those that keep more than the filter does."""

    def _pull(self, n: int, slot: I64) -> Knowledge:
        n_points = self._parameters.config.particles
        parents, share = self._parents[slot], self._share[slot]
        excess = self._table[np.arange(n)[:, None, None], parents] - self._start_row
        ab = (share[..., None] * excess[..., : 2 * n_points]).sum(axis=-2)
        r = (share[..., None] ** 2 * excess[..., 2 * n_points :]).sum(axis=-2)
        return pull_of_excess(
            ab,
            r,
            self._start_row,
            total=self._total[slot][..., None],
            total_square=self._total_square[slot][..., None],
            gamma=self._traits.gamma,
        )


def _slot_parents(pulls: Pulls, layout: Layout) -> tuple[I64, F]:
    """Return parents (n_slots + 2, m) as slots, `never` where the log lacks them, and shares."""
    n_rows = len(pulls.total)
    slot_of_row = np.full(n_rows + 1, layout.never, dtype=np.int64)
    known = np.flatnonzero(layout.row < n_rows - 1)
    slot_of_row[layout.row[known]] = known
    nobody = np.full((2, pulls.parents.shape[1]), layout.never)
    parents = np.vstack([slot_of_row[pulls.parents[layout.row]], nobody])
    share = np.vstack([pulls.share[layout.row], np.zeros((2, pulls.share.shape[1]))])
    return parents, share
