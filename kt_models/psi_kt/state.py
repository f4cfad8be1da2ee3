"""What PSI-KT remembers of one learner, and the versioned blob it is stored as."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from kt_models.errors import StateError
from kt_models.psi_kt.history import Past
from kt_models.psi_kt.recursion import F

LAST_AT, COUNT, LAST_SIGN, LAST_NUMBER = range(4)
N_COLUMNS = 4

_MAGIC = b"PSIK"
_VERSION = 1
_HEAD = struct.Struct("<4sHHIddI")
_PAST = struct.Struct("<5d")
_LENGTH = struct.Struct("<I")
_NO_ITEM = 0xFFFFFFFF


@dataclass(frozen=True, slots=True, eq=False)
class PSIKTState:
    """One learner. P trait points; row i of table and practice is the skill index maps to i.

    table (n_practised, 3 P): a, b, r of each skill at its last answer; practice (n_practised, 4):
    time of the last answer, number of answers, sign of the last one, its number in the learner's
    history. level_mean, level_variance, log_weights (P,). first_at and last_at are NaN before the
    first answer. item is that of the last answer.
    """

    index: Mapping[str, int]
    table: F
    practice: F
    level_mean: F
    level_variance: F
    log_weights: F
    n: int
    first_at: float
    last_at: float
    past: Past
    item: str | None


def empty_state(n_points: int, *, level_mean: float, level_variance: float) -> PSIKTState:
    """Return the state of a learner who has answered nothing."""
    return PSIKTState(
        index=MappingProxyType({}),
        table=np.zeros((0, 3 * n_points)),
        practice=np.zeros((0, N_COLUMNS)),
        level_mean=np.full(n_points, level_mean),
        level_variance=np.full(n_points, level_variance),
        log_weights=np.full(n_points, -np.log(n_points)),
        n=0,
        first_at=float("nan"),
        last_at=float("nan"),
        past=Past(),
        item=None,
    )


def dump_state(state: PSIKTState) -> bytes:
    """Return a versioned blob: 8 (3 P + 4) bytes a practised skill, and its id."""
    n_points = len(state.level_mean)
    parts = [
        _HEAD.pack(
            _MAGIC, _VERSION, n_points, state.n, state.first_at, state.last_at, len(state.index)
        ),
        _PAST.pack(*state.past),
        _text(state.item),
    ]
    parts += [_text(skill) for skill in state.index]
    arrays = (state.level_mean, state.level_variance, state.log_weights)
    parts += [
        np.ascontiguousarray(array, dtype="<f8").tobytes()
        for array in (*arrays, state.table, state.practice)
    ]
    return b"".join(parts)


def load_state(blob: bytes, *, n_points: int) -> PSIKTState:
    """Return the state of a blob.

    Raises: StateError when it is no such blob, damaged, or of other trait points or version.
    """
    try:
        magic, version, width, n, first_at, last_at, n_skills = _HEAD.unpack_from(blob)
        if magic != _MAGIC:
            raise StateError(f"state begins with {magic!r}, expected a PSI-KT state")
        if version != _VERSION or width != n_points:
            raise StateError(
                f"PSI-KT state has version {version} and {width} trait points, expected "
                f"{_VERSION} and {n_points}"
            )
        past = Past(*_PAST.unpack_from(blob, _HEAD.size))
        item, at = _read_text(blob, _HEAD.size + _PAST.size)
        index: dict[str, int] = {}
        for row in range(n_skills):
            skill, at = _read_text(blob, at)
            index[skill or ""] = row
    except (struct.error, UnicodeDecodeError) as error:
        raise StateError(f"PSI-KT state of {len(blob)} bytes is damaged: {error}") from error
    n_values = 3 * n_points + n_skills * (3 * n_points + N_COLUMNS)
    if len(blob) != at + 8 * n_values or len(index) != n_skills:
        raise StateError(
            f"PSI-KT state has {len(blob)} bytes and {len(index)} skills, expected "
            f"{at + 8 * n_values} bytes and {n_skills} skills"
        )
    values = np.frombuffer(blob, dtype="<f8", offset=at).astype(np.float64)
    level, rest = np.split(values, [3 * n_points])
    table, practice = np.split(rest, [n_skills * 3 * n_points])
    return PSIKTState(
        index=MappingProxyType(index),
        table=table.reshape(n_skills, 3 * n_points),
        practice=practice.reshape(n_skills, N_COLUMNS),
        level_mean=level[:n_points],
        level_variance=level[n_points : 2 * n_points],
        log_weights=level[2 * n_points :],
        n=n,
        first_at=first_at,
        last_at=last_at,
        past=past,
        item=item,
    )


def frozen(array: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the array, made read-only."""
    array.setflags(write=False)
    return array


def _text(text: str | None) -> bytes:
    if text is None:
        return _LENGTH.pack(_NO_ITEM)
    encoded = text.encode()
    return _LENGTH.pack(len(encoded)) + encoded


def _read_text(blob: bytes, at: int) -> tuple[str | None, int]:
    (length,) = _LENGTH.unpack_from(blob, at)
    at += _LENGTH.size
    if length == _NO_ITEM:
        return None, at
    if at + length > len(blob):
        raise StateError(f"PSI-KT state ends inside an id, at byte {len(blob)}")
    return blob[at : at + length].decode(), at + length
