"""A log as the network reads it: tokens, windows, and the tensors of a pack of runs."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kt_models.arrays import ResponseArrays
from kt_models.baselines.solver import sigmoid
from kt_models.cakt.config import CAKTConfig
from kt_models.cakt.network import Batch
from kt_models.cakt.packing import I64, Pack
from kt_models.cakt.windows import Windows, windows_of
from kt_models.networks.sequences import Sequences, Tokens, sequences_of, tokens_of


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """Merged responses, cut into runs, in a model's own codes, with every window.

    base (n,) is the log odds that the base model gives each response, zeros without one.
    """

    tokens: Tokens
    sequences: Sequences
    windows: Windows
    base: NDArray[np.float64]


def prepare(
    data: ResponseArrays,
    skills: NDArray[np.str_],
    *,
    config: CAKTConfig,
    fold: int | None,
    base: NDArray[np.float64] | None = None,
) -> Prepared:
    """Recode merged data and find its windows; runs have at most fold responses."""
    tokens, sequences = tokens_of(data, skills), sequences_of(data, fold=fold)
    windows = windows_of(tokens, sequences, n_frames=config.frames, window=config.window)
    base = np.zeros(data.n_responses) if base is None else base
    return Prepared(tokens=tokens, sequences=sequences, windows=windows, base=base)


def entries_of(tokens: Tokens, rows: I64) -> tuple[I64, I64]:
    """Return the rows' entries (nnz,) and their offsets (n + 1,)."""
    starts = tokens.indptr[rows]
    counts = tokens.indptr[rows + 1] - starts
    offsets = np.zeros(len(rows) + 1, dtype=np.int64)
    np.cumsum(counts, out=offsets[1:])
    entries = np.arange(offsets[-1]) + np.repeat(starts - offsets[:-1], counts)
    return entries, offsets


def batch_of(prepared: Prepared, pack: Pack, *, device: torch.device) -> Batch:
    """Return the tensors of a pack, each of its windows once."""
    tokens, windows = prepared.tokens, prepared.windows
    entries, offsets = entries_of(tokens, pack.rows)
    entry_row = np.repeat(np.arange(len(pack.rows)), np.diff(offsets))
    skill = tokens.skill[entries]
    correct = tokens.correct[pack.rows][entry_row].astype(np.int64)
    n_skills = tokens.n_skills
    token = np.where(skill < n_skills, skill + n_skills * correct, 2 * n_skills)
    different, of_entry, count = np.unique(
        windows.of_entry[entries], return_inverse=True, return_counts=True
    )
    base = prepared.base[pack.rows]
    surprise = tokens.correct[pack.rows] - sigmoid(base)

    def on_device(values: NDArray[Any]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values)).to(device)

    return Batch(
        token=on_device(token),
        skill=on_device(skill),
        offsets=on_device(offsets),
        entry_row=on_device(entry_row),
        before=on_device(pack.before),
        sizes=torch.from_numpy(pack.sizes),
        window_token=on_device(windows.token[different].astype(np.int64)),
        window_gap=on_device(windows.gap[different].astype(np.float32)),
        window_count=on_device(count.astype(np.float32)),
        of_entry=on_device(of_entry.reshape(-1)),
        base=on_device(base.astype(np.float32)),
        surprise=on_device(surprise.astype(np.float32)),
    )
