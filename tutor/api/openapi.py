"""How the OpenAPI document is drawn from the views: every operation names what can refuse it."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse
from rest_framework import serializers

from tutor.api.permissions import scope_needed
from tutor.api.problems import PROBLEM_TYPE


class RefusalFieldSerializer(serializers.Serializer[Any]):
    """One field that cannot be used."""

    pointer = serializers.CharField(
        help_text="JSON pointer of the field in the request.", allow_blank=True
    )
    code = serializers.CharField(allow_blank=True)
    detail = serializers.CharField()


class RefusalSerializer(serializers.Serializer[Any]):
    """Problem details as RFC 9457 has them, with a stable `code`."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField(help_text="Stable; made for programs.")
    detail = serializers.CharField(help_text="One sentence for people.")
    instance = serializers.CharField(required=False)
    # The base class has a property of this name; the class body only declares the field.
    errors = RefusalFieldSerializer(many=True, required=False)  # type: ignore[assignment]


# What each refusal means, and the code and words of an example.
REFUSALS: Mapping[str, tuple[str, str, str]] = {
    "400": (
        "Something in the address or the body cannot be used; `errors` says what.",
        "invalid",
        "Some fields cannot be used; see errors.",
    ),
    "401": (
        "No login, or a token that is unknown, expired or revoked.",
        "authentication_failed",
        "This token is unknown, expired or revoked; make a new one on your profile page.",
    ),
    "403": (
        "A learner, a token without the scope, or a deed of administrators.",
        "permission_denied",
        "This token lacks the scope 'import'; make a token that has it.",
    ),
    "404": (
        "Nothing is here, or nothing that you may see.",
        "not_found",
        "Nothing is here, or nothing that you may see.",
    ),
    "405": (
        "The address takes other methods; `Allow` names them.",
        "method_not_allowed",
        'Method "DELETE" not allowed.',
    ),
    "406": (
        "The answer cannot be had in what `Accept` asks for.",
        "not_acceptable",
        "Could not satisfy the request Accept header.",
    ),
    "409": (
        "It is so already, or something is under way that stands against it.",
        "fit_active",
        "A fit of bkt_forgets on this course is waiting or running already.",
    ),
    "411": (
        "A body that does not say how long it is.",
        "length_required",
        "The length of the body is not given; send a Content-Length.",
    ),
    "413": (
        "The body is too large.",
        "upload_too_large",
        "A file of 2000000000 bytes is too large; expected at most 100 MB.",
    ),
    "415": (
        "The body is of a kind that is not read here.",
        "unsupported_media_type",
        'Unsupported media type "text/html" in request.',
    ),
    "422": (
        "It is understood and cannot be done; `code` says why.",
        "course_missing",
        "A graph needs a course to go to; choose one.",
    ),
    "429": (
        "Too many calls; `Retry-After` says when to come back.",
        "throttled",
        "Request was throttled. Expected available in 12 seconds.",
    ),
}


def problem(status: str, words: str = "") -> OpenApiResponse:
    """Describe a refusal in the OpenAPI document, with an example."""
    meaning, code, detail = REFUSALS[status]
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(int(status)).phrase,
        "status": int(status),
        "code": code,
        "detail": detail,
        "instance": "/api/v1/courses/",
    }
    if status == "400":
        body["errors"] = [{"pointer": "/limit", "code": "invalid", "detail": "'0' cannot be used."}]
    example = OpenApiExample(
        code, value=body, response_only=True, status_codes=[status], media_type=PROBLEM_TYPE
    )
    return OpenApiResponse(RefusalSerializer, description=words or meaning, examples=[example])


class ApiSchema(AutoSchema):
    """Add the shared refusals, the scope, and the conditional read to every operation."""

    def get_description(self) -> str:  # type: ignore[override]
        """Return the view's text with the scope that a token needs."""
        text = super().get_description() or ""
        scope = scope_needed(self.view, self.method)
        return f"{text}\n\nScope of a token: `{scope.value}`.".strip()

    def get_operation_id(self) -> str:
        """Return the name of an operation; a view below two addresses says which one it is."""
        view: Any = self.view
        operation = getattr(view, "operation", None)
        if operation is None:
            return str(super().get_operation_id())
        return f"{view.object_kind}_{operation}"

    def get_override_parameters(self) -> Any:
        """Name the header of a conditional read, and what the view takes in the address."""
        given = list(super().get_override_parameters())
        if self.method == "GET":
            query = getattr(self.view, "query_class", None)
            if query is not None:
                given.append(query)
            given.append(
                OpenApiParameter(
                    "If-None-Match",
                    str,
                    OpenApiParameter.HEADER,
                    description="The ETag of an earlier answer; 304 where nothing changed.",
                )
            )
        return given

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        if self.method == "GET":
            bodies.setdefault("304", {"description": "Unchanged since the ETag that was sent."})
        for code in self._refusals():
            if code not in bodies:
                bodies[code] = self._get_response_for_code(  # type: ignore[no-untyped-call]
                    problem(code), code, media_types=[PROBLEM_TYPE]
                )
        for code, body in bodies.items():
            if code >= "4" and PROBLEM_TYPE not in body.get("content", {}):
                # Whatever a view speaks, it refuses in one way.
                body["content"] = {PROBLEM_TYPE: next(iter(body["content"].values()))}
        return dict(sorted(bodies.items()))

    def _get_format_parameters(self) -> list[dict[str, Any]]:
        # `Accept` chooses, never the address.
        return []

    def _refusals(self) -> list[str]:
        found = ["401", "403", "405", "406", "429"]
        is_write = self.method != "GET"
        if is_write or self._has_query():
            found.append("400")
        if "{" in self.path or self._is_list_view():
            found.append("404")
        if is_write:
            found += ["409", "413", "415", "422"]
        return sorted(found)

    def _has_query(self) -> bool:
        return any(parameter["in"] == "query" for parameter in self._get_parameters())


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the OpenAPI document describes bearer tokens."""

    target_class = "tutor.api.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """Return the OpenAPI security scheme."""
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "A token made on the profile page or by `manage.py api_token_create`.",
        }
