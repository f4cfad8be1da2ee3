"""Scores of parts of the data, and the fusion of per-skill predictions to one per response."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kt_models.arrays import ResponseArrays
from kt_models.errors import DataError
from kt_models.evaluate.metrics import F, Scores, checked, score
from kt_models.split import positions

POSITION_EDGES = (0, 5, 10, 20, 50, 100, 200, 500)
LENGTH_EDGES = (0, 10, 50, 200, 500)


@dataclass(frozen=True, slots=True)
class Slice:
    """Scores of one named part."""

    name: str
    scores: Scores


def by_skill(data: ResponseArrays, p: ArrayLike, *, min_responses: int = 30) -> tuple[Slice, ...]:
    """Score every skill with min_responses or more, in the order of the vocabulary.

    A response with several skills counts in each of them.
    """
    correct, predictions = checked(data.correct, p)
    row = np.repeat(np.arange(data.n_responses), np.diff(data.skill_indptr))
    return _by_code(
        data.skill_index.astype(np.int64),
        tuple(str(skill) for skill in data.skills),
        correct[row],
        predictions[row],
        min_responses=min_responses,
    )


def by_position(
    data: ResponseArrays, p: ArrayLike, *, edges: tuple[int, ...] = POSITION_EDGES
) -> tuple[Slice, ...]:
    """Score by how many responses the learner had given before: [edge, next edge) each."""
    return by_value(positions(data), data.correct, p, edges=edges)


def by_history_length(
    data: ResponseArrays, p: ArrayLike, *, edges: tuple[int, ...] = LENGTH_EDGES
) -> tuple[Slice, ...]:
    """Score groups of learners by how many responses they gave in all."""
    return by_value(np.diff(data.learner_slices())[data.learner], data.correct, p, edges=edges)


def by_learner_group(data: ResponseArrays, p: ArrayLike, groups: ArrayLike) -> tuple[Slice, ...]:
    """Score groups of learners; groups (len(data.learners),) names the group of each code.

    Raises: DataError when groups does not name every learner.
    """
    labels, codes = np.unique(np.asarray(groups, dtype=np.str_), return_inverse=True)
    if codes.shape != data.learners.shape:
        raise DataError(f"groups names {codes.size} learners; there are {data.learners.size}")
    correct, predictions = checked(data.correct, p)
    names = tuple(str(label) for label in labels)
    return _by_code(codes[data.learner], names, correct, predictions, min_responses=1)


def by_value(
    values: ArrayLike, correct: ArrayLike, p: ArrayLike, *, edges: tuple[int, ...]
) -> tuple[Slice, ...]:
    """Score the rows whose value falls in [edge, next edge); the last part is open above."""
    y, q = checked(correct, p)
    part = np.searchsorted(np.asarray(edges), np.asarray(values), side="right") - 1
    closed = (f"{low}-{high - 1}" for low, high in pairwise(edges))
    return _by_code(part, (*closed, f"{edges[-1]}+"), y, q, min_responses=1)


def fuse_mean(p: ArrayLike, indptr: NDArray[np.int64]) -> F:
    """Fuse the predictions of every skill of a response to their mean: (nnz,) -> (n,).

    indptr (n + 1,) as ResponseArrays.skill_indptr. This is late fusion at question level: each
    skill predicts from what came before the response, never from the response's other skills.
    Source: Liu et al. (2022), pyKT, `late mean` fusion.

    Raises: DataError when indptr does not cover p or a response has no skill.
    """
    values = np.asarray(p, dtype=np.float64)
    counts = np.diff(indptr)
    if indptr[0] != 0 or indptr[-1] != values.size or (counts < 1).any():
        raise DataError(f"indptr must part {values.size} predictions into non-empty responses")
    if values.size == counts.size:
        return values.copy()
    fused: F = np.add.reduceat(values, indptr[:-1]) / counts
    return fused


def _by_code(
    codes: NDArray[np.int64],
    names: tuple[str, ...],
    correct: NDArray[np.bool_],
    p: F,
    *,
    min_responses: int,
) -> tuple[Slice, ...]:
    order = np.argsort(codes, kind="stable")
    bounds = np.searchsorted(codes[order], np.arange(len(names) + 1))
    found = []
    for code, name in enumerate(names):
        rows = order[bounds[code] : bounds[code + 1]]
        if rows.size >= max(1, min_responses):
            found.append(Slice(name=name, scores=score(correct[rows], p[rows])))
    return tuple(found)
