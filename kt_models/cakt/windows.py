"""Windows of past responses to one skill, as index arrays: one stable sort for a whole log."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kt_models.cakt.config import WindowOf
from kt_models.networks.sequences import Sequences, Tokens

I64 = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """Equal windows once: what the convolutions see before each asked skill of each response.

    token (n_windows, k) holds interactions in time order, skill + n_skills * correct, and
    2 * n_skills where there are fewer than k (at the old end); gap (n_windows, k) says how many
    steps before the asked response each lies, at least 1, and 0 for none. of_entry (nnz,) is the
    window of every (response, skill) pair.
    """

    token: NDArray[np.int32]
    gap: NDArray[np.int32]
    of_entry: I64


def past_entries(group: I64, *, n_back: int) -> I64:
    """Return (n, n_back) the last n_back earlier entries of the same group, -1 where there is none.

    Entries are in time order; the newest past entry stands last.
    """
    order = np.argsort(group, kind="stable")
    ordered = group[order]
    is_first = np.ones(len(group), dtype=np.bool_)
    is_first[1:] = ordered[1:] != ordered[:-1]
    firsts = np.flatnonzero(is_first)
    start = np.repeat(firsts, np.diff(np.append(firsts, len(group))))
    place = np.arange(len(group))[:, None] - np.arange(n_back, 0, -1)  # (n, n_back), sorted order
    found = np.empty(place.shape, dtype=np.int64)
    found[order] = np.where(place >= start[:, None], order[np.maximum(place, 0)], -1)
    return found


def windows_of(
    tokens: Tokens, sequences: Sequences, *, n_frames: int, window: WindowOf = "next"
) -> Windows:
    """Return the windows of merged data whose histories are cut into the given sequences.

    An unknown skill has an empty window: its embedding is zero, whatever it had.
    """
    row = np.repeat(np.arange(len(tokens.correct)), np.diff(tokens.indptr))
    n_codes = tokens.n_skills + 1
    run = _run_of_row(sequences, len(tokens.correct))[row]
    past = past_entries(run * n_codes + tokens.skill, n_back=n_frames)
    if window == "current":
        past = _of_response_before(past, tokens, row=row, run=run)
    is_there = past >= 0
    known = np.where(is_there, tokens.skill[past], tokens.n_skills)
    answer = tokens.correct[row[past]].astype(np.int64)
    is_there &= known < tokens.n_skills
    token = np.where(is_there, known + tokens.n_skills * answer, 2 * tokens.n_skills)
    gap = np.where(is_there, row[:, None] - row[past], 0)
    return _unique(token.astype(np.int32), gap.astype(np.int32))


def _of_response_before(past: I64, tokens: Tokens, *, row: I64, run: I64) -> I64:
    """Shift windows to the skill of the response before, itself now their newest frame."""
    before = np.full(len(row), -1, dtype=np.int64)
    before[row > 0] = tokens.indptr[row[row > 0] - 1]
    before[(before >= 0) & (run[before] != run)] = -1
    shifted = np.column_stack([past[before][:, 1:], before])
    shifted[before < 0] = -1
    return shifted


def _run_of_row(sequences: Sequences, n_rows: int) -> I64:
    run = np.zeros(n_rows, dtype=np.int64)
    order = np.argsort(sequences.start)
    run[sequences.start[order[1:]]] = 1
    return np.cumsum(run)


def _unique(token: NDArray[np.int32], gap: NDArray[np.int32]) -> Windows:
    both = np.ascontiguousarray(np.column_stack([token, gap]))
    keys = both.view(np.dtype((np.void, both.dtype.itemsize * both.shape[1]))).ravel()
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    return Windows(token=token[first], gap=gap[first], of_entry=inverse.reshape(-1))
