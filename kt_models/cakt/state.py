"""A learner's CAKT state and its blob."""

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kt_models.baselines.trace import NOTHING, Trace, trace_dump, trace_load
from kt_models.errors import StateError

STATE_VERSION = 2
_HEAD = struct.Struct("<4sHHI")
_MAGIC = b"CAKS"

Frame = tuple[int, int]
"""A past response to a skill: its position in the learner's history, and 1 for right."""


@dataclass(frozen=True, slots=True, eq=False)
class CAKTState:
    """memory (4, width): h and c of the first LSTM, then of the second.

    n counts responses; frames holds the last k of every known skill, oldest first; seen the count
    and last time of every skill; previous the first skill of the last response. trace is what the
    base model reads, empty without one.
    """

    memory: NDArray[np.float32]
    n: int
    last_at: float
    previous: str | None
    frames: Mapping[str, tuple[Frame, ...]]
    seen: Mapping[str, tuple[int, float]]
    trace: Trace


def new_state(width: int) -> CAKTState:
    """Return the state of a learner who has answered nothing."""
    return CAKTState(
        memory=np.zeros((4, width), dtype=np.float32),
        n=0,
        last_at=float("-inf"),
        previous=None,
        frames={},
        seen={},
        trace=NOTHING,
    )


def without_memory(state: CAKTState) -> CAKTState:
    """Return the state at the start of another run: counts stay, what the network read goes."""
    return replace(state, memory=np.zeros_like(state.memory), previous=None, frames={})


def dump_state(state: CAKTState) -> bytes:
    """Return 16 * width bytes for the recurrences, and JSON for the rest."""
    content = {
        "n": state.n,
        "last_at": state.last_at if state.n else None,
        "previous": state.previous,
        "frames": dict(state.frames),
        "seen": dict(state.seen),
        "trace": trace_dump(state.trace),
    }
    rest = json.dumps(content, separators=(",", ":")).encode()
    head = _HEAD.pack(_MAGIC, STATE_VERSION, state.memory.shape[1], len(rest))
    return head + state.memory.tobytes() + rest


def load_state(blob: bytes, *, width: int) -> CAKTState:
    """Return the state of a blob.

    Raises: StateError when it is no such blob, of a newer version or another width.
    """
    try:
        magic, version, wide, n_rest = _HEAD.unpack_from(blob)
        if magic != _MAGIC:
            raise StateError(f"these {len(blob)} bytes are not a CAKT state")
        if version != STATE_VERSION or wide != width:
            raise StateError(
                f"state has version {version} and width {wide}, expected {STATE_VERSION} and "
                f"{width}"
            )
        if len(blob) != _HEAD.size + 16 * wide + n_rest:
            raise StateError(f"a CAKT state of {len(blob)} bytes is cut short")
        memory = np.frombuffer(blob, dtype="<f4", count=4 * wide, offset=_HEAD.size)
        rest = json.loads(blob[_HEAD.size + 16 * wide :])
        return CAKTState(
            memory=memory.reshape(4, wide).copy(),
            n=int(rest["n"]),
            last_at=float("-inf") if rest["last_at"] is None else float(rest["last_at"]),
            previous=rest["previous"],
            frames={
                skill: tuple((int(at), int(answer)) for at, answer in frames)
                for skill, frames in rest["frames"].items()
            },
            seen={skill: (int(n), float(at)) for skill, (n, at) in rest["seen"].items()},
            trace=trace_load(rest["trace"]),
        )
    except (struct.error, ValueError, KeyError, TypeError, AttributeError) as error:
        raise StateError(f"these {len(blob)} bytes are not a CAKT state: {error}") from error
