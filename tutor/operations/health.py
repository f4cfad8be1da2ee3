"""How the parts of the site are: looked at, not guessed."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models import Min

from tutor.common.models import OutboxEntry

TIMEOUT_SECONDS = 2.0
# The sweep comes every ten seconds and a failing entry pauses an hour at most; what is older than
# this shows that no worker takes anything.
OUTBOX_LATE_SECONDS = 2 * 60 * 60.0


@dataclass(frozen=True)
class PartHealth:
    """One part: whether it works, how long it took to say so, and the age of what waits."""

    name: str
    is_well: bool
    took_ms: float
    oldest_seconds: float | None = None


def health_of_site(*, now: datetime) -> tuple[PartHealth, ...]:
    """Look at the database, the broker and the outbox."""
    return (
        _timed("database", _database_answers),
        _timed("broker", _broker_answers),
        _outbox_health(now=now),
    )


def outbox_age_seconds(*, now: datetime) -> float:
    """Return how long the oldest promise has waited; 0 when nothing waits."""
    oldest = OutboxEntry.objects.aggregate(oldest=Min("created_at"))["oldest"]
    return 0.0 if oldest is None else max(0.0, (now - oldest).total_seconds())


def _timed(name: str, look: Callable[[], bool]) -> PartHealth:
    began = time.perf_counter()
    is_well = look()
    return PartHealth(name, is_well, (time.perf_counter() - began) * 1000)


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            return bool(cursor.fetchone() == (1,))
    except DatabaseError:
        return False


def _broker_answers() -> bool:
    try:
        with redis.Redis.from_url(
            settings.REDIS_URL,
            socket_timeout=TIMEOUT_SECONDS,
            socket_connect_timeout=TIMEOUT_SECONDS,
        ) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


def _outbox_health(*, now: datetime) -> PartHealth:
    began = time.perf_counter()
    try:
        age = outbox_age_seconds(now=now)
    except DatabaseError:
        age = None
    took_ms = (time.perf_counter() - began) * 1000
    return PartHealth("outbox", age is not None and age < OUTBOX_LATE_SECONDS, took_ms, age)
