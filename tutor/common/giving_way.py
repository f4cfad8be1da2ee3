"""Long writing beside short: who writes much lets the others in between.

SQLite has one writer at a time and no queue: whoever waits looks again every tenth of a second, so
one that writes batch after batch would keep everybody else out until they give up.
"""

import time

from django.db import connection

# Longer than the longest pause between two looks of SQLite's own busy handler.
PAUSE_SECONDS = 0.12


def others_let_in() -> None:
    """Wait a moment between two transactions, where the database has no queue of its own.

    Inside a transaction it would let nobody in, so it does not wait there.
    """
    if connection.vendor == "sqlite" and not connection.in_atomic_block:
        time.sleep(PAUSE_SECONDS)
