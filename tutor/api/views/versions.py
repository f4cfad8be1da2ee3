"""The versions of a course: every import made one, and each can be brought back."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from tutor.accounts.models import Scope
from tutor.api.http import ApiView, caller
from tutor.api.import_serializers import ImportSerializer
from tutor.api.openapi import problem
from tutor.api.paging import Pages
from tutor.api.views.jobs import ACCEPTED, JobView
from tutor.common.clock import now_utc
from tutor.content.bundles import bundle_unpack
from tutor.content.jobs import roll_back_start
from tutor.content.models import Course, CourseVersion

NUMBER_MOST = 2**31 - 1


class CourseVersionSerializer(serializers.ModelSerializer[CourseVersion]):
    """A course as an import left it."""

    created_by = serializers.UUIDField(source="created_by.uuid", default=None, allow_null=True)
    counts = serializers.DictField()

    class Meta:
        model = CourseVersion
        fields = ("uuid", "number", "created_at", "created_by", "checksum", "counts")


class VersionPages(Pages):
    """Newest first."""

    ordering = ("-number",)


class CourseVersionList(ListModelMixin, ApiView):
    """The versions of a course."""

    serializer_class = CourseVersionSerializer
    pagination_class = VersionPages

    def get_queryset(self) -> QuerySet[CourseVersion]:
        """Return the course's versions without their bundles. Raises: Http404."""
        course = get_object_or_404(Course, uuid=self.kwargs["uuid"])
        versions = CourseVersion.objects.defer("bundle_gz").select_related("created_by")
        return versions.filter(course=course)

    @extend_schema(operation_id="course_versions_list", tags=["courses"])
    def get(self, request: Request, uuid: UUID) -> Response:
        """List the versions of a course, newest first: when, by whom, and what changed."""
        return self.list(request)


def version_found(uuid: UUID, number: int) -> CourseVersion:
    """Return a course's version. Raises: Http404."""
    if number > NUMBER_MOST:
        raise Http404
    versions = CourseVersion.objects.select_related("course")
    return get_object_or_404(versions, course__uuid=uuid, number=number)


class CourseVersionBundle(ApiView):
    """A course as it was."""

    @extend_schema(
        operation_id="course_versions_bundle",
        tags=["courses"],
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Request, uuid: UUID, number: int) -> Response:
        """Export a course as one of its versions was, as a bundle."""
        version = version_found(uuid, number)
        bundle: Any = bundle_unpack(bytes(version.bundle_gz))
        name = f"{version.course.key}-{number}.json"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(bundle, headers=headers)


class CourseVersionRollBack(JobView):
    """The way back to a version."""

    serializer_class = job_serializer = ImportSerializer
    job_address = "api:import"
    scopes = {"POST": Scope.IMPORT}
    writes = {"POST": "api_course_roll_back"}
    object_kind = "course"

    @extend_schema(
        operation_id="course_versions_roll_back",
        tags=["courses"],
        request=None,
        responses={
            202: OpenApiResponse(ImportSerializer, description=ACCEPTED),
            403: problem("403", "Not your scope, or a course that other authors change."),
        },
    )
    def post(self, request: Request, uuid: UUID, number: int) -> Response:
        """Bring a course back to a version, as a new version; a worker does it.

        What was answered meanwhile stays, with what learners saw.
        """
        version = version_found(uuid, number)
        job = roll_back_start(version.course, number, by=caller(request), now=now_utc())
        return self.accepted(job)
