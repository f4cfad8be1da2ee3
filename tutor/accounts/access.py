"""Who may open a page at all: by login, then by role. Relations are checked by `roster.access`."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.utils.cache import add_never_cache_headers

from tutor.accounts.http import UserRequest
from tutor.accounts.models import User

P = ParamSpec("P")
Page = Callable[Concatenate[UserRequest, P], HttpResponseBase]
AnyPage = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def _page_for(allowed: Callable[[User], bool]) -> Callable[[Page[P]], AnyPage[P]]:
    def decorate(view: Page[P]) -> AnyPage[P]:
        @wraps(view)
        def guarded(request: UserRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if not allowed(request.user):
                raise PermissionDenied
            response = view(request, *args, **kwargs)
            # Computers at school are shared: after a logout nobody pages back to what was shown.
            if not response.has_header("Cache-Control"):
                add_never_cache_headers(response)
            return response

        return login_required(guarded)  # type: ignore[return-value]

    return decorate


def learner_page(view: Page[P]) -> AnyPage[P]:
    """Let learners in; others who are logged in get 403."""
    return _page_for(lambda user: user.is_learner)(view)


def teacher_page(view: Page[P]) -> AnyPage[P]:
    """Let teachers and administrators in; learners get 403."""
    return _page_for(lambda user: user.is_teacher)(view)


def administrator_page(view: Page[P]) -> AnyPage[P]:
    """Let administrators in; others who are logged in get 403."""
    return _page_for(lambda user: user.is_administrator)(view)


def member_page(view: Page[P]) -> AnyPage[P]:
    """Let everybody in who is logged in."""
    return _page_for(lambda user: True)(view)
