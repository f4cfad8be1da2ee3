"""How the OpenAPI document is drawn from the views: every operation names what can refuse it."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import serializers

from tutor.api.permissions import scope_needed
from tutor.api.problems import PROBLEM_TYPE


class RefusalFieldSerializer(serializers.Serializer[Any]):
    """One field that cannot be used."""

    pointer = serializers.CharField(help_text="JSON pointer of the field in the request.")
    code = serializers.CharField()
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


REFUSALS = {
    "401": "No login, or a token that is unknown, expired or revoked.",
    "403": "A learner, or a token without the scope.",
    "406": "Only JSON (of some reads also CSV) is spoken here.",
    "429": "Too many calls; Retry-After says when to come back.",
}
NOT_FOUND = {"404": "Nothing is here, or nothing that you may see."}


class ApiSchema(AutoSchema):
    """Add the shared refusals, the scope, and the conditional read to every operation."""

    def get_description(self) -> str:  # type: ignore[override]
        """Return the view's text with the scope that a token needs."""
        text = super().get_description() or ""
        scope = scope_needed(self.view, self.method)
        return f"{text}\n\nScope of a token: `{scope.value}`.".strip()

    def get_override_parameters(self) -> Any:
        """Name the header of a conditional read."""
        given = list(super().get_override_parameters())
        if self.method == "GET":
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
        refusals = dict(REFUSALS)
        if "{" in self.path:
            refusals |= NOT_FOUND
        if self.method == "GET":
            bodies.setdefault("304", {"description": "Unchanged since the ETag that was sent."})
        for code, words in refusals.items():
            if code not in bodies:
                response = OpenApiResponse(RefusalSerializer, description=words)
                bodies[code] = self._get_response_for_code(  # type: ignore[no-untyped-call]
                    response, code, media_types=[PROBLEM_TYPE]
                )
        return bodies


def problem(words: str) -> OpenApiResponse:
    """Describe a refusal of one operation in the OpenAPI document."""
    return OpenApiResponse(RefusalSerializer, description=words)


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
