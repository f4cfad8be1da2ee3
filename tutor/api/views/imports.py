"""Imports: a file goes in, a worker carries it out, the job tells how it goes."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.parsers import MultiPartParser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from tutor.accounts.models import Scope
from tutor.api.http import caller
from tutor.api.import_serializers import (
    DONE_EXAMPLE,
    ImportDetailSerializer,
    ImportFormSerializer,
    ImportSerializer,
)
from tutor.api.openapi import problem
from tutor.api.paging import NewestMadePages
from tutor.api.problems import FieldsRefusedError
from tutor.api.renderers import CsvRenderer
from tutor.api.uploads import JsonFileParser, ZipFileParser
from tutor.api.views.jobs import ACCEPTED, JobView
from tutor.common.clock import now_utc
from tutor.content.jobs import import_job_apply, import_job_create
from tutor.content.models import Course, ImportFormat, ImportJob

ASKED_PARAMETERS = [
    OpenApiParameter("format", str, enum=ImportFormat.values, description="Default: auto."),
    OpenApiParameter("course", OpenApiTypes.UUID, description="The course that a graph goes to."),
    OpenApiParameter("dry_run", bool, description="Only say what would change."),
    OpenApiParameter("partial", bool, description="Leave out problems that have errors."),
]


class ImportView(JobView):
    """Imports that the caller may see: their own; an administrator all."""

    serializer_class = job_serializer = ImportSerializer
    job_address = "api:import"
    pagination_class = NewestMadePages
    scopes = {"GET": Scope.READ, "POST": Scope.IMPORT}
    object_kind = "import"

    def get_queryset(self) -> QuerySet[ImportJob]:
        """Return the imports in the caller's reach."""
        person = caller(self.request)
        jobs = ImportJob.objects.select_related("course")
        return jobs if person.is_administrator else jobs.filter(created_by=person)


class ImportList(ListModelMixin, ImportView):
    """The imports, and a new one."""

    parser_classes = (MultiPartParser, JsonFileParser, ZipFileParser)
    writes = {"POST": "api_import_create"}

    @extend_schema(operation_id="imports_list")
    def get(self, request: Request) -> Response:
        """List imports, newest first: your own; an administrator gets all."""
        return self.list(request)

    @extend_schema(
        operation_id="imports_create",
        parameters=ASKED_PARAMETERS,
        request={
            "multipart/form-data": ImportFormSerializer,
            "application/json": OpenApiTypes.OBJECT,
            "application/zip": OpenApiTypes.BINARY,
        },
        responses={
            202: OpenApiResponse(ImportSerializer, description=ACCEPTED),
            403: problem("403", "Not your scope, or a course that other authors change."),
            411: problem("411"),
            422: problem("422", "A graph without a course."),
        },
    )
    def post(self, request: Request) -> Response:
        """Import a file: as a form's `file`, or as the request's whole body (JSON or zip).

        The file is checked by a worker: what is wrong with it is told by the job, all of it at
        once, and then nothing is changed. The same content twice changes nothing.
        """
        return self.upload_taken(request, self._start)

    def _start(self, given: dict[str, Any]) -> ImportJob:
        asked = ImportFormSerializer(data=given)
        asked.is_valid(raise_exception=True)
        wanted = asked.validated_data
        course = None
        if wanted.get("course"):
            course = Course.objects.filter(uuid=wanted["course"]).first()
            if course is None:
                raise FieldsRefusedError({"course": [f"There is no course {wanted['course']}."]})
        return import_job_create(
            wanted["file"],
            by=caller(self.request),
            format=wanted["format"],
            course=course,
            is_dry_run=wanted["dry_run"],
            is_partial=wanted["partial"],
            now=now_utc(),
        )


class ImportDetail(RetrieveModelMixin, ImportView):
    """One import."""

    serializer_class = ImportDetailSerializer
    lookup_field = "uuid"

    @extend_schema(operation_id="imports_read", examples=[DONE_EXAMPLE])
    def get(self, request: Request, uuid: UUID) -> Response:
        """Read how an import goes, and its result, errors and notes once it has ended."""
        return self.retrieve(request, uuid)


class ImportErrors(ImportView):
    """An import's errors as a table."""

    renderer_classes = (CsvRenderer, JSONRenderer)

    @extend_schema(operation_id="imports_errors", responses={(200, "text/csv"): OpenApiTypes.STR})
    def get(self, request: Request, uuid: UUID) -> Response:
        """Read the errors and warnings as CSV, a row each; no cell runs as a formula."""
        return self.errors_table(uuid)


class ImportApply(ImportView):
    """The step from a dry run to the import."""

    writes = {"POST": "api_import_apply"}

    @extend_schema(
        operation_id="imports_apply",
        request=None,
        responses={
            202: OpenApiResponse(ImportSerializer, description=ACCEPTED),
            409: problem("409", "No dry run that went through."),
        },
    )
    def post(self, request: Request, uuid: UUID) -> Response:
        """Carry out a dry run that went through, on the same file."""
        job = import_job_apply(self.job_of(uuid), by=caller(request), now=now_utc())
        return self.accepted(job)
