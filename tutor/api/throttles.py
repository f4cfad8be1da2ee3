"""How often a token may call: a counter per minute, shared by all web processes."""

from typing import TYPE_CHECKING

from django.conf import settings
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from tutor.accounts.models import ApiToken
from tutor.common.clock import now_utc
from tutor.common.http import client_address
from tutor.common.rates import Rate, turn_take

# The views read this module while they load.
if TYPE_CHECKING:
    from rest_framework.views import APIView


class TokenThrottle(BaseThrottle):
    """Count calls per token, per person where there is no token."""

    wait_seconds: float | None = None

    def allow_request(self, request: Request, view: "APIView") -> bool:
        """Whether this call is within the rate."""
        rates: dict[str, str] = settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"]  # type: ignore[assignment]
        turn = turn_take(
            "api-calls",
            self._caller(request),
            Rate.read(rates["token"]),
            seconds=now_utc().timestamp(),
        )
        self.wait_seconds = turn.wait_seconds
        return turn.is_within

    def wait(self) -> float | None:
        """Return the seconds until calls are let through again."""
        return self.wait_seconds

    def _caller(self, request: Request) -> str:
        if isinstance(request.auth, ApiToken):
            return f"token-{request.auth.pk}"
        if request.user.is_authenticated:
            return f"user-{request.user.pk}"
        return f"address-{client_address(request)}"
