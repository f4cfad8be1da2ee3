"""Health for load balancers, figures for whoever runs the site."""

from dataclasses import asdict

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from tutor.accounts.access import administrator_page
from tutor.accounts.http import UserRequest
from tutor.accounts.models import Scope
from tutor.accounts.services import token_find
from tutor.common.clock import now_utc
from tutor.operations.health import health_of_site
from tutor.operations.metrics import CONTENT_TYPE, metrics_of_site, metrics_text

BEARER = "Bearer "


@require_safe
@never_cache
def health(request: HttpRequest) -> JsonResponse:
    """Answer 200 while every part works, else 503; which part is told to administrators only."""
    parts = health_of_site(now=now_utc())
    is_well = all(part.is_well for part in parts)
    body: dict[str, object] = {"status": "ok" if is_well else "failing"}
    if request.user.is_authenticated and request.user.is_administrator:
        body["parts"] = {part.name: asdict(part) for part in parts}
    return JsonResponse(body, status=200 if is_well else 503)


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponseBase:
    """Show the figures to an administrator, or to a collector with an `admin` token."""
    header = request.headers.get("Authorization", "")
    if not header:
        return _metrics_page(request)
    token = token_find(header.removeprefix(BEARER).strip(), now=now_utc())
    if not header.startswith(BEARER) or token is None:
        return HttpResponse(
            "The token is unknown, expired or revoked; send Authorization: Bearer <token>.\n",
            status=401,
            content_type="text/plain; charset=utf-8",
            headers={"WWW-Authenticate": "Bearer"},
        )
    if Scope.ADMIN not in token.scopes or not token.user.is_administrator:
        return HttpResponse(
            "Figures of the site need an administrator's token with the scope 'admin'.\n",
            status=403,
            content_type="text/plain; charset=utf-8",
        )
    return _metrics_response()


@administrator_page
def _metrics_page(_request: UserRequest) -> HttpResponse:
    return _metrics_response()


def _metrics_response() -> HttpResponse:
    return HttpResponse(metrics_text(metrics_of_site(now=now_utc())), content_type=CONTENT_TYPE)
