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
from kt_models.cakt.network import Batch, WindowBatch
from kt_models.cakt.packing import Pack
from kt_models.cakt.windows import Windows, windows_of
from kt_models.networks.sequences import Sequences, Tokens, sequences_of, skill_entries, tokens_of


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


def batch_of(prepared: Prepared, pack: Pack, *, device: torch.device) -> Batch:
    """Return the tensors of a pack."""
    tokens = prepared.tokens
    entries, offsets = skill_entries(tokens, rows=pack.rows)
    entry_row = np.repeat(np.arange(len(pack.rows)), np.diff(offsets))
    skill = tokens.skill[entries]
    correct = tokens.correct[pack.rows][entry_row].astype(np.int64)
    n_skills = tokens.n_skills
    token = np.where(skill < n_skills, skill + n_skills * correct, 2 * n_skills)
    base = prepared.base[pack.rows]
    surprise = tokens.correct[pack.rows] - sigmoid(base)
    return Batch(
        token=_on(device, token),
        skill=_on(device, skill),
        offsets=_on(device, offsets),
        entry_row=_on(device, entry_row),
        before=_on(device, pack.before),
        sizes=torch.from_numpy(pack.sizes),
        base=_on(device, base.astype(np.float32)),
        surprise=_on(device, surprise.astype(np.float32)),
    )


def window_batch_of(prepared: Prepared, pack: Pack, *, device: torch.device) -> WindowBatch:
    """Return the windows of a pack's entries, equal ones once."""
    windows = prepared.windows
    entries, _ = skill_entries(prepared.tokens, rows=pack.rows)
    different, of_entry, count = np.unique(
        windows.of_entry[entries], return_inverse=True, return_counts=True
    )
    return WindowBatch(
        token=_on(device, windows.token[different].astype(np.int64)),
        gap=_on(device, windows.gap[different].astype(np.float32)),
        count=_on(device, count.astype(np.float32)),
        of_entry=_on(device, of_entry.reshape(-1)),
    )


def _on(device: torch.device, values: NDArray[Any]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values)).to(device)
