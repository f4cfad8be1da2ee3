"""The parents' pull on a skill, from tables of what a learner knows: sparse, pruned, in numpy."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kt_models.psi_kt.parameters import PSIKTParameters
from kt_models.psi_kt.recursion import F, Knowledge, Start


class Pulls(NamedTuple):
    """Shares of the pull by skill row: total and total_square (K + 1,) over all parents."""

    parents: NDArray[np.int64]
    share: F
    total: F
    total_square: F


def pulls_of(parameters: PSIKTParameters) -> Pulls:
    """Return the pulls of the fitted, pruned graph; a pruned parent counts as never practised."""
    share = np.where(parameters.parents >= 0, parameters.parent_share, 0.0)
    return Pulls(
        parents=parameters.parents,
        share=share,
        total=share.sum(axis=1) + parameters.rest,
        total_square=(share**2).sum(axis=1) + parameters.rest_square,
    )


def start_of(parameters: PSIKTParameters) -> Start:
    """Return how a skill begins."""
    return Start(
        mean=parameters.start_mean,
        variance=parameters.start_variance,
        at_target=parameters.config.starts_at_target,
    )


def start_row(start: Start, n_points: int) -> F:
    """Return a, b, r (3 P,) of a skill that was never practised."""
    slope = 1.0 if start.at_target else 0.0
    return np.repeat([start.mean, slope, start.variance], n_points)


def pull_of_excess(
    excess_ab: F, excess_r: F, start: F, *, total: F, total_square: F, gamma: F
) -> Knowledge:
    """Return the pull from sums over practised parents of share times (theirs - start).

    excess_ab (..., 2 P) and excess_r (..., P) with squared shares; start (3 P,); total (..., 1).
    """
    n_points = len(gamma)
    sums = total * start[: 2 * n_points]
    sums += excess_ab
    squares = total_square * start[2 * n_points :]
    squares += excess_r
    np.maximum(squares, 0.0, out=squares)
    squares *= gamma**2
    return Knowledge(a=gamma * sums[..., :n_points], b=gamma * sums[..., n_points:], r=squares)


def split(table: F) -> Knowledge:
    """Return views of a table (..., 3 P) as knowledge."""
    n_points = table.shape[-1] // 3
    return Knowledge(
        a=table[..., :n_points],
        b=table[..., n_points : 2 * n_points],
        r=table[..., 2 * n_points :],
    )


def joined(known: Knowledge) -> F:
    """Return knowledge as one table (..., 3 P)."""
    return np.concatenate(known, axis=-1)
