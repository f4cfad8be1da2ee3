"""Work promised in a transaction and done by a worker, at least once, whatever dies in between.

`outbox_add` writes a row in the caller's transaction. On commit a worker is told; beat sweeps rows
that nobody took (a broker that was down loses nothing). A handler must be safe to run twice.
"""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

from django.db import transaction
from django.db.models import F

from tutor.common.models import OutboxEntry

logger = logging.getLogger(__name__)

# How long a taken entry is left alone before the sweep offers it again.
LEASE = timedelta(minutes=5)
# The sweep leaves new entries to the message sent on commit.
SWEEP_GRACE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(hours=1)


class Handler(Protocol):
    """Does the work of one topic; safe to run twice."""

    def __call__(self, payload: Mapping[str, Any], *, now: datetime) -> None: ...


_handlers: dict[str, Handler] = {}
_senders: list[Callable[[int], None]] = []


def handler(topic: str) -> Callable[[Handler], Handler]:
    """Register a function as the handler of a topic."""

    def register(function: Handler) -> Handler:
        _handlers[topic] = function
        return function

    return register


def sender_set(send: Callable[[int], None]) -> None:
    """Name the function that tells a worker of an entry (set by `common.tasks`)."""
    _senders[:] = [send]


def outbox_add(topic: str, payload: Mapping[str, Any], *, now: datetime) -> OutboxEntry:
    """Promise work; call inside the transaction that causes it.

    Raises:
        ValueError: for a topic that nobody handles.
    """
    if topic not in _handlers:
        raise ValueError(f"no handler for outbox topic {topic!r}; known: {sorted(_handlers)}")
    entry = OutboxEntry.objects.create(
        topic=topic, payload=dict(payload), created_at=now, not_before=now + SWEEP_GRACE
    )
    transaction.on_commit(lambda: _tell(entry.pk), robust=True)
    return entry


def _tell(entry_id: int) -> None:
    for send in _senders:
        try:
            send(entry_id)
        except Exception:  # noqa: BLE001 - the broker is down: the sweep will find the entry
            logger.warning("outbox entry %s waits for the sweep: the broker is not there", entry_id)


def outbox_take(entry_id: int, *, now: datetime, is_sweep: bool = False) -> bool:
    """Do one entry's work if nobody else has it; return whether it was done.

    An entry whose handler fails stays, with a growing pause before the next try.
    """
    free = OutboxEntry.objects.filter(pk=entry_id)
    # The message sent on commit comes within the grace; any later taker must wait its turn.
    free = free.filter(not_before__lte=now) if is_sweep else free.filter(attempts=0)
    if not free.update(not_before=now + LEASE, attempts=F("attempts") + 1):
        return False
    entry = OutboxEntry.objects.get(pk=entry_id)
    try:
        _handlers[entry.topic](entry.payload, now=now)
    except Exception as error:
        logger.exception("outbox entry %s (%s) failed", entry_id, entry.topic)
        pause = min(timedelta(seconds=10 * 2 ** min(entry.attempts, 16)), LONGEST_PAUSE)
        OutboxEntry.objects.filter(pk=entry_id).update(
            not_before=now + pause, last_error=type(error).__name__
        )
        return False
    OutboxEntry.objects.filter(pk=entry_id).delete()
    return True


def outbox_due(*, now: datetime, limit: int = 500) -> list[int]:
    """Return the ids of entries that wait for the sweep, oldest first."""
    due = OutboxEntry.objects.filter(not_before__lte=now).order_by("not_before", "id")
    return list(due.values_list("pk", flat=True)[:limit])
