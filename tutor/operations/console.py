"""What `run` says while it works: short lines with times."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Writer(Protocol):
    """A management command's output."""

    def write(self, msg: str = "", style_func: None = None, ending: str | None = None) -> None: ...

    def flush(self) -> None: ...


class Console:
    """Says what is being done and how long it took."""

    def __init__(self, out: Writer) -> None:
        self._out = out
        self.started = time.monotonic()

    def line(self, text: str = "") -> None:
        """Print a line at once."""
        self._out.write(text)
        self._out.flush()

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Say what has been done and how long it took, if long enough to have been noticed."""
        began = time.monotonic()
        yield
        seconds = time.monotonic() - began
        if seconds >= 0.5:
            self.line(f"  {what} ({seconds:.1f} s)")

    @property
    def elapsed_seconds(self) -> float:
        """Seconds since the command began."""
        return time.monotonic() - self.started
