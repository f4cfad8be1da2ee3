"""What BKT remembers of one learner, and the small blob it is stored as."""

import struct
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from kt_models.errors import StateError

P_UNKNOWN, EVIDENCE, N, N_CORRECT, LAST_AT, PRIOR = range(6)
N_COLUMNS = 6

_MAGIC = b"BKT"
_VERSION = 1
_HEAD = struct.Struct("<3sBIIdI")
_ROW = struct.Struct("<dddIId")
_UUID_TAG = 0xFFFF
# Where each column of the table stands in a stored row.
_STORED = (0, 1, 3, 4, 2, 5)


@dataclass(frozen=True, slots=True, eq=False)
class BKTState:
    """One learner: a row of table (n_practised, 6) per practised skill, found through index.

    Columns: P(unknown) just after the last response (kept, because near mastery it is far below
    the rounding of its complement), evidence (effective observations at that
    time), observations, correct ones, time of the last one, and the prior that the skill ages
    back to. n and n_correct count responses over all skills; last_at is NaN before the first.
    """

    index: Mapping[str, int]
    table: NDArray[np.float64]
    n: int
    n_correct: int
    last_at: float


def empty_state() -> BKTState:
    """Return the state of a learner who has answered nothing."""
    return BKTState(
        index=MappingProxyType({}),
        table=np.zeros((0, N_COLUMNS)),
        n=0,
        n_correct=0,
        last_at=float("nan"),
    )


def dump_state(state: BKTState) -> bytes:
    """Return a versioned blob: 58 bytes for a skill named by a UUID, 42 and its id otherwise."""
    parts = [
        _HEAD.pack(_MAGIC, _VERSION, state.n, state.n_correct, state.last_at, len(state.index))
    ]
    for skill, row in state.index.items():
        values = state.table[row].tolist()
        parts.append(_pack_id(skill))
        parts.append(
            _ROW.pack(
                values[P_UNKNOWN],
                values[EVIDENCE],
                values[LAST_AT],
                int(values[N]),
                int(values[N_CORRECT]),
                values[PRIOR],
            )
        )
    return b"".join(parts)


def load_state(blob: bytes) -> BKTState:
    """Return the state of a blob. Raises: StateError."""
    try:
        magic, version, n, n_correct, last_at, n_skills = _HEAD.unpack_from(blob)
        if magic != _MAGIC:
            raise StateError(f"state begins with {magic!r}, expected a BKT state")
        if version != _VERSION:
            raise StateError(f"BKT state has version {version}, this code reads {_VERSION}")
        if n_skills * _ROW.size > len(blob):
            raise StateError(f"BKT state of {len(blob)} bytes claims {n_skills} skills")
        rows: list[tuple[float, ...]] = []
        index: dict[str, int] = {}
        at = _HEAD.size
        for row in range(n_skills):
            skill, at = _unpack_id(blob, at)
            rows.append(_ROW.unpack_from(blob, at))
            at += _ROW.size
            index[skill] = row
        # One conversion: filling an array row by row takes longer than reading the blob.
        stored = np.array(rows, dtype=np.float64).reshape(n_skills, N_COLUMNS)
        table = np.ascontiguousarray(stored[:, _STORED])
    except (struct.error, UnicodeDecodeError) as error:
        raise StateError(f"BKT state of {len(blob)} bytes is damaged: {error}") from error
    if at != len(blob) or len(index) != n_skills:
        raise StateError(
            f"BKT state has {len(blob)} bytes and {len(index)} skills, expected "
            f"{at} bytes and {n_skills} skills"
        )
    table.setflags(write=False)
    return BKTState(
        index=MappingProxyType(index), table=table, n=n, n_correct=n_correct, last_at=last_at
    )


def _pack_id(skill: str) -> bytes:
    if len(skill) == 36:
        try:
            parsed = uuid.UUID(skill)
        except ValueError:
            parsed = None
        if parsed is not None and str(parsed) == skill:
            return struct.pack("<H", _UUID_TAG) + parsed.bytes
    encoded = skill.encode()
    if len(encoded) >= _UUID_TAG:
        raise StateError(f"skill id has {len(encoded)} bytes, expected fewer than {_UUID_TAG}")
    return struct.pack("<H", len(encoded)) + encoded


def _unpack_id(blob: bytes, at: int) -> tuple[str, int]:
    (length,) = struct.unpack_from("<H", blob, at)
    at += 2
    size = 16 if length == _UUID_TAG else length
    raw = blob[at : at + size]
    if len(raw) < size:
        raise StateError(f"BKT state ends inside a skill id, at byte {len(blob)}")
    return (str(uuid.UUID(bytes=raw)) if length == _UUID_TAG else raw.decode()), at + size
