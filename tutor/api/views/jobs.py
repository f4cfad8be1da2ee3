"""What imports of both kinds share here: an upload is taken on, watched, listed, and applied."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from django.core.files.uploadedfile import SimpleUploadedFile, UploadedFile
from django.shortcuts import get_object_or_404
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.serializers import BaseSerializer

from tutor.api.http import ApiView
from tutor.api.uploads import upload_size_check
from tutor.common.tables import csv_text
from tutor.content.models import UploadJob

ERROR_COLUMNS = ("severity", "pointer", "field", "value", "expected", "message")
ACCEPTED = "Taken on; Location says where to watch it."


class JobView(ApiView):
    """Imports that the caller may see."""

    # What shows a job that was taken on, and where it is watched.
    job_serializer: type[BaseSerializer[Any]]
    job_address: str

    def job_of(self, uuid: UUID) -> Any:
        """Return a job in the caller's reach. Raises: Http404."""
        return get_object_or_404(self.get_queryset(), uuid=uuid)

    def accepted(self, job: UploadJob) -> Response:
        """Answer that a job was taken on, and where to watch it."""
        where = reverse(self.job_address, args=[job.uuid], request=self.request)
        return Response(
            self.job_serializer(job).data,
            status=status.HTTP_202_ACCEPTED,
            headers={"Location": where, "Retry-After": "1"},
        )

    def upload_taken(
        self, request: Request, start: Callable[[dict[str, Any]], UploadJob]
    ) -> Response:
        """Start a job on what a form or the whole body says, and close the body's file after."""
        upload_size_check(request)
        body: Any = request.data
        given: dict[str, Any] = dict(request.query_params.items())
        try:
            given |= {"file": body} if isinstance(body, UploadedFile) else form_values(body)
            return self.accepted(start(given))
        finally:
            if isinstance(body, UploadedFile):
                body.close()

    def errors_table(self, uuid: UUID) -> Response:
        """Return a job's errors as CSV, a row each."""
        job = self.job_of(uuid)
        rows = [[str(row.get(name, "")) for name in ERROR_COLUMNS] for row in job.errors]
        headers = {"Content-Disposition": f'attachment; filename="import-{job.uuid}-errors.csv"'}
        return Response(csv_text(ERROR_COLUMNS, rows), content_type="text/csv", headers=headers)


def form_values(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a form says; a file that was sent as a plain field is a file, too."""
    given = {name: value for name, value in body.items() if value != "" or name == "file"}
    if isinstance(given.get("file"), str):
        given["file"] = SimpleUploadedFile("upload", given["file"].encode())
    return given
