"""How often a token may call: a counter per minute, shared by all web processes."""

import logging
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.cache import cache
from redis.exceptions import RedisError
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from tutor.accounts.models import ApiToken
from tutor.common.clock import now_utc
from tutor.common.http import client_address

# The views read this module while they load.
if TYPE_CHECKING:
    from rest_framework.views import APIView

logger = logging.getLogger(__name__)

PERIOD_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def rate_read(text: str) -> tuple[int, int]:
    """Read a rate such as `600/min` as (calls, seconds)."""
    calls, _, period = text.partition("/")
    return int(calls), PERIOD_SECONDS[period[0]]


class TokenThrottle(BaseThrottle):
    """Count calls per token (per person where there is no token) in fixed windows.

    Fixed windows cost one increment a call and count right between processes; at a window's edge
    they let through up to twice the rate for a moment.
    """

    wait_seconds: float | None = None

    def allow_request(self, request: Request, view: "APIView") -> bool:
        """Whether this call is within the rate."""
        rates: dict[str, str] = settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"]  # type: ignore[assignment]
        calls, period = rate_read(rates["token"])
        seconds = now_utc().timestamp()
        window = int(seconds // period)
        key = f"api-calls:{self._caller(request)}:{window}"
        try:
            cache.add(key, 0, timeout=2 * period)
            used = cache.incr(key)
        except (RedisError, OSError, ValueError) as error:
            # A cache that is down, or that dropped the key, must not take the API with it.
            logger.warning("API calls are not counted: the cache fails (%s)", type(error).__name__)
            return True
        self.wait_seconds = (window + 1) * period - seconds
        return used <= calls

    def wait(self) -> float | None:
        """Return the seconds until calls are let through again."""
        return self.wait_seconds

    def _caller(self, request: Request) -> str:
        if isinstance(request.auth, ApiToken):
            return f"token-{request.auth.pk}"
        if request.user.is_authenticated:
            return f"user-{request.user.pk}"
        return f"address-{client_address(request)}"
