"""Runs of responses as packed batches: step by step, longest run first, no padding at all."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kt_models.networks.sequences import Sequences

I64 = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Pack:
    """Some runs side by side: rows (n,) of the data step by step, sizes (n_steps,) rows a step.

    before (n,) is where in the pack the response before lies, -1 for the first of a run.
    """

    rows: I64
    sizes: I64
    before: I64


def pack(start: I64, length: I64) -> Pack:
    """Pack runs of rows start to start + length; their order is by length, longest first."""
    order = np.argsort(-length, kind="stable")
    start, length = start[order], length[order]
    steps = np.arange(int(length[0]))
    is_there = length[None, :] > steps[:, None]
    sizes = is_there.sum(1)
    begins = np.cumsum(sizes) - sizes
    place = begins[:, None] + np.arange(len(start))
    before = np.full(is_there.shape, -1)
    before[1:] = place[:-1]
    return Pack(
        rows=(start[None, :] + steps[:, None])[is_there],
        sizes=sizes,
        before=before[is_there],
    )


def random_packs(
    sequences: Sequences, *, n_sequences: int, rng: np.random.Generator
) -> Iterator[Pack]:
    """Yield packs of n_sequences runs drawn at random, each run once; the last may be smaller.

    A last pack of less than a quarter is joined to the one before it: its statistics would be
    those of too few windows.
    """
    order = rng.permutation(len(sequences.start))
    cuts = list(range(0, len(order), n_sequences))
    if len(cuts) > 1 and len(order) - cuts[-1] < n_sequences / 4:
        cuts.pop()
    for begin, end in zip(cuts, [*cuts[1:], len(order)], strict=True):
        picked = order[begin:end]
        yield pack(sequences.start[picked], sequences.length[picked])


def even_packs(sequences: Sequences, *, n_rows: int) -> Iterator[Pack]:
    """Yield packs of runs of like length, each with about n_rows rows or a single run."""
    order = np.argsort(-sequences.length, kind="stable")
    begin = 0
    while begin < len(order):
        count = max(1, n_rows // int(sequences.length[order[begin]]))
        picked = order[begin : begin + count]
        yield pack(sequences.start[picked], sequences.length[picked])
        begin += count
