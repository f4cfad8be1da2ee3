"""One way to be told to stop."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def signals_interrupt() -> Iterator[None]:
    """Make Ctrl-C, SIGTERM and a closed terminal one thing, even where a shell ignored Ctrl-C."""
    with _signals_set(_interrupt):
        yield


@contextmanager
def signals_ignored() -> Iterator[None]:
    """Finish stopping undisturbed."""
    with _signals_set(signal.SIG_IGN):
        yield


@contextmanager
def _signals_set(
    action: Callable[[int, FrameType | None], None] | signal.Handlers,
) -> Iterator[None]:
    before = {number: signal.signal(number, action) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
