"""Uploads of response logs over the API: a small log, its request, and its worker's work."""

from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from tests.world import World
from tutor.common.clock import now_utc
from tutor.tracing.history_jobs import (
    response_import_run,
)
from tutor.tracing.models import ResponseImport

START = "/api/v1/responses/import/"
HEADER = "learner,timestamp,item,skill,correct\n"
LOG = HEADER + "8,1096470301,a1a,a,0\n8,1096470350,b1a,b,1\n9,1096470301,a1a,a,1\n"


def post(client: APIClient, world: World, text: str | bytes = LOG, **fields: Any) -> Any:
    data = text.encode() if isinstance(text, str) else text
    name = fields.pop("filename", "log.csv")
    given = {"course": "sums", "classroom": str(world.classroom.uuid)} | fields
    return client.post(START, {"file": SimpleUploadedFile(name, data), **given})


def finish(answer: Any) -> ResponseImport:
    """Do the worker's work of an accepted job."""
    assert answer.status_code == 202, answer.content
    assert response_import_run(answer.json()["uuid"], clock=now_utc)
    return ResponseImport.objects.get(uuid=answer.json()["uuid"])
