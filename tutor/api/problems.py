"""Errors as problem details (RFC 9457): one shape for everything that the API refuses."""

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views import defaults
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler

from tutor.common.errors import TutorError

PROBLEM_TYPE = "application/problem+json"
# Refusals whose cause is not the content of the request.
STATUS_OF_CODE: Mapping[str, int] = {
    "upload_too_large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "file_too_large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "length_required": HTTPStatus.LENGTH_REQUIRED,
    "forbidden": HTTPStatus.FORBIDDEN,
    "not_an_author": HTTPStatus.FORBIDDEN,
    # It is so already, or something under way stands against it.
    "already_joined": HTTPStatus.CONFLICT,
    "course_busy": HTTPStatus.CONFLICT,
    "fit_active": HTTPStatus.CONFLICT,
    "fit_ended": HTTPStatus.CONFLICT,
    "import_not_clean": HTTPStatus.CONFLICT,
    "import_under_way": HTTPStatus.CONFLICT,
    "nothing_before": HTTPStatus.CONFLICT,
    "replaying_already": HTTPStatus.CONFLICT,
    "roster_changed": HTTPStatus.CONFLICT,
    "serving_already": HTTPStatus.CONFLICT,
    "username_taken": HTTPStatus.CONFLICT,
}


class FieldsRefusedError(exceptions.APIException):
    """Fields that are as the document says, and that cannot be used all the same."""

    status_code = HTTPStatus.UNPROCESSABLE_ENTITY
    default_code = "refused"

    def __init__(self, fields: Mapping[str, Any]) -> None:
        super().__init__(dict(fields), code=self.default_code)


WORDS = {
    HTTPStatus.NOT_FOUND: "Nothing is here, or nothing that you may see.",
    HTTPStatus.FORBIDDEN: "You may not do this.",
}


def problem_response(exc: Exception, context: dict[str, Any]) -> Response | None:
    """Turn a refusal into problem details; None for errors of our own, which stay errors."""
    if isinstance(exc, TutorError):
        status = STATUS_OF_CODE.get(exc.code, HTTPStatus.UNPROCESSABLE_ENTITY)
        return _problem(context, status=status, code=exc.code, detail=exc.message)
    if isinstance(exc, RequestDataTooBig):
        status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        most = (settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0) // 1024**2
        detail = f"The body is too large; expected at most {most} MB."
        return _problem(context, status=status, code="body_too_large", detail=detail)
    if isinstance(exc, Http404):
        exc = exceptions.NotFound(WORDS[HTTPStatus.NOT_FOUND])
    elif isinstance(exc, PermissionDenied):
        exc = exceptions.PermissionDenied(str(exc) or WORDS[HTTPStatus.FORBIDDEN])
    response = exception_handler(exc, context)
    if response is None or not isinstance(exc, exceptions.APIException):
        return response
    if isinstance(exc, exceptions.ValidationError | FieldsRefusedError):
        problem = _problem(
            context,
            status=exc.status_code,
            code="invalid" if isinstance(exc, exceptions.ValidationError) else exc.default_code,
            detail="Some fields cannot be used; see errors.",
            errors=list(_fields(exc.detail)),
        )
    else:
        problem = _problem(
            context,
            status=exc.status_code,
            code=str(getattr(exc.detail, "code", exc.default_code)),
            detail=str(exc.detail),
        )
    for header in ("WWW-Authenticate", "Retry-After"):
        if header in response.headers:
            problem[header] = response.headers[header]
    return problem


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer for an error of our own: problem details under /api/, the site's page elsewhere."""
    if not request.path.startswith("/api/"):
        return defaults.server_error(request)
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    body = _body(
        status=status,
        code="server_error",
        detail="The site made a mistake with this request; it is in its log.",
    )
    return JsonResponse(body | {"instance": request.path}, status=status, content_type=PROBLEM_TYPE)


def _problem(
    context: Mapping[str, Any],
    *,
    status: int,
    code: str,
    detail: str,
    errors: list[dict[str, str]] | None = None,
) -> Response:
    body = _body(status=status, code=code, detail=detail)
    request = context.get("request")
    if request is not None:
        body["instance"] = request.path
    if errors is not None:
        body["errors"] = errors
    return Response(body, status=status, content_type=PROBLEM_TYPE)


def _body(*, status: int, code: str, detail: str) -> dict[str, Any]:
    # about:blank means: the status says what kind of problem it is; `code` says more.
    return {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": int(status),
        "code": code,
        "detail": detail,
    }


def _fields(detail: Any, pointer: str = "") -> Iterator[dict[str, str]]:
    """Flatten DRF's nested errors into rows, each with the JSON pointer of its field."""
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            own = pointer if name == "non_field_errors" else f"{pointer}/{name}"
            yield from _fields(inner, own)
    elif isinstance(detail, list):
        for place, inner in enumerate(detail):
            own = pointer if not isinstance(inner, dict | list) else f"{pointer}/{place}"
            yield from _fields(inner, own)
    else:
        yield {"pointer": pointer, "code": str(getattr(detail, "code", "")), "detail": str(detail)}
