"""The outbox: nothing promised is lost, nothing is done by two at once."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction

from tutor.common import outbox
from tutor.common.models import OutboxEntry
from tutor.common.outbox import LEASE, SWEEP_GRACE, outbox_add, outbox_due, outbox_take


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

    def send(entry_id: int) -> None:
        told.append(entry_id)
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
    assert (first.attempts, first.last_error) == (1, "RuntimeError")
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
