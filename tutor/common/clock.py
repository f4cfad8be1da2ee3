"""The one place that reads the clock; everything below is given `now`."""

from datetime import UTC, datetime

DAY_SECONDS = 86_400.0


def now_utc() -> datetime:
    """Return the present moment in UTC."""
    return datetime.now(tz=UTC)


def days_since_epoch(moment: datetime) -> float:
    """Return the moment in days since the Unix epoch, the unit of time that models use.

    Raises:
        ValueError: if the moment carries no time zone.
    """
    if moment.tzinfo is None:
        raise ValueError(f"a moment must carry its time zone; {moment.isoformat()} has none")
    return moment.timestamp() / DAY_SECONDS
