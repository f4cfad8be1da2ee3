"""What knowing a parent is worth on its child, between learners who are equally good otherwise.

A first answer to a skill says mostly how good a learner is in general, and so do answers to any
other skill. What a prerequisite changes shows in how the child is learned: in its first few
answers, between learners of one level.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kt_models.arrays import ResponseArrays, lookup

F = NDArray[np.float64]

FIRST_ANSWERS = 8
"""How many answers to the child are looked at: those in which it is learned."""
LEARNERS_LEAST = 30
"""Fewer who met the parent before the child say nothing."""
_LEAST_SPREAD = 1e-6


@dataclass(slots=True, eq=False)
class _Sums:
    """Sums over learners for each (parent, child): x parent, y child, a level."""

    n: F
    x: F
    y: F
    a: F
    xx: F
    xy: F
    xa: F
    aa: F
    ay: F
    yy: F


def edge_gains(data: ResponseArrays, skills: NDArray[np.str_]) -> dict[str, NDArray[np.float32]]:
    """Return gain and gain_sd (parent, child); data is merged.

    gain is the slope of a learner's share right in the first answers to the child on the share
    right on the parent before them, beside the learner's share right on everything but the child:
    how much more is right after a parent that was all right than after one that was all wrong.
    NaN where fewer than LEARNERS_LEAST met the parent first, or all of them did alike.
    """
    k = len(skills)
    sums = _Sums(*(np.zeros((k, k)) for _ in range(10)))
    code = lookup(skills, data.skills).astype(np.int64)
    starts = data.learner_slices()
    for begin, end in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True):
        if end > begin:
            _add_learner(sums, data, code, begin, end)
    return _slopes(sums)


def _add_learner(
    sums: _Sums, data: ResponseArrays, code: NDArray[np.int64], begin: int, end: int
) -> None:
    low, high = int(data.skill_indptr[begin]), int(data.skill_indptr[end])
    skill = code[data.skill_index[low:high]]
    row = np.repeat(np.arange(end - begin), np.diff(data.skill_indptr[begin : end + 1]))
    right = data.correct[begin:end].astype(np.float64)[row]
    seen, place = np.unique(skill, return_inverse=True)
    total = np.bincount(place).astype(np.float64)
    total_right = np.bincount(place, weights=right)
    others = total.sum() - total
    if not (others > 0).all():
        return
    level = (total_right.sum() - total_right) / others
    # Entries by skill, in order of time: the turn of each among its skill's answers.
    order = np.argsort(place, kind="stable")
    turn = np.arange(len(order)) - np.repeat(np.cumsum(total) - total, total.astype(np.int64))
    is_early = turn < FIRST_ANSWERS
    learned = np.bincount(place[order], weights=right[order] * is_early) / np.minimum(
        total, FIRST_ANSWERS
    )
    first = row[order[turn == 0]]
    # (entries, children): what came before the child's first answer.
    before = row[:, None] < first[None, :]
    shape = (len(seen), len(seen))
    tried, got = np.zeros(shape), np.zeros(shape)
    np.add.at(tried, place, before.astype(np.float64))
    np.add.at(got, place, before * right[:, None])
    met = tried > 0
    x = np.where(met, got / np.maximum(tried, 1.0), 0.0)
    a, y = np.broadcast_to(level, shape) * met, np.broadcast_to(learned, shape) * met
    cells: Any = np.ix_(seen, seen)
    parts = (met, x, y, a, x * x, x * y, x * a, a * a, a * y, y * y)
    tables = (sums.n, sums.x, sums.y, sums.a, sums.xx, sums.xy, sums.xa, sums.aa, sums.ay, sums.yy)
    for table, part in zip(tables, parts, strict=True):
        table[cells] += part


def _slopes(sums: _Sums) -> dict[str, NDArray[np.float32]]:
    """Return the least squares of y on x and a, with the standard error of x's slope."""
    n = np.maximum(sums.n, 1.0)

    def about(product: F, one: F, other: F) -> F:
        return np.asarray(product - one * other / n)

    xx, aa = about(sums.xx, sums.x, sums.x), about(sums.aa, sums.a, sums.a)
    xa, xy = about(sums.xa, sums.x, sums.a), about(sums.xy, sums.x, sums.y)
    ay, yy = about(sums.ay, sums.a, sums.y), about(sums.yy, sums.y, sums.y)
    spread = xx * aa - xa * xa
    is_told = (sums.n >= LEARNERS_LEAST) & (aa > _LEAST_SPREAD) & (spread > _LEAST_SPREAD * aa)
    safe = np.where(is_told, spread, 1.0)
    gain = (aa * xy - xa * ay) / safe
    of_level = (xx * ay - xa * xy) / safe
    left = np.maximum(yy - gain * xy - of_level * ay, 0.0)
    variance = left / np.maximum(sums.n - 3.0, 1.0) * aa / safe
    return {
        "gain": np.where(is_told, gain, np.nan).astype(np.float32),
        "gain_sd": np.where(is_told, np.sqrt(variance), np.nan).astype(np.float32),
    }
