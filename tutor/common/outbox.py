"""Work promised in a transaction and done by a worker, at least once, whatever dies in between.

`outbox_add` writes a row in the caller's transaction. On commit a worker is told; beat sweeps rows
that nobody took (a broker that was down loses nothing). A handler must be safe to run twice.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from django.db import Error as DatabaseFailure
from django.db import connection, transaction
from django.db.models import Count, F, Min, Q

from tutor.common.clock import Clock, clock_from
from tutor.common.leases import lease_kept
from tutor.common.models import OutboxEntry

logger = logging.getLogger(__name__)

DEFAULT_QUEUE = "default"
# What takes seconds and more: states replayed by the hundred. Answers never wait behind it.
REPLAY_QUEUE = "replay"
# What an answer owes the models: its workers keep them loaded, with torch where one needs it.
PREDICT_QUEUE = "predict"
# How long a taken entry is left alone after its worker was last heard of.
LEASE = timedelta(seconds=60)
RENEW_SECONDS = 15.0
# The sweep leaves new entries to the message sent on commit.
SWEEP_GRACE = timedelta(seconds=5)
# How long the sweep's message to another queue may wait there; then the sweep sends the next.
OFFER = timedelta(seconds=60)
LONGEST_PAUSE = timedelta(hours=1)
WORDS_MOST = 200


class Handler(Protocol):
    """Does the work of one topic; safe to run twice."""

    def __call__(self, payload: Mapping[str, Any], *, now: datetime) -> None: ...


@dataclass(frozen=True, slots=True)
class Message:
    """What a worker is told: the entry, on which queue, and how often it had been tried then."""

    entry_id: int
    queue: str
    attempts: int = 0
    expires_seconds: float | None = None


_handlers: dict[str, Handler] = {}
_queues: dict[str, str] = {}
_senders: list[Callable[[Message], None]] = []


def handler(topic: str, *, queue: str = DEFAULT_QUEUE) -> Callable[[Handler], Handler]:
    """Register a function as the handler of a topic, done by the workers of a queue."""

    def register(function: Handler) -> Handler:
        _handlers[topic] = function
        _queues[topic] = queue
        return function

    return register


def sender_set(send: Callable[[Message], None]) -> None:
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
    message = Message(entry_id=entry.pk, queue=_queue_of(topic))
    transaction.on_commit(lambda: _tell(message), robust=True)
    return entry


def _queue_of(topic: str) -> str:
    return _queues.get(topic, DEFAULT_QUEUE)


def _tell(message: Message) -> None:
    for send in _senders:
        try:
            send(message)
        except Exception:  # noqa: BLE001 - the broker is down: the sweep will find the entry
            logger.warning(
                "outbox entry %s waits for the sweep: the broker is not there", message.entry_id
            )


def outbox_take(entry_id: int, *, now: datetime, attempts: int = 0, is_sweep: bool = False) -> bool:
    """Do one entry's work if nobody else has it; return whether it was done.

    A message names the number of attempts that it was sent after, so that of two messages one
    counts. An entry whose handler fails stays, with a growing pause before the next try.
    """
    free = OutboxEntry.objects.filter(pk=entry_id)
    # The message sent on commit comes within the grace; any later taker must wait its turn.
    free = free.filter(not_before__lte=now) if is_sweep else free.filter(attempts=attempts)
    if not free.update(not_before=now + LEASE, attempts=F("attempts") + 1):
        return False
    entry = OutboxEntry.objects.filter(pk=entry_id).first()
    if entry is None:
        return False
    clock = clock_from(now)
    # Whoever takes it after this lease ran out counts the attempts up: then it is theirs.
    mine = OutboxEntry.objects.filter(pk=entry_id, attempts=entry.attempts)
    try:
        with lease_kept(
            lambda: mine.update(not_before=clock() + LEASE), every_seconds=RENEW_SECONDS
        ):
            _handle(entry, now=now)
    except Exception as error:
        logger.exception("outbox entry %s (%s) failed", entry_id, entry.topic)
        _connection_mend()
        pause = min(timedelta(seconds=10 * 2 ** min(entry.attempts, 16)), LONGEST_PAUSE)
        mine.update(not_before=clock() + pause, last_error=_words(error))
        return False
    mine.delete()
    return True


def _handle(entry: OutboxEntry, *, now: datetime) -> None:
    handle = _handlers[entry.topic]
    if not connection.in_atomic_block:
        # A handler says itself what belongs together: a lock held for all of it would be too long.
        handle(entry.payload, now=now)
        return
    with transaction.atomic():
        handle(entry.payload, now=now)


def _words(error: Exception) -> str:
    """Return an error's kind and first line; what a database adds below may quote a row."""
    lines = str(error).splitlines()
    return f"{type(error).__name__}: {lines[0]}"[:WORDS_MOST] if lines else type(error).__name__


def outbox_due(*, now: datetime, limit: int = 500) -> list[int]:
    """Return the ids of entries that wait for the sweep, oldest first."""
    due = OutboxEntry.objects.filter(not_before__lte=now).order_by("not_before", "id")
    return list(due.values_list("pk", flat=True)[:limit])


@dataclass(frozen=True, slots=True)
class QueueWaiting:
    """What is promised and not done on one queue: how much, and since when the oldest waits.

    `untaken_at`: the same of what no worker has begun with; None where all is under way.
    """

    queue: str
    n: int
    oldest_at: datetime
    untaken_at: datetime | None


def outbox_waiting() -> list[QueueWaiting]:
    """Return what waits, by queue (one query); queues where nothing waits are left out."""
    found: dict[str, QueueWaiting] = {}
    rows = OutboxEntry.objects.values("topic").annotate(
        n=Count("id"),
        oldest=Min("created_at"),
        untaken=Min("created_at", filter=Q(attempts=0)),
    )
    for row in rows.order_by("topic"):
        queue = _queue_of(row["topic"])
        before = found.get(queue)
        found[queue] = QueueWaiting(
            queue=queue,
            n=row["n"] + (before.n if before else 0),
            oldest_at=min(row["oldest"], before.oldest_at) if before else row["oldest"],
            untaken_at=min(
                (at for at in (row["untaken"], before and before.untaken_at) if at), default=None
            ),
        )
    return sorted(found.values(), key=lambda one: one.queue)


def outbox_sweep(*, clock: Clock) -> int:
    """Do what waits, and offer the work of other queues to their workers; return how much was done.

    What fails at one entry, the database too, does not keep the others waiting.
    """
    n_done = 0
    for entry_id in outbox_due(now=clock()):
        try:
            n_done += _sweep_one(entry_id, now=clock())
        except DatabaseFailure:
            logger.exception("outbox entry %s could not be swept", entry_id)
            _connection_mend()
    return n_done


def _connection_mend() -> None:
    """Let go of a connection that the database broke off; the next query opens another."""
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()


def _sweep_one(entry_id: int, *, now: datetime) -> bool:
    entry = OutboxEntry.objects.filter(pk=entry_id, not_before__lte=now).first()
    if entry is None:
        return False
    queue = _queue_of(entry.topic)
    if queue == DEFAULT_QUEUE:
        return outbox_take(entry_id, now=now, is_sweep=True)
    waiting = OutboxEntry.objects.filter(pk=entry_id, not_before__lte=now, attempts=entry.attempts)
    if waiting.update(not_before=now + OFFER):
        _tell(
            Message(
                entry_id=entry_id,
                queue=queue,
                attempts=entry.attempts,
                expires_seconds=OFFER.total_seconds(),
            )
        )
    return False
