"""The one place that reads the clock; everything below is given `now`."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

DAY_SECONDS = 86_400.0

Clock = Callable[[], datetime]


def now_utc() -> datetime:
    """Return the present moment in UTC."""
    return datetime.now(tz=UTC)


def clock_from(now: datetime) -> Clock:
    """Return a clock that goes on from a moment: for work that outlasts the `now` it was given."""
    began = time.monotonic()
    return lambda: now + timedelta(seconds=time.monotonic() - began)


def days_since_epoch(moment: datetime) -> float:
    """Return the moment in days since the Unix epoch, the unit of time that models use.

    Raises:
        ValueError: if the moment carries no time zone.
    """
    if moment.tzinfo is None:
        raise ValueError(f"a moment must carry its time zone; {moment.isoformat()} has none")
    return moment.timestamp() / DAY_SECONDS
