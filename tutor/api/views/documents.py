"""Documents about the API and whole courses: bundles, the bundle's schema, OpenAPI, its page."""

import json
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView
from rest_framework.exceptions import NotFound
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.views import APIView

from tutor.accounts.access import teacher_page
from tutor.accounts.http import UserRequest
from tutor.api.http import ApiView
from tutor.content.exporting import course_export
from tutor.content.models import Course
from tutor.content.validation import SCHEMA_PATH


class Index(ApiView):
    """Where everything is."""

    @extend_schema(operation_id="index", tags=["start"], responses={200: OpenApiTypes.OBJECT})
    def get(self, request: Request) -> Response:
        """Name the addresses to start from."""
        names = ("courses", "imports", "classrooms", "learners", "response_imports", "schema")
        links = {name: reverse(f"api:{name}", request=request) for name in names}
        others = ("docs", "bundle_schema", "audit")
        return Response(links | {name: reverse(f"api:{name}", request=request) for name in others})


class CourseBundle(ApiView):
    """A whole course in the bundle format."""

    @extend_schema(operation_id="courses_bundle", responses={200: OpenApiTypes.OBJECT})
    def get(self, request: Request, uuid: UUID) -> Response:
        """Export a course as a bundle; importing it again changes nothing."""
        course = get_object_or_404(Course, uuid=uuid)
        headers = {"Content-Disposition": f'attachment; filename="{course.key}.json"'}
        return Response(course_export(course), headers=headers)


class BundleSchema(ApiView):
    """The bundle format's JSON Schema."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(operation_id="bundle_schema", responses={200: OpenApiTypes.OBJECT}, auth=[])
    def get(self, request: Request) -> Response:
        """Read the JSON Schema (2020-12) of the bundle format. Needs no login."""
        return Response(json.loads(SCHEMA_PATH.read_text(encoding="utf-8")))


class Schema(SpectacularAPIView):
    """This API as an OpenAPI document; needs no login."""

    authentication_classes = ()
    permission_classes = (AllowAny,)


class Nowhere(APIView):
    """Every other address below the API, so that a wrong one is refused in the same shape."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse whatever the method is."""
        super().initial(request, *args, **kwargs)
        raise NotFound(
            "No such address; they all end with a slash and are listed at /api/v1/docs/."
        )


@teacher_page
def docs_page(request: UserRequest) -> HttpResponse:
    """Show the OpenAPI document as a page, on which calls can be tried with one's own login."""
    return render(request, "api/docs.html")
