"""Keeping a lease while work goes on, from a thread of its own."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import Error as DatabaseFailure
from django.db import connection

logger = logging.getLogger(__name__)


@contextmanager
def lease_kept(renew: Callable[[], object], *, every_seconds: float) -> Iterator[None]:
    """Call `renew` again and again while the block runs; work that is over sooner costs no query.

    A renewal that fails is tried again at the next turn: the lease outlasts several turns.
    """
    is_over = threading.Event()

    def turns() -> None:
        try:
            while not is_over.wait(every_seconds):
                try:
                    renew()
                except DatabaseFailure:
                    logger.warning("a lease was not renewed", exc_info=True)
                    # No request ends here that would do it: a lost connection stays lost otherwise.
                    connection.close()
        finally:
            connection.close()

    thread = threading.Thread(target=turns, daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()
