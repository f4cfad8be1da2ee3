"""What a caller may do: the token's scope first, then the person's role."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from tutor.accounts.models import ApiToken, Scope, User

# The views read this module while they load.
if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise
    from rest_framework.views import APIView

READS: Mapping[str, Scope] = {"GET": Scope.READ}


def scope_needed(view: "APIView", method: str) -> Scope:
    """Return the scope that a method of a view asks for.

    A view says so in `scopes`. What it does not name is read for safe methods, and the widest scope
    for the others, so that a forgotten line closes a door instead of opening it.
    """
    scopes: Mapping[str, Scope] = getattr(view, "scopes", READS)
    if method in SAFE_METHODS:
        return scopes.get("GET", Scope.READ)
    return scopes.get(method, Scope.ADMIN)


def token_allows(token: ApiToken, scope: Scope) -> bool:
    """Whether a token carries a scope; `admin` carries every other one."""
    return scope in token.scopes or Scope.ADMIN in token.scopes


class HasScope(BasePermission):
    """Let in teachers and administrators, and of tokens only those with the scope that is needed.

    A token never does more than its owner could: the role is asked too, and `admin` routes are for
    administrators. Which objects a person reaches is decided by the view's queryset (404).
    """

    message: "StrOrPromise" = _("Only teachers and administrators use the API.")

    def has_permission(self, request: Request, view: "APIView") -> bool:
        """Whether the caller may use this method of the view at all."""
        user = request.user
        if not isinstance(user, User) or not user.is_teacher:
            return False
        scope = scope_needed(view, request.method or "GET")
        if scope == Scope.ADMIN and not user.is_administrator:
            self.message = _("Only administrators may do this.")
            return False
        token = request.auth
        if isinstance(token, ApiToken) and not token_allows(token, scope):
            self.message = _(
                "This token lacks the scope '%(scope)s'; make a token that has it."
            ) % {"scope": scope.value}
            return False
        return True
