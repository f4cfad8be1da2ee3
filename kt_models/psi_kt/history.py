"""What a learner did so far as numbers beside the filter: the linear evidence of `extended`.

One definition, online for one learner and in one pass over a log; both give the same bits.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kt_models.arrays import ResponseArrays

F = NDArray[np.float64]

NAMES = (
    "last answer",
    "surplus of about 3 answers",
    "surplus of about 15 answers",
    "last answer to the skill",
    "practice of the skill",
    "first time on the skill",
    "skill as before",
    "item as before",
    "last answer to this same item",
    "tries of this same item",
    "practice of all skills",
)
N_FEATURES = len(NAMES)
SIGNALS = (*NAMES[:4], NAMES[8])
"""Those that say how the latest answers went, not how many there were."""

_FAST, _SLOW = 0.7, 0.93


class Past(NamedTuple):
    """A learner's past in short: counts, signs (+1, -1, 0 for none), decayed mean surpluses."""

    n: float = 0.0
    last: float = 0.0
    fast: float = 0.0
    slow: float = 0.0
    tries: float = 0.0


def advance(past: Past, *, sign: float, surplus: float, is_same_item: bool) -> Past:
    """Return the past after an answer; surplus is the answer minus what others score there."""
    return Past(
        n=past.n + 1.0,
        last=sign,
        fast=_FAST * past.fast + (1.0 - _FAST) * surplus,
        slow=_SLOW * past.slow + (1.0 - _SLOW) * surplus,
        tries=past.tries + 1.0 if is_same_item else 1.0,
    )


def features(
    past: Past, *, skill_last: F, skill_count: F, skill_is_last: F, is_same_item: bool
) -> F:
    """Return (N_FEATURES,); the skills' arrays (S,) are averaged."""
    same = 1.0 if is_same_item else 0.0
    n_skills = len(skill_last)
    return np.array(
        [
            past.last,
            past.fast,
            past.slow,
            skill_last.sum() / n_skills,
            np.log1p(skill_count).sum() / n_skills,
            (skill_count == 0.0).sum() / n_skills,
            skill_is_last.sum() / n_skills,
            same,
            same * past.last,
            same * np.log1p(past.tries),
            np.log1p(past.n),
        ]
    )


@dataclass(slots=True, eq=False)
class _Table:
    """The pasts of many learners side by side; skill tables are (L, K)."""

    n: F
    last: F
    fast: F
    slow: F
    tries: F
    item: NDArray[np.int64]
    skill_last: F
    skill_count: F
    skill_at: F


def features_of_log(data: ResponseArrays, *, rate: F) -> F:
    """Return (n, N_FEATURES) of merged data; rate (n,) is what others score on each response."""
    found = np.zeros((data.n_responses, N_FEATURES))
    starts = data.learner_slices()
    lengths = np.diff(starts)
    codes = np.argsort(-lengths, kind="stable")
    codes = codes[lengths[codes] > 0]
    step = 256
    for begin in range(0, len(codes), step):
        group = codes[begin : begin + step]
        _fill(found, data, rate, starts[group], lengths[group])
    return found


def _fill(
    found: F,
    data: ResponseArrays,
    rate: F,
    start: NDArray[np.int64],
    length: NDArray[np.int64],
) -> None:
    n, k = len(start), data.n_skills
    zeros = np.zeros(n)
    table = _Table(
        n=zeros.copy(), last=zeros.copy(), fast=zeros.copy(), slow=zeros.copy(),
        tries=zeros.copy(), item=np.full(n, -1, dtype=np.int64), skill_last=np.zeros((n, k)),
        skill_count=np.zeros((n, k)), skill_at=np.full((n, k), -1.0),
    )  # fmt: skip
    for at in range(int(length[0])):
        active = int(np.searchsorted(-length, -at, side="left"))
        _step(found, data, rate, table, start[:active] + at)


def _step(found: F, data: ResponseArrays, rate: F, table: _Table, rows: NDArray[np.int64]) -> None:
    n = len(rows)
    begin = data.skill_indptr[rows]
    count = data.skill_indptr[rows + 1] - begin
    owner = np.repeat(np.arange(n), count)
    within = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
    skill = data.skill_index[begin[owner] + within]

    def mean(values: F) -> F:
        total = np.bincount(owner, weights=values, minlength=n).astype(np.float64)
        return np.asarray(total / count)

    item = data.item[rows].astype(np.int64)
    same = ((item >= 0) & (item == table.item[:n])).astype(np.float64)
    last = table.last[:n].copy()
    counts = table.skill_count[owner, skill]
    found[rows] = np.stack(
        [
            last,
            table.fast[:n],
            table.slow[:n],
            mean(table.skill_last[owner, skill]),
            mean(np.log1p(counts)),
            mean((counts == 0.0).astype(np.float64)),
            mean((table.skill_at[owner, skill] == table.n[owner] - 1.0) * (counts > 0.0)),
            same,
            same * last,
            same * np.log1p(table.tries[:n]),
            np.log1p(table.n[:n]),
        ],
        axis=1,
    )
    correct = data.correct[rows].astype(np.float64)
    sign, surplus = 2.0 * correct - 1.0, correct - rate[rows]
    table.skill_last[owner, skill] = sign[owner]
    table.skill_count[owner, skill] += 1.0
    table.skill_at[owner, skill] = table.n[owner]
    table.n[:n] += 1.0
    table.last[:n] = sign
    table.fast[:n] = _FAST * table.fast[:n] + (1.0 - _FAST) * surplus
    table.slow[:n] = _SLOW * table.slow[:n] + (1.0 - _SLOW) * surplus
    table.tries[:n] = np.where(same > 0.0, table.tries[:n] + 1.0, 1.0)
    table.item[:n] = item


def rate_of_log(data: ResponseArrays, *, skill_rate: F, item_rate: F) -> F:
    """Return (n,) what others score on each response: its item's rate, else its skills' mean.

    skill_rate is by the data's skill codes, item_rate by its item codes with NaN for no rate.
    """
    starts, counts = data.skill_indptr[:-1], np.diff(data.skill_indptr)
    if not data.n_responses:
        return np.empty(0)
    by_skill = np.add.reduceat(skill_rate[data.skill_index], starts) / counts
    of_item = np.append(item_rate, np.nan)[data.item]
    return np.where(np.isnan(of_item), by_skill, of_item)
