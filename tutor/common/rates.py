"""How often somebody may do something: a counter a window, shared by all web processes."""

import logging
from dataclasses import dataclass

from django.core.cache import cache
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

PERIOD_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


@dataclass(frozen=True, slots=True)
class Rate:
    """So many times in a window of seconds."""

    most: int
    period: int

    @classmethod
    def read(cls, text: str) -> "Rate":
        """Read a rate such as `600/min`."""
        most, _, period = text.partition("/")
        return cls(int(most), PERIOD_SECONDS[period[0]])


@dataclass(frozen=True, slots=True)
class Turn:
    """Whether one more time is within the rate, and the seconds until the next window."""

    is_within: bool
    wait_seconds: float


def turn_take(what: str, who: str, rate: Rate, *, seconds: float) -> Turn:
    """Count one more time at a moment, in seconds since the epoch.

    Fixed windows cost one increment and count right between processes; at a window's edge they let
    through up to twice the rate for a moment. A cache that is down, or that dropped the key, must
    not take the site with it: then nothing is counted.
    """
    window = int(seconds // rate.period)
    wait = (window + 1) * rate.period - seconds
    key = f"{what}:{who}:{window}"
    try:
        cache.add(key, 0, timeout=2 * rate.period)
        used = cache.incr(key)
    except (RedisError, OSError, ValueError) as error:
        logger.warning("%s are not counted: the cache fails (%s)", what, type(error).__name__)
        return Turn(is_within=True, wait_seconds=wait)
    return Turn(is_within=used <= rate.most, wait_seconds=wait)
