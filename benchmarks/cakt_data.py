"""Logs of the data directory, and learners whose history is in two of them."""

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kt_models.arrays import ResponseArrays
from kt_models.datasets.read import read_log

DATA = Path(os.environ.get("STEPWISE_DATA", "../shared")) / "data"
MIN_SHARED, TWIN_AGREEMENT = 15, 0.97


def load(name: str, *, merge: bool) -> ResponseArrays:
    """Read a log of the data directory."""
    return read_log(DATA / f"{name}.csv.gz", merge=merge).data


def has_twin(test: ResponseArrays, train: ResponseArrays) -> NDArray[np.bool_]:
    """Return (learners of test,) True for those whose history a training learner has too.

    They share 15 items or more and answered at least 97 of 100 of them alike.
    """
    from scipy import sparse

    items = np.union1d(train.items, test.items)

    def tables(data: ResponseArrays) -> tuple[Any, Any]:
        known = np.flatnonzero(data.item >= 0)
        code = np.searchsorted(items, data.items)[data.item[known]]
        key = data.learner[known].astype(np.int64) * len(items) + code
        first = np.unique(key, return_index=True)[1]
        place = (data.learner[known][first], code[first])
        shape = (len(data.learners), len(items))
        sign = 2.0 * data.correct[known][first] - 1.0
        return (sparse.csr_array((np.ones(len(first)), place), shape=shape),
                sparse.csr_array((sign, place), shape=shape))  # fmt: skip

    (asked, signs), (others, their_signs) = tables(test), tables(train)
    shared = (asked @ others.T).toarray()
    alike = ((signs @ their_signs.T).toarray() + shared) / 2.0
    found: NDArray[np.bool_] = (
        (shared >= MIN_SHARED) & (alike >= TWIN_AGREEMENT * np.maximum(shared, 1.0))
    ).any(1)
    return found
