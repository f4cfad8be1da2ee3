"""Imports of response logs: a log goes in, a worker carries it out, the job tells how it goes."""

from typing import Any
from uuid import UUID

from django.core.files.uploadedfile import UploadedFile
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.parsers import MultiPartParser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from tutor.accounts.models import Scope
from tutor.api.history_serializers import (
    REFUSED_EXAMPLE,
    ResponseImportDetailSerializer,
    ResponseImportFileForm,
    ResponseImportForm,
    ResponseImportSerializer,
)
from tutor.api.http import ApiView, caller
from tutor.api.openapi import problem
from tutor.api.paging import NewestPages
from tutor.api.problems import FieldsRefusedError
from tutor.api.renderers import CsvRenderer
from tutor.api.uploads import CsvFileParser, GzipFileParser, TsvFileParser, upload_size_check
from tutor.api.views.imports import ERROR_COLUMNS, form_values
from tutor.common.clock import now_utc
from tutor.common.tables import csv_text
from tutor.roster.selectors import classrooms_of_teacher
from tutor.tracing.history_jobs import response_import_apply, response_import_create
from tutor.tracing.history_reach import response_imports_of
from tutor.tracing.models import ResponseImport

# A body of nothing is no log.
LOG: dict[str, Any] = {"type": "string", "minLength": 1}
ACCEPTED = "Taken on; Location says where to watch it."


class ResponseImportView(ApiView):
    """Imports that the caller may see: their own; an administrator all."""

    serializer_class = ResponseImportSerializer
    pagination_class = NewestPages
    scopes = {"GET": Scope.READ, "POST": Scope.IMPORT}
    object_kind = "response_import"

    def get_queryset(self) -> QuerySet[ResponseImport]:
        """Return the imports in the caller's reach."""
        return response_imports_of(caller(self.request))


def job_accepted(request: Request, job: ResponseImport) -> Response:
    """Answer that a job was taken on, and where to watch it."""
    where = reverse("api:response_import", args=[job.uuid], request=request)
    return Response(
        ResponseImportSerializer(job).data,
        status=status.HTTP_202_ACCEPTED,
        headers={"Location": where, "Retry-After": "1"},
    )


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
        upload_size_check(request)
        body: Any = request.data
        try:
            return self._create(request, body)
        finally:
            if isinstance(body, UploadedFile):
                body.close()

    def _create(self, request: Request, body: Any) -> Response:
        given: dict[str, Any] = dict(request.query_params.items())
        if isinstance(body, UploadedFile):
            given["file"] = body
        else:
            given |= form_values(body)
        asked = ResponseImportFileForm(data=given)
        asked.is_valid(raise_exception=True)
        wanted = asked.validated_data
        classroom = None
        if wanted.get("classroom"):
            own = classrooms_of_teacher(caller(request))
            classroom = own.filter(uuid=wanted["classroom"]).first()
            if classroom is None:
                raise FieldsRefusedError(
                    {"classroom": [f"You teach no class {wanted['classroom']}."]}
                )
        job = response_import_create(
            wanted["file"],
            course_key=wanted["course"],
            options=asked.options(),
            mapping=asked.mapping_said(),
            is_creating_content=wanted["create_content"],
            classroom=classroom,
            by=caller(request),
            is_dry_run=wanted["dry_run"],
            now=now_utc(),
        )
        return job_accepted(request, job)


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
        job = get_object_or_404(self.get_queryset(), uuid=uuid)
        rows = [[str(row.get(name, "")) for name in ERROR_COLUMNS] for row in job.errors]
        headers = {"Content-Disposition": f'attachment; filename="import-{job.uuid}-errors.csv"'}
        return Response(csv_text(ERROR_COLUMNS, rows), content_type="text/csv", headers=headers)


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
        job = get_object_or_404(self.get_queryset(), uuid=uuid)
        applied = response_import_apply(job, by=caller(request), now=now_utc())
        return job_accepted(request, applied)
