"""The outbox: nothing promised is lost, nothing is done by two at once."""

import threading
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext

from tutor.common import outbox
from tutor.common.models import OutboxEntry
from tutor.common.outbox import (
    LEASE,
    OFFER,
    SWEEP_GRACE,
    Message,
    QueueWaiting,
    outbox_add,
    outbox_due,
    outbox_sweep,
    outbox_take,
    outbox_waiting,
)


class Work:
    """A handler that notes what it was given, and fails while told to."""

    def __init__(self) -> None:
        self.done: list[Mapping[str, Any]] = []
        self.is_failing = False

    def __call__(self, payload: Mapping[str, Any], *, now: datetime) -> None:
        if self.is_failing:
            raise RuntimeError("not now")
        self.done.append(payload)


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    made = Work()
    monkeypatch.setitem(outbox._handlers, "test", made)
    return made


def add(now: datetime) -> int:
    return outbox_add("test", {"id": 1}, now=now).pk


def test_work_is_done_once(db: None, work: Work, now: datetime) -> None:
    entry = add(now)
    assert outbox_take(entry, now=now) is True
    assert outbox_take(entry, now=now) is False
    assert work.done == [{"id": 1}]
    assert not OutboxEntry.objects.exists()


def test_an_unknown_topic_is_refused_at_once(db: None, now: datetime) -> None:
    with pytest.raises(ValueError, match="no handler for outbox topic 'nonsense'"):
        outbox_add("nonsense", {}, now=now)


def test_a_promise_rolls_back_with_its_cause(
    transactional_db: None, work: Work, now: datetime
) -> None:
    def fail_after_promising() -> None:
        with transaction.atomic():
            add(now)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_after_promising()
    assert not OutboxEntry.objects.exists()


def test_the_worker_is_told_on_commit_and_a_dead_broker_harms_nothing(
    transactional_db: None, work: Work, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = []

    def send(message: Message) -> None:
        told.append(message.entry_id)
        raise ConnectionError("the broker is down")

    monkeypatch.setattr(outbox, "_senders", [send])
    with transaction.atomic():
        entry = add(now)
        assert told == []
    assert told == [entry]
    assert outbox_due(now=now) == []
    assert outbox_due(now=now + SWEEP_GRACE) == [entry]


def test_failing_work_stays_and_waits_longer_each_time(db: None, work: Work, now: datetime) -> None:
    work.is_failing = True
    entry = add(now)
    assert outbox_take(entry, now=now) is False
    first = OutboxEntry.objects.get()
    assert (first.attempts, first.last_error) == (1, "RuntimeError: not now")
    outbox_take(entry, now=first.not_before, is_sweep=True)
    second = OutboxEntry.objects.get()
    assert second.not_before - first.not_before > first.not_before - now
    work.is_failing = False
    assert outbox_take(entry, now=second.not_before, is_sweep=True) is True
    assert work.done == [{"id": 1}]


def test_work_whose_worker_died_is_taken_after_its_lease(
    db: None, work: Work, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = add(now)

    def die(payload: Mapping[str, Any], *, now: datetime) -> None:
        raise SystemExit

    monkeypatch.setitem(outbox._handlers, "test", die)
    with pytest.raises(SystemExit):
        outbox_take(entry, now=now)
    monkeypatch.setitem(outbox._handlers, "test", work)
    soon, later = now + LEASE - timedelta(seconds=1), now + LEASE
    assert outbox_take(entry, now=soon, is_sweep=True) is False
    assert outbox_take(entry, now=later, is_sweep=True) is True


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[Message]:
    messages: list[Message] = []
    monkeypatch.setattr(outbox, "_senders", [messages.append])
    return messages


@pytest.mark.parametrize("where", ["in the work", "in taking it"])
def test_an_entry_that_the_database_refuses_keeps_no_other_waiting(
    db: None, work: Work, now: datetime, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    first, second = add(now), add(now)
    later = now + SWEEP_GRACE
    real = outbox.outbox_take

    def refused(entry_id: int, *, now: datetime, is_sweep: bool) -> bool:
        if entry_id == first:
            raise OperationalError("database is locked")
        return real(entry_id, now=now, is_sweep=is_sweep)

    def broken(payload: Mapping[str, Any], *, now: datetime) -> None:
        if not work.done and OutboxEntry.objects.get(pk=first).attempts == 1:
            monkeypatch.setitem(outbox._handlers, "test", work)
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1 FROM nowhere")

    if where == "in taking it":
        monkeypatch.setattr(outbox, "outbox_take", refused)
    else:
        monkeypatch.setitem(outbox._handlers, "test", broken)
    assert outbox_sweep(clock=lambda: later) == 1
    assert list(OutboxEntry.objects.values_list("pk", flat=True)) == [first]
    assert not OutboxEntry.objects.filter(pk=second).exists()
    left = OutboxEntry.objects.get()
    if where == "in the work":
        assert left.attempts == 1
        assert "nowhere" in left.last_error
        assert left.not_before > later


def test_an_error_is_kept_in_words_without_the_row_that_a_database_quotes(
    db: None, work: Work, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(payload: Mapping[str, Any], *, now: datetime) -> None:
        raise ValueError("duplicate key\nDETAIL: Key (username)=(ada) already exists.")

    monkeypatch.setitem(outbox._handlers, "test", fail)
    outbox_take(add(now), now=now)
    assert OutboxEntry.objects.get().last_error == "ValueError: duplicate key"


@pytest.mark.django_db(transaction=True)
def test_work_that_takes_long_keeps_its_lease(
    work: Work, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_renewed = threading.Event()
    entry = add(now)
    monkeypatch.setattr(outbox, "RENEW_SECONDS", 0.01)
    real = outbox.lease_kept

    def watched(renew: Any, *, every_seconds: float) -> Any:
        def noting() -> None:
            renew()
            is_renewed.set()

        return real(noting, every_seconds=every_seconds)

    def take_long(payload: Mapping[str, Any], *, now: datetime) -> None:
        assert is_renewed.wait(timeout=10)
        work(payload, now=now)
        # Renewed from the moment it was, not from the one at which the work began.
        assert OutboxEntry.objects.get().not_before > now + LEASE

    monkeypatch.setattr(outbox, "lease_kept", watched)
    monkeypatch.setitem(outbox._handlers, "test", take_long)
    assert outbox_take(entry, now=now)
    assert not OutboxEntry.objects.exists()


def test_who_lost_an_entry_to_another_worker_does_not_end_it_for_them(
    db: None, work: Work, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = add(now)
    later = now + LEASE

    def overtaken(payload: Mapping[str, Any], *, now: datetime) -> None:
        OutboxEntry.objects.update(attempts=2, not_before=later + LEASE)

    monkeypatch.setitem(outbox._handlers, "test", overtaken)
    outbox_take(entry, now=now)
    assert OutboxEntry.objects.get().not_before == later + LEASE


def test_long_work_is_offered_to_its_own_queue_and_not_done_by_the_sweep(
    db: None, work: Work, now: datetime, monkeypatch: pytest.MonkeyPatch, told: list[Message]
) -> None:
    monkeypatch.setitem(outbox._queues, "test", "replay")
    entry = add(now)
    moment = now + SWEEP_GRACE
    assert outbox_sweep(clock=lambda: moment) == 0
    assert work.done == []
    offer = Message(entry, queue="replay", attempts=0, expires_seconds=OFFER.total_seconds())
    assert told == [offer]
    # One offer at a time: the next when this one has run out.
    assert outbox_sweep(clock=lambda: moment + OFFER - timedelta(seconds=1)) == 0
    assert told == [offer]
    outbox_sweep(clock=lambda: moment + OFFER)
    assert told == [offer, offer]
    assert outbox_take(entry, now=moment + OFFER, attempts=offer.attempts)
    assert work.done == [{"id": 1}]


def test_what_waits_is_told_by_queue_with_the_oldest(
    db: None, work: Work, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert outbox_waiting() == []
    monkeypatch.setitem(outbox._handlers, "other", work)
    monkeypatch.setitem(outbox._handlers, "third", work)
    for topic in ("test", "other"):
        monkeypatch.setitem(outbox._queues, topic, "predict")
    for topic, hours in (("test", 2), ("other", 3), ("test", 1), ("third", 5)):
        outbox_add(topic, {"id": 1}, now=now - timedelta(hours=hours))
    with CaptureQueriesContext(connection) as queries:
        waiting = outbox_waiting()
    assert waiting == [
        QueueWaiting("default", 1, now - timedelta(hours=5), now - timedelta(hours=5)),
        QueueWaiting("predict", 3, now - timedelta(hours=3), now - timedelta(hours=3)),
    ]
    assert len(queries) == 1
    # What a worker has in hand waits for its end, not for a worker.
    OutboxEntry.objects.exclude(topic="test").update(attempts=1)
    assert outbox_waiting() == [
        QueueWaiting("default", 1, now - timedelta(hours=5), None),
        QueueWaiting("predict", 3, now - timedelta(hours=3), now - timedelta(hours=2)),
    ]


def test_of_two_messages_for_one_try_one_counts(db: None, work: Work, now: datetime) -> None:
    work.is_failing = True
    entry = add(now)
    assert outbox_take(entry, now=now) is False
    work.is_failing = False
    # The message sent on commit comes again: that try is over.
    assert outbox_take(entry, now=now) is False
    assert work.done == []
    assert outbox_take(entry, now=now, attempts=1)


def test_the_message_on_commit_names_the_queue_of_the_topic(
    transactional_db: None,
    work: Work,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
    told: list[Message],
) -> None:
    monkeypatch.setitem(outbox._queues, "test", "replay")
    entry = add(now)
    assert told == [Message(entry, queue="replay")]
