"""Learners' histories as batches of like length, whose padding comes after all that is real."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kt_models.arrays import ResponseArrays, lookup

I64 = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Sequences:
    """Runs of consecutive rows of merged data: sequence s is rows start[s] to start[s] + length[s].

    A learner's history is one run, or several of at most `fold` responses each of which begins
    with no memory.
    """

    start: I64
    length: I64


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Some sequences side by side: cell t * n_sequences + s holds response t of sequence s.

    rows (n,) are rows of the data, time by time; cell (n,) is where each lies; previous (n,) is the
    cell of the response before, steps * n_sequences for the first of a sequence. A sequence's empty
    cells follow its responses, so a recurrence never reads them before a real one.
    """

    rows: I64
    cell: I64
    previous: I64
    n_steps: int
    n_sequences: int


@dataclass(frozen=True, slots=True, eq=False)
class Tokens:
    """Skills of every response in a model's own codes, CSR; unknown skills have code n_skills.

    indptr (n + 1,), skill (nnz,), correct (n,).
    """

    indptr: I64
    skill: I64
    correct: NDArray[np.int8]
    n_skills: int


def tokens_of(data: ResponseArrays, skills: NDArray[np.str_]) -> Tokens:
    """Recode the skills of merged data to a model's vocabulary."""
    codes = lookup(skills, data.skills).astype(np.int64)
    codes[codes < 0] = len(skills)
    return Tokens(
        indptr=data.skill_indptr,
        skill=codes[data.skill_index],
        correct=data.correct,
        n_skills=len(skills),
    )


def sequences_of(data: ResponseArrays, *, fold: int | None) -> Sequences:
    """Cut each learner's history into runs of at most `fold` responses; None keeps it whole."""
    slices = data.learner_slices()
    start, length = slices[:-1], np.diff(slices)
    start, length = start[length > 0], length[length > 0]
    if fold is None:
        return Sequences(start=start, length=length)
    n_runs = -(-length // fold)
    learner = np.repeat(np.arange(len(start)), n_runs)
    run = np.arange(len(learner)) - np.repeat(np.cumsum(n_runs) - n_runs, n_runs)
    return Sequences(
        start=start[learner] + run * fold,
        length=np.minimum(fold, length[learner] - run * fold),
    )


def batches(
    sequences: Sequences, *, n_cells: int, rng: np.random.Generator | None = None
) -> Iterator[Batch]:
    """Yield batches of sequences of like length with at most n_cells cells, or one sequence.

    With rng, sequences of equal length and the batches come in random order.
    """
    for picked in like_lengths(sequences.length, n_cells=n_cells, rng=rng):
        yield _side_by_side(sequences.start[picked], sequences.length[picked])


def like_lengths(
    length: I64, *, n_cells: int, rng: np.random.Generator | None = None
) -> Iterator[I64]:
    """Yield which sequences go side by side: of like length, with n_cells cells at most, or one.

    With rng, sequences of equal length and the groups come in random order.
    """
    n = len(length)
    tie_break = np.arange(n) if rng is None else rng.permutation(n)
    order = np.lexsort((tie_break, -length))
    cuts = [0]
    while cuts[-1] < n:
        cuts.append(min(n, cuts[-1] + max(1, n_cells // int(length[order[cuts[-1]]]))))
    numbers = np.arange(len(cuts) - 1)
    if rng is not None:
        rng.shuffle(numbers)
    for number in numbers:
        yield order[cuts[number] : cuts[number + 1]]


def _side_by_side(start: I64, length: I64) -> Batch:
    n_steps, n_sequences = int(length.max()), len(start)
    steps = np.arange(n_steps)
    is_there = length[None, :] > steps[:, None]
    cell = np.arange(n_steps * n_sequences).reshape(n_steps, n_sequences)
    before = np.full(is_there.shape, n_steps * n_sequences)
    before[1:] = cell[:-1]
    return Batch(
        rows=(start[None, :] + steps[:, None])[is_there],
        cell=cell[is_there],
        previous=before[is_there],
        n_steps=n_steps,
        n_sequences=n_sequences,
    )


def skill_entries(tokens: Tokens, *, rows: I64) -> tuple[I64, I64]:
    """Return where the rows' skills lie in tokens.skill (nnz,), and their offsets (rows + 1,)."""
    starts = tokens.indptr[rows]
    counts = tokens.indptr[rows + 1] - starts
    offsets = np.zeros(len(rows) + 1, dtype=np.int64)
    np.cumsum(counts, out=offsets[1:])
    entries = np.arange(offsets[-1]) + np.repeat(starts - offsets[:-1], counts)
    return entries, offsets
