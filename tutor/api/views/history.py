"""Imports of response logs: a log goes in, a worker carries it out, the job tells how it goes."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.parsers import MultiPartParser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from tutor.accounts.models import Scope
from tutor.api.history_serializers import (
    REFUSED_EXAMPLE,
    ResponseImportDetailSerializer,
    ResponseImportFileForm,
    ResponseImportForm,
    ResponseImportSerializer,
)
from tutor.api.http import caller
from tutor.api.openapi import problem
from tutor.api.paging import NewestPages
from tutor.api.problems import FieldsRefusedError
from tutor.api.renderers import CsvRenderer
from tutor.api.uploads import CsvFileParser, GzipFileParser, TsvFileParser
from tutor.api.views.jobs import ACCEPTED, JobView
from tutor.common.clock import now_utc
from tutor.roster.selectors import classrooms_of_teacher
from tutor.tracing.history_jobs import response_import_apply, response_import_create
from tutor.tracing.history_reach import response_imports_of
from tutor.tracing.models import ResponseImport

# A body of nothing is no log.
LOG: dict[str, Any] = {"type": "string", "minLength": 1}


class ResponseImportView(JobView):
    """Imports that the caller may see: their own; an administrator all."""

    serializer_class = job_serializer = ResponseImportSerializer
    job_address = "api:response_import"
    pagination_class = NewestPages
    scopes = {"GET": Scope.READ, "POST": Scope.IMPORT}
    object_kind = "response_import"

    def get_queryset(self) -> QuerySet[ResponseImport]:
        """Return the imports in the caller's reach."""
        return response_imports_of(caller(self.request))


class ResponseImportList(ListModelMixin, ResponseImportView):
    """The imports of logs."""

    @extend_schema(operation_id="response_imports_list", tags=["responses"])
    def get(self, request: Request) -> Response:
        """List imports of response logs, newest first: your own; an administrator gets all."""
        return self.list(request)


class ResponseImportStart(ResponseImportView):
    """A new import of a log."""

    parser_classes = (MultiPartParser, CsvFileParser, TsvFileParser, GzipFileParser)
    scopes = {"POST": Scope.IMPORT}
    writes = {"POST": "api_response_import_create"}

    @extend_schema(
        operation_id="response_imports_create",
        tags=["responses"],
        parameters=[ResponseImportForm],
        request={
            "multipart/form-data": ResponseImportFileForm,
            "text/csv": LOG,
            "text/tab-separated-values": LOG,
            "application/gzip": LOG | {"format": "binary"},
        },
        responses={
            202: OpenApiResponse(ResponseImportSerializer, description=ACCEPTED),
            411: problem("411"),
            422: problem("422", "No such course or class of yours, or a mapping that is none."),
        },
    )
    def post(self, request: Request) -> Response:
        """Import a response log: as a form's `file`, or as the body with the rest in the address.

        Formats: a Stepwise export, our normalised CSV, ASSISTments, DataShop (steps or
        transactions). A worker checks all of it before anything is written; what is wrong is told
        by the job, row by row. The same log twice adds nothing.
        """
        return self.upload_taken(request, self._start)

    def _start(self, given: dict[str, Any]) -> ResponseImport:
        asked = ResponseImportFileForm(data=given)
        asked.is_valid(raise_exception=True)
        wanted = asked.validated_data
        classroom = None
        if wanted.get("classroom"):
            own = classrooms_of_teacher(caller(self.request))
            classroom = own.filter(uuid=wanted["classroom"]).first()
            if classroom is None:
                raise FieldsRefusedError(
                    {"classroom": [f"You teach no class {wanted['classroom']}."]}
                )
        return response_import_create(
            wanted["file"],
            course_key=wanted["course"],
            options=asked.options(),
            mapping=asked.mapping_said(),
            is_creating_content=wanted["create_content"],
            classroom=classroom,
            by=caller(self.request),
            is_dry_run=wanted["dry_run"],
            now=now_utc(),
        )


class ResponseImportDetail(RetrieveModelMixin, ResponseImportView):
    """One import of a log."""

    serializer_class = ResponseImportDetailSerializer
    lookup_field = "uuid"

    @extend_schema(
        operation_id="response_imports_read", tags=["responses"], examples=[REFUSED_EXAMPLE]
    )
    def get(self, request: Request, uuid: UUID) -> Response:
        """Read how an import goes, and its counts, errors and notes once it has ended."""
        return self.retrieve(request, uuid)


class ResponseImportErrors(ResponseImportView):
    """An import's errors as a table."""

    renderer_classes = (CsvRenderer, JSONRenderer)

    @extend_schema(
        operation_id="response_imports_errors",
        tags=["responses"],
        responses={(200, "text/csv"): OpenApiTypes.STR},
    )
    def get(self, request: Request, uuid: UUID) -> Response:
        """Read the errors as CSV, a row each; no cell runs as a formula."""
        return self.errors_table(uuid)


class ResponseImportApply(ResponseImportView):
    """The step from a dry run to the import."""

    scopes = {"POST": Scope.IMPORT}
    writes = {"POST": "api_response_import_apply"}

    @extend_schema(
        operation_id="response_imports_apply",
        tags=["responses"],
        request=None,
        responses={
            202: OpenApiResponse(ResponseImportSerializer, description=ACCEPTED),
            409: problem("409", "No dry run that went through."),
            422: problem("422", "Its file is no longer kept."),
        },
    )
    def post(self, request: Request, uuid: UUID) -> Response:
        """Carry out a dry run that went through, on the same file."""
        job = response_import_apply(self.job_of(uuid), by=caller(request), now=now_utc())
        return self.accepted(job)
