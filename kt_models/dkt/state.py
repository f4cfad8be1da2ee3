"""A learner's DKT state and its blob."""

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kt_models.errors import StateError

STATE_VERSION = 1
_HEAD = struct.Struct("<4sHHI")
_MAGIC = b"DKTS"


@dataclass(frozen=True, slots=True, eq=False)
class DKTState:
    """h and c (hidden,), responses so far, and per practised skill its count and last time."""

    h: NDArray[np.float32]
    c: NDArray[np.float32]
    n: int
    last_at: float
    seen: Mapping[str, tuple[int, float]]


def dump_state(state: DKTState) -> bytes:
    """Return 8 * hidden bytes for the recurrence, and JSON for the rest."""
    last_at = state.last_at if state.n else None
    rest = json.dumps({"n": state.n, "last_at": last_at, "seen": dict(state.seen)}).encode()
    head = _HEAD.pack(_MAGIC, STATE_VERSION, len(state.h), len(rest))
    return head + state.h.tobytes() + state.c.tobytes() + rest


def load_state(blob: bytes, *, hidden: int) -> DKTState:
    """Return the state of a blob.

    Raises: StateError when it is no such blob, of a newer version or another width.
    """
    try:
        magic, version, width, n_rest = _HEAD.unpack_from(blob)
        if magic != _MAGIC:
            raise StateError(f"these {len(blob)} bytes are not a DKT state")
        if version != STATE_VERSION or width != hidden:
            raise StateError(
                f"state has version {version} and width {width}, expected {STATE_VERSION} and "
                f"{hidden}"
            )
        if len(blob) != _HEAD.size + 8 * width + n_rest:
            raise StateError(f"a DKT state of {len(blob)} bytes is cut short")
        values = np.frombuffer(blob, dtype="<f4", count=2 * width, offset=_HEAD.size)
        rest = json.loads(blob[_HEAD.size + 8 * width :])
        return DKTState(
            h=values[:width].copy(),
            c=values[width:].copy(),
            n=int(rest["n"]),
            last_at=float("-inf") if rest["last_at"] is None else float(rest["last_at"]),
            seen={skill: (int(n), float(at)) for skill, (n, at) in rest["seen"].items()},
        )
    except (struct.error, ValueError, KeyError, TypeError) as error:
        raise StateError(f"these {len(blob)} bytes are not a DKT state: {error}") from error
