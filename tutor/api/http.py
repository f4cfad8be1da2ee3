"""What every view of the API shares: known callers, conditional reads, pages, the audit log."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from django.utils.cache import patch_cache_control
from django.utils.decorators import method_decorator
from django.views.decorators.http import conditional_page
from rest_framework import generics
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from tutor.accounts.models import ApiToken, User
from tutor.accounts.services import audit_record
from tutor.api.openapi import ApiSchema
from tutor.api.paging import Pages
from tutor.api.uploads import JsonParser
from tutor.common.clock import now_utc


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
    """A view whose reads carry an ETag of their content and are never kept by shared caches.

    Every write is in the audit log, under the names that `writes` gives to methods, and so is every
    look at learners' data, under the name `looks_at`.
    """

    schema = ApiSchema()
    pagination_class: type[Pages] | None = Pages
    parser_classes: Any = (JsonParser,)
    content_negotiation_class = Negotiation
    # Nothing is told of a view by OPTIONS that the OpenAPI document does not tell.
    metadata_class = None
    # What may stand in the address behind the question mark, for reads.
    query_class: type[Serializer[Any]] | None = None
    looks_at: str | None = None
    writes: Mapping[str, str] = {}
    object_kind = ""

    def asked(self) -> dict[str, Any]:
        """Return what stands behind the question mark. Raises: ValidationError."""
        if self.query_class is None:
            return {}
        # A plain dictionary: what is there and empty is not the same as what is left out.
        query = self.query_class(data=self.request.query_params.dict())
        query.is_valid(raise_exception=True)
        return dict(query.validated_data)

    def body(self, request: Request, form: type[Serializer[Any]]) -> dict[str, Any]:
        """Return what a body says. Raises: ValidationError."""
        given = form(data=request.data)
        given.is_valid(raise_exception=True)
        return dict(given.validated_data)

    def finalize_response(
        self, request: Request, response: Any, *args: Any, **kwargs: Any
    ) -> Response:
        """Forbid caches to hand one person's answer to another, and record what was done."""
        finished = super().finalize_response(request, response, *args, **kwargs)
        patch_cache_control(finished, private=True, no_cache=True)
        if request.method not in SAFE_METHODS:
            # It may hold a password that is shown this once.
            patch_cache_control(finished, no_store=True)
        if finished.status_code < 300:
            self._audit(request, finished)
        return finished

    def _audit(self, request: Request, response: Any) -> None:
        method = request.method or ""
        action = self.looks_at if method in SAFE_METHODS else self.writes[method]
        if action is None:
            return
        data = getattr(response, "data", None)
        made = data.get("uuid", "") if isinstance(data, Mapping) else ""
        audit_record(
            caller(request),
            action=action,
            object_kind=self.object_kind,
            object_id=str(self.kwargs.get("uuid") or made),
            detail=caller_detail(request) | self.audit_detail(),
            now=now_utc(),
        )

    def audit_detail(self) -> dict[str, str]:
        """Return what else the audit log says: ids, no names and no answers."""
        learner = self.request.query_params.get("learner", "")
        return {"learner": learner[:36]} if learner and self.looks_at else {}
