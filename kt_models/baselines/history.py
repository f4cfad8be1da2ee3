"""What a learner had done before each response: counts and recent rates, all in numpy.

Every feature of row i is computed from rows of the same learner that come before row i; the rows
must be merged responses (ResponseArrays.merged), or a repeated row would show its own outcome.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kt_models.arrays import ResponseArrays
from kt_models.split import positions

F = NDArray[np.float64]
I64 = NDArray[np.int64]

# Sums are taken in fixed point, values within -1 and 1: a running sum of floats over all keys would
# let a later answer to one skill move the last bit of an earlier sum of another.
UNIT = 2.0**30
MS_PER_DAY = 86_400_000.0


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """Entries sorted by key, then time: the shared ground of all counts.

    order (m,) sorts the entries; start (m,) is, for each sorted entry, where its key begins.
    """

    order: I64
    start: I64

    def before(self, values: F) -> F:
        """Return (m,) the sum of values over earlier entries of the same key."""
        total = self._running(values)
        return self._unsorted(total[:-1] - total[self.start]) / UNIT

    def recent(self, values: F, *, span: int) -> tuple[F, F]:
        """Return (m,) the sum over, and the number of, the last `span` earlier entries."""
        total = self._running(values)
        here = np.arange(len(self.order))
        low = np.maximum(self.start, here - span)
        return self._unsorted(total[here] - total[low]) / UNIT, self._unsorted(here - low)

    def since(self, values: NDArray[np.float64]) -> F:
        """Return (m,) value minus that of the previous entry of the key; NaN for the first."""
        ordered = values[self.order]
        gaps = np.full(len(ordered), np.nan)
        gaps[1:] = np.diff(ordered)
        gaps[self.start == np.arange(len(ordered))] = np.nan
        found = np.empty(len(ordered))
        found[self.order] = gaps
        return found

    def within(self, values: F, time_days: F, *, window_days: float) -> F:
        """Return (m,) the sum of values over earlier entries at most the window before."""
        total = self._running(values)
        at = np.rint(time_days[self.order] * MS_PER_DAY).astype(np.int64)
        window = round(window_days * MS_PER_DAY)
        # One search for all keys: push the time lines of the keys so far apart that none overlap.
        key = np.cumsum(self.start == np.arange(len(at)))
        begin = int(at.min()) if len(at) else 0
        line = at - begin + key * (int(at.max(initial=begin)) - begin + window + 1)
        low = np.searchsorted(line, line - window, side="left")
        low = np.minimum(low, np.arange(len(at)))
        return self._unsorted(total[:-1] - total[low]) / UNIT

    def _running(self, values: F) -> I64:
        """Return (m + 1,) sums before each sorted entry, as exact multiples of 1 / UNIT."""
        total = np.zeros(len(values) + 1, dtype=np.int64)
        np.cumsum(np.rint(values[self.order] * UNIT).astype(np.int64), out=total[1:])
        return total

    def _unsorted(self, of_sorted: I64) -> F:
        found = np.empty(len(of_sorted))
        found[self.order] = of_sorted
        return found


def group_entries(key: I64) -> Groups:
    """Group entries that are already in time order by an integer key."""
    order = np.argsort(key, kind="stable")
    ordered = key[order]
    is_first = np.ones(len(key), dtype=np.bool_)
    is_first[1:] = ordered[1:] != ordered[:-1]
    firsts = np.flatnonzero(is_first)
    start = np.repeat(firsts, np.diff(np.append(firsts, len(key))))
    return Groups(order=order, start=start)


@dataclass(frozen=True, slots=True, eq=False)
class SkillEntries:
    """One entry for each (response, skill): row (m,), skill (m,), grouped by learner and skill."""

    row: I64
    skill: NDArray[np.int32]
    groups: Groups


def skill_entries(data: ResponseArrays) -> SkillEntries:
    """List the (response, skill) pairs of merged data."""
    row = np.repeat(np.arange(data.n_responses), np.diff(data.skill_indptr))
    key = data.learner[row].astype(np.int64) * max(data.n_skills, 1) + data.skill_index
    return SkillEntries(row=row, skill=data.skill_index, groups=group_entries(key))


def by_learner(data: ResponseArrays) -> Groups:
    """Group responses by learner."""
    starts = data.learner_slices()
    return Groups(order=np.arange(data.n_responses), start=starts[data.learner])


def by_learner_item(data: ResponseArrays) -> Groups:
    """Group responses by learner and item; an unknown item is an item of its own each time."""
    own = np.where(data.item < 0, len(data.items) + positions(data), data.item).astype(np.int64)
    return group_entries(data.learner.astype(np.int64) * (int(own.max(initial=0)) + 1) + own)
