"""Long work beside short: who writes much lets the others in between, who reckons long waits.

SQLite has one writer at a time and no queue: whoever waits looks again, at first every few
milliseconds, later every tenth of a second. One that writes batch after batch would keep everybody
else out until they give up.
"""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Generic, TypeVar

from django.db import connection, transaction
from django.utils import translation

# Whoever has waited for less than an eighth of a second looks again within 25 ms.
PAUSE_LEAST_SECONDS = 0.03
PAUSE_MOST_SECONDS = 2.0
# The pause beside the turn before it.
PAUSE_SHARE = 2.0
NICENESS = 10
TOLD_SECONDS = 0.25

Tell = Callable[[float, str], None]
Result = TypeVar("Result")


@contextmanager
def short_turn() -> Iterator[None]:
    """Write one of many batches in a transaction of its own, then let the others in.

    They get twice as long as this turn kept them out, so that however slow the machine is, whoever
    looks finds the database free two times of three.
    """
    with transaction.atomic():
        # Past the wait for the lock: only from here on does this turn keep others out.
        began = time.monotonic()
        yield
    others_let_in(time.monotonic() - began)


def others_let_in(held_seconds: float) -> None:
    """Wait a moment between two transactions, where the database has no queue of its own.

    Inside a transaction it would let nobody in, so it does not wait there.
    """
    if connection.vendor == "sqlite" and not connection.in_atomic_block:
        pause = PAUSE_SHARE * held_seconds
        time.sleep(min(max(pause, PAUSE_LEAST_SECONDS), PAUSE_MOST_SECONDS))


def at_leisure(work: Callable[[Tell], Result], *, tell: Tell) -> Result:
    """Do work that reads and reckons at a low priority, in a thread; tell its progress from here.

    On Linux a thread has a priority of its own, which ends with it: this process stays as quick as
    it was. What writes stays out of such work: at a low priority it would hold a lock for longer.
    `tell` may raise; the work ends then at its next word. Inside a transaction the work is done
    here, for a thread has a connection of its own and would not see what is not committed yet.
    """
    if connection.in_atomic_block:
        return work(tell)
    leisure = _Leisure(work)
    leisure.start()
    while leisure.is_alive():
        leisure.join(TOLD_SECONDS)
        word = leisure.word
        if word is None or leisure.stop is not None:
            continue
        leisure.word = None
        try:
            tell(*word)
        except Exception as error:  # noqa: BLE001 - raised again, where the work ends
            leisure.stop = error
    if leisure.stop is not None:
        raise leisure.stop
    if leisure.error is not None:
        raise leisure.error
    return leisure.results[0]


class _Leisure(threading.Thread, Generic[Result]):
    """The thread; `word` is its newest, `stop` what it is to end with."""

    def __init__(self, work: Callable[[Tell], Result]) -> None:
        super().__init__(daemon=True)
        self.word: tuple[float, str] | None = None
        self.stop: Exception | None = None
        self.error: Exception | None = None
        self.results: list[Result] = []
        self._work = work
        # A thread begins in the site's language; what it finds is told in that of whoever asked.
        self._language = translation.get_language()

    def run(self) -> None:
        """Take a low priority and work."""
        if sys.platform == "linux":
            with suppress(OSError):
                here = threading.get_native_id()
                nice = max(NICENESS, os.getpriority(os.PRIO_PROCESS, here))
                os.setpriority(os.PRIO_PROCESS, here, nice)
        try:
            with translation.override(self._language):
                self.results.append(self._work(self._told))
        except Exception as error:  # noqa: BLE001 - raised again by whoever waits
            self.error = error
        finally:
            connection.close()

    def _told(self, share: float, stage: str) -> None:
        if self.stop is not None:
            raise self.stop
        self.word = (share, stage)
