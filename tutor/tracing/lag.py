"""How far the worker runs behind the answers: a rolling list of lags in the broker's memory."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import redis
from django.conf import settings

logger = logging.getLogger(__name__)

KEY = "stepwise:tracing-lag"
KEPT = 3000
KEPT_SECONDS = 2 * 86_400
TIMEOUT_SECONDS = 1.0
WINDOW = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Lag:
    """From an answer's record to its states' advance, over the newest `n` answers of people."""

    n: int
    median_seconds: float
    p95_seconds: float
    n_per_minute: float


def lag_note(lag_seconds: float, *, now: datetime) -> None:
    """Keep one lag. A broker that is down costs the figure, never the work."""
    try:
        with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=TIMEOUT_SECONDS) as client:
            pipe = client.pipeline(transaction=False)
            pipe.lpush(KEY, f"{now.timestamp():.3f} {max(0.0, lag_seconds):.3f}")
            pipe.ltrim(KEY, 0, KEPT - 1)
            pipe.expire(KEY, KEPT_SECONDS)
            pipe.execute()
    except redis.RedisError:
        logger.warning("a lag of %.1f s is not kept: the broker is not there", lag_seconds)


def lag_read(*, now: datetime) -> Lag | None:
    """Return the figures of the kept lags; None where there is none, or no broker."""
    try:
        with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=TIMEOUT_SECONDS) as client:
            kept = [line.split() for line in client.lrange(KEY, 0, KEPT - 1)]
    except redis.RedisError:
        return None
    if not kept:
        return None
    at = np.array([float(line[0]) for line in kept])
    lags = np.array([float(line[1]) for line in kept])
    # A full list may reach back less than the window.
    reach = now.timestamp() - float(at.min()) if len(kept) == KEPT else WINDOW.total_seconds()
    span = min(WINDOW.total_seconds(), max(reach, 1.0))
    n_recent = int((at > now.timestamp() - span).sum())
    return Lag(
        n=len(kept),
        median_seconds=float(np.median(lags)),
        p95_seconds=float(np.quantile(lags, 0.95)),
        n_per_minute=60.0 * n_recent / span,
    )
