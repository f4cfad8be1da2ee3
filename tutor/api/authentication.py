"""Bearer tokens: who is asking, by a key that is kept as a digest only."""

from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from tutor.accounts.models import ApiToken, User
from tutor.accounts.services import token_find
from tutor.common.clock import now_utc

SCHEME = "Bearer"


class TokenAuthentication(BaseAuthentication):
    """Read `Authorization: Bearer <token>`; other schemes are left to other classes."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        """Return the token's owner and the token, or None where no bearer token was sent.

        Raises:
            AuthenticationFailed: for a malformed header and for a token that is not live.
        """
        words = get_authorization_header(request).split()
        if not words or words[0].lower() != SCHEME.lower().encode():
            return None
        if len(words) != 2:
            raise AuthenticationFailed(
                f"The Authorization header must read '{SCHEME} <token>'; it has {len(words)} words."
            )
        # Tokens are ASCII; anything else is simply not one of them.
        plain = words[1].decode("ascii", errors="replace")
        token = token_find(plain, now=now_utc())
        if token is None:
            raise AuthenticationFailed(
                "This token is unknown, expired or revoked; make a new one on your profile page."
            )
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        """Name the scheme, so that refusals are 401 and say how to log in."""
        return f'{SCHEME} realm="Stepwise API"'
