"""How learners did on a child after a strong or a weak parent: counts behind a learned edge."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kt_models.arrays import ResponseArrays, lookup

_STRONG = 0.5


def edge_evidence(data: ResponseArrays, skills: NDArray[np.str_]) -> dict[str, NDArray[np.int32]]:
    """Return counts (parent, child) over learners' first answers to the child.

    n_learners had answered the parent before; right_strong of n_strong were right where at least
    half of the learner's answers to the parent had been, right_weak of n_weak where fewer had.
    """
    k = len(skills)
    code = lookup(skills, data.skills).astype(np.int64)
    names = ("right_strong", "n_strong", "right_weak", "n_weak")
    counts = {name: np.zeros((k, k), dtype=np.int32) for name in names}
    starts = data.learner_slices()
    for begin, end in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True):
        if end > begin:
            _count_learner(counts, data, code, begin, end)
    return {"n_learners": counts["n_strong"] + counts["n_weak"], **counts}


def _count_learner(
    counts: dict[str, NDArray[np.int32]],
    data: ResponseArrays,
    code: NDArray[np.int64],
    begin: int,
    end: int,
) -> None:
    low, high = int(data.skill_indptr[begin]), int(data.skill_indptr[end])
    skill = code[data.skill_index[low:high]]
    row = np.repeat(np.arange(end - begin), np.diff(data.skill_indptr[begin : end + 1]))
    correct = data.correct[begin:end].astype(np.int64)
    seen, place = np.unique(skill, return_inverse=True)
    first = np.full(len(seen), end - begin, dtype=np.int64)
    np.minimum.at(first, place, row)
    # (learner's skills, first answers): answers to each before each first answer, and right ones.
    order = np.argsort(first, kind="stable")
    bounds: Any = np.append(first[order], end - begin)
    bucket = np.searchsorted(bounds, row, side="right") - 1
    shape = (len(seen), len(bounds))
    tried, right = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    np.add.at(tried, (place, bucket), 1)
    np.add.at(right, (place, bucket), correct[row])
    before = np.zeros(shape, dtype=np.int64)
    before_right = np.zeros(shape, dtype=np.int64)
    before[:, 1:] = np.cumsum(tried, axis=1)[:, :-1]
    before_right[:, 1:] = np.cumsum(right, axis=1)[:, :-1]
    children = seen[order]
    is_right = correct[first[order]] == 1
    n, n_right = before[:, : len(order)], before_right[:, : len(order)]
    is_strong = (n > 0) & (n_right >= _STRONG * n)
    is_weak = (n > 0) & ~is_strong
    cells = np.ix_(seen, children)
    counts["n_strong"][cells] += is_strong
    counts["n_weak"][cells] += is_weak
    counts["right_strong"][cells] += is_strong & is_right
    counts["right_weak"][cells] += is_weak & is_right
