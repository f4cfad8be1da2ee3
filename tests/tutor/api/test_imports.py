"""Importing over the API: from the file to the result."""

import csv
import io
import json
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from tests.tutor.api.conftest import ApiOf
from tests.world import World
from tutor.accounts.models import AuditEvent, Scope
from tutor.common.clock import now_utc
from tutor.common.tables import cell_safe
from tutor.content.jobs import import_job_run
from tutor.content.models import Course, ImportJob

LIST = "/api/v1/imports/"


def bundle_make(key: str = "tiny", **other: Any) -> dict[str, Any]:
    """A course of one skill, one lesson and one problem."""
    return {
        "format": "stepwise-bundle",
        "format_version": 1,
        "course": {"id": key, "title": "Tiny"},
        "skills": [{"id": "s", "title": "A skill"}],
        "prerequisites": [],
        "lessons": [{"id": "l", "title": "A lesson", "skills": ["s"]}],
        "problems": [
            {
                "id": "p",
                "lesson": "l",
                "title": "Sum",
                "body": "Add.",
                "steps": [
                    {
                        "id": "p1",
                        "prompt": "3 + 4?",
                        "skills": ["s"],
                        "answer": {"kind": "number", "value": "7"},
                    }
                ],
            }
        ],
    } | other


@pytest.fixture
def importer(world: World, api_of: ApiOf) -> APIClient:
    """tess with a token that reads and imports."""
    return api_of(world.tess, Scope.READ, Scope.IMPORT)


def post(client: APIClient, body: object, query: str = "") -> Any:
    return client.post(LIST + query, json.dumps(body), content_type="application/json")


def finish(answer: Any) -> ImportJob:
    """Do the worker's work of an accepted job."""
    assert answer.status_code == 202, answer.content
    import_job_run(answer.json()["uuid"], clock=now_utc)
    return ImportJob.objects.get(uuid=answer.json()["uuid"])


def test_a_json_body_is_imported(importer: APIClient) -> None:
    answer = post(importer, bundle_make())
    assert answer.json()["status"] == "queued"
    assert answer.json()["is_dry_run"] is False
    finish(answer)
    detail = importer.get(answer.headers["Location"]).json()
    assert (detail["status"], detail["progress"], detail["errors"]) == ("done", 1.0, [])
    assert detail["course"] == str(Course.objects.get(key="tiny").uuid)


def test_a_forms_file_is_imported(importer: APIClient) -> None:
    file = SimpleUploadedFile("tiny.json", json.dumps(bundle_make()).encode())
    answer = importer.post(LIST, {"file": file, "format": "bundle", "dry_run": "true"})
    job = finish(answer)
    assert (job.filename, job.format, job.is_dry_run, job.status) == (
        "tiny.json",
        "bundle",
        True,
        "done",
    )
    assert not Course.objects.filter(key="tiny").exists()


def test_a_dry_run_can_be_applied_once_it_went_through(importer: APIClient) -> None:
    answer = post(importer, bundle_make(), "?dry_run=true")
    target = f"{LIST}{answer.json()['uuid']}/apply/"
    early = importer.post(target)
    assert (early.status_code, early.json()["code"]) == (409, "import_not_clean")
    finish(answer)
    finish(importer.post(target))
    assert Course.objects.filter(key="tiny").exists()


def test_export_then_import_changes_nothing(importer: APIClient) -> None:
    finish(post(importer, bundle_make()))
    course = Course.objects.get(key="tiny")
    bundle = importer.get(f"/api/v1/courses/{course.uuid}/bundle/").json()
    job = finish(post(importer, bundle))
    assert job.status == "done", job.errors
    assert Course.objects.get(key="tiny").version_number == course.version_number


def test_errors_come_as_json_and_as_csv_that_runs_nothing(importer: APIClient) -> None:
    broken = bundle_make(lessons=[{"id": "l", "title": "A lesson", "skills": ["=cmd()"]}])
    answer = post(importer, broken)
    job = finish(answer)
    assert job.status == "refused"
    detail = importer.get(answer.headers["Location"]).json()
    row = next(row for row in detail["errors"] if "=cmd()" in row["value"])
    assert row["pointer"].startswith("/lessons/0")
    sent = importer.get(f"{LIST}{job.uuid}/errors.csv", headers={"Accept": "text/csv"})
    assert sent.headers["Content-Type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(sent.content.decode())))
    assert len(rows) == len(detail["errors"])
    assert not [cell for each in rows for cell in each.values() if cell.startswith("=")]


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff\xfe", b'{"format": "x"}'])
def test_a_body_that_is_no_bundle_ends_refused(importer: APIClient, body: bytes) -> None:
    job = finish(importer.post(LIST, body, content_type="application/json"))
    assert job.status == "refused"
    assert job.errors


@pytest.mark.parametrize(
    ("query", "pointer"),
    [("?format=pdf", "/format"), ("?course=7", "/course"), ("?dry_run=perhaps", "/dry_run")],
)
def test_a_field_that_cannot_be_used_is_named(
    importer: APIClient, query: str, pointer: str
) -> None:
    answer = post(importer, bundle_make(), query)
    assert answer.status_code == 400
    assert [row["pointer"] for row in answer.json()["errors"]] == [pointer]
    assert not ImportJob.objects.exists()


def test_an_unknown_course_is_named(importer: APIClient) -> None:
    answer = post(importer, bundle_make(), f"?course={uuid4()}")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/course"


def test_a_graph_without_course_is_refused(importer: APIClient) -> None:
    answer = post(importer, {"nodes": [], "edges": []}, "?format=graph")
    assert (answer.status_code, answer.json()["code"]) == (422, "course_missing")


@pytest.mark.parametrize("content_type", ["application/json", "multipart/form-data; boundary=b"])
def test_no_file_is_refused(importer: APIClient, content_type: str) -> None:
    answer = importer.post(LIST, b"", content_type=content_type)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "/file"


def test_another_kind_of_body_is_refused(importer: APIClient) -> None:
    answer = importer.post(LIST, b"<x/>", content_type="application/xml")
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


def test_too_large_a_body_is_refused(importer: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "MAX_UPLOAD_BYTES", 10)
    answer = post(importer, bundle_make())
    assert (answer.status_code, answer.json()["code"]) == (413, "upload_too_large")


def test_a_body_of_unknown_length_is_refused(importer: APIClient) -> None:
    environ = {"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": ""}
    answer = importer.post(LIST, b"{}", content_type="application/json", **environ)
    assert (answer.status_code, answer.json()["code"]) == (411, "length_required")


def test_reading_needs_no_import_scope_and_importing_does(
    world: World, api_of: ApiOf, importer: APIClient
) -> None:
    answer = post(importer, bundle_make())
    reader = api_of(world.tess, Scope.READ)
    assert reader.get(answer.headers["Location"]).status_code == 200
    refused = post(reader, bundle_make())
    assert refused.status_code == 403
    assert "'import'" in refused.json()["detail"]


def test_imports_of_others_are_not_found(world: World, api_of: ApiOf, importer: APIClient) -> None:
    where = post(importer, bundle_make()).headers["Location"]
    stranger = api_of(world.zoe, Scope.READ, Scope.IMPORT)
    assert stranger.get(where).status_code == 404
    assert stranger.get(f"{where}errors.csv").status_code == 404
    assert stranger.post(f"{where}apply/").status_code == 404
    assert stranger.get(LIST).json()["results"] == []
    root = api_of(world.root)
    assert root.get(where).status_code == 200
    assert len(root.get(LIST).json()["results"]) == 1


def test_writes_are_in_the_audit_log_with_their_token(world: World, importer: APIClient) -> None:
    answer = post(importer, bundle_make())
    event = AuditEvent.objects.get(action="api_import_create")
    assert (event.actor, event.object_id) == (world.tess, answer.json()["uuid"])
    assert event.detail["token"].startswith("sw_")


@pytest.mark.parametrize(
    "text", ["=1", "+1", "-1", "@a", "\tx", " =1", "\u200b=1", "\ufeff+1", "\u00a0@a", "＝1"]
)
def test_cells_that_would_run_are_defused(text: str) -> None:
    assert cell_safe(text) == f"'{text}"


@pytest.mark.parametrize("value", ["", "Ada", "a=b", -1, 0.5, None])
def test_other_cells_stay_as_they_are(value: str | float | None) -> None:
    assert cell_safe(value) == value


def test_a_partial_import_leaves_out_what_is_faulty(importer: APIClient) -> None:
    bundle = bundle_make()
    bundle["problems"].append(bundle["problems"][0] | {"id": "faulty", "lesson": "gone"})
    job = finish(post(importer, bundle, "?partial=true"))
    assert (job.status, job.is_partial) == ("done", True)
    assert [note for note in job.notes if "problem 'faulty' was left out" in note]


def test_a_graph_for_the_course_of_another_author_is_forbidden(
    importer: APIClient, api_of: ApiOf, world: World
) -> None:
    world.course.authors.add(world.zoe)
    graph = {"nodes": [{"id": "a"}], "edges": []}
    reply = post(importer, graph, f"?format=graph&course={world.course.uuid}")
    assert (reply.status_code, reply.json()["code"]) == (403, "not_an_author")
    assert not ImportJob.objects.exists()
    world.course.authors.add(world.tess)
    reply = post(importer, graph, f"?format=graph&course={world.course.uuid}")
    assert reply.status_code == 202
