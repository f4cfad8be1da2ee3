"""The invariants of ResponseArrays, each with an error that says row and value."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kt_models.errors import DataError

if TYPE_CHECKING:
    from kt_models.arrays import ResponseArrays

TIME_UNITS = ("days", "seconds", "index")
COLUMNS = ("learner", "item", "correct", "time", "skill_indptr", "skill_index")
VOCABULARIES = ("learners", "items", "skills")
_DTYPES: dict[str, Any] = {
    "learner": np.int32,
    "item": np.int32,
    "correct": np.int8,
    "time": np.float64,
    "skill_indptr": np.int64,
    "skill_index": np.int32,
}


def check_arrays(data: "ResponseArrays") -> None:
    """Check every invariant. Raises: DataError."""
    _check_shapes(data)
    _check_codes(data)
    _check_order(data.learner, data.time, data.learners)
    _check_skills(data)


def check_lengths(columns: Mapping[str, NDArray[Any]], n: int) -> None:
    """Check that every column has n rows. Raises: DataError."""
    for name in ("item", "correct", "time"):
        if len(columns[name]) != n:
            raise DataError(f"column {name} has {len(columns[name])} rows, learner has {n}")
    if len(columns["skill_indptr"]) != n + 1:
        raise DataError(f"skills are given for {len(columns['skill_indptr']) - 1} rows of {n}")


def _check_shapes(data: "ResponseArrays") -> None:
    columns = {name: getattr(data, name) for name in COLUMNS}
    for name, column in columns.items():
        if column.ndim != 1 or column.dtype != _DTYPES[name]:
            raise DataError(
                f"{name} is {column.dtype} with {column.ndim} dimensions, expected a flat array "
                f"of {np.dtype(_DTYPES[name])}"
            )
    check_lengths(columns, len(data.learner))
    if data.time_unit not in TIME_UNITS:
        raise DataError(f"time_unit is '{data.time_unit}', expected one of {TIME_UNITS}")
    for name in VOCABULARIES:
        vocabulary = getattr(data, name)
        if vocabulary.ndim != 1 or (len(vocabulary) and vocabulary.dtype.kind != "U"):
            raise DataError(f"{name} must be a flat array of text, got {vocabulary.dtype}")


def _check_range(codes: NDArray[Any], name: str, *, low: int, high: int) -> None:
    if len(codes) and (int(codes.min()) < low or int(codes.max()) >= high):
        at = int(np.argmax((codes < low) | (codes >= high)))
        raise DataError(f"{name}[{at}] is {codes[at]}, expected {low} to {high - 1}")


def _check_codes(data: "ResponseArrays") -> None:
    _check_range(data.learner, "learner", low=0, high=len(data.learners))
    _check_range(data.item, "item", low=-1, high=len(data.items))
    _check_range(data.correct, "correct", low=0, high=2)
    _check_range(data.skill_index, "skill_index", low=0, high=len(data.skills))
    if not np.isfinite(data.time).all():
        row = int(np.argmax(~np.isfinite(data.time)))
        raise DataError(f"row {row}: time is {data.time[row]}, expected a finite number")


def _check_order(
    learner: NDArray[np.int32], time: NDArray[np.float64], learners: NDArray[np.str_]
) -> None:
    step = np.diff(learner)
    if (step < 0).any():
        row = int(np.argmax(step < 0)) + 1
        raise DataError(
            f"rows must be grouped by ascending learner code; row {row} (learner {learner[row]}) "
            f"follows row {row - 1} (learner {learner[row - 1]})"
        )
    is_back = (step == 0) & (np.diff(time) < 0)
    if is_back.any():
        row = int(np.argmax(is_back)) + 1
        raise DataError(
            f"responses of a learner must be sorted by time; row {row} of learner "
            f"'{learners[learner[row]]}' is at {time[row]}, after row {row - 1} at "
            f"{time[row - 1]}; expected {time[row - 1]} or later"
        )


def _check_skills(data: "ResponseArrays") -> None:
    counts = np.diff(data.skill_indptr)
    if data.skill_indptr[0] != 0 or data.skill_indptr[-1] != len(data.skill_index):
        raise DataError(
            f"skill_indptr must run from 0 to {len(data.skill_index)}, runs from "
            f"{data.skill_indptr[0]} to {data.skill_indptr[-1]}"
        )
    if (counts < 1).any():
        row = int(np.argmax(counts < 1))
        raise DataError(f"row {row} has {counts[row]} skills, expected at least one")
    if len(data.skill_index) == len(data.learner):
        return
    entry_row = np.repeat(np.arange(len(counts)), counts)
    pairs = np.sort(entry_row * len(data.skills) + data.skill_index)
    is_repeat = pairs[1:] == pairs[:-1]
    if is_repeat.any():
        row, skill = divmod(int(pairs[int(np.argmax(is_repeat))]), len(data.skills))
        raise DataError(f"row {row} names skill '{data.skills[skill]}' twice")
