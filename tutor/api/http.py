"""What every view of the API shares: requests of known people, conditional reads, pages."""

from types import SimpleNamespace
from typing import Any

from django.utils.cache import patch_cache_control
from django.utils.decorators import method_decorator
from django.views.decorators.http import conditional_page
from rest_framework import generics
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response

from tutor.accounts.models import ApiToken, User
from tutor.api.openapi import ApiSchema


class Pages(CursorPagination):
    """Pages by cursor: no row is met twice or missed while others are added."""

    page_size = 100
    max_page_size = 500
    page_size_query_param = "limit"
    page_size_query_description = "Rows on a page, at most 500."
    ordering: Any = "id"


class Negotiation(DefaultContentNegotiation):
    """Answer in what the Accept header asks for; `format` in an address is an import's format."""

    settings: Any = SimpleNamespace(URL_FORMAT_OVERRIDE=None)


def caller(request: Request) -> User:
    """Return the person behind a request that `HasScope` let in."""
    if not isinstance(request.user, User):
        raise TypeError(f"expected a request of a user, got {type(request.user).__name__}")
    return request.user


def caller_detail(request: Request) -> dict[str, str]:
    """Return what the audit log says of how a caller came in."""
    token = request.auth
    return {"token": token.prefix} if isinstance(token, ApiToken) else {}


@method_decorator(conditional_page, name="dispatch")
class ApiView(generics.GenericAPIView[Any]):
    """A view whose reads carry an ETag of their content and are never kept by shared caches."""

    schema = ApiSchema()
    pagination_class = Pages
    content_negotiation_class = Negotiation

    def finalize_response(
        self, request: Request, response: Any, *args: Any, **kwargs: Any
    ) -> Response:
        """Forbid caches to hand one person's answer to another."""
        finished = super().finalize_response(request, response, *args, **kwargs)
        patch_cache_control(finished, private=True, no_cache=True)
        return finished
