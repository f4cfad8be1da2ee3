"""Importing response logs over the API: from the file to histories, or to what is wrong."""

import csv
import gzip
import io
import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from tests.tutor.api.conftest import ApiOf
from tests.world import World
from tutor.accounts.models import AuditEvent, Role, Scope, User
from tutor.common.clock import now_utc
from tutor.content.models import Course
from tutor.responses.models import Response
from tutor.roster.models import Enrolment
from tutor.roster.services import classroom_create
from tutor.tracing.history_jobs import (
    KEPT,
    response_import_run,
    response_imports_reap,
    uploads_clear,
)
from tutor.tracing.models import ResponseImport

START = "/api/v1/responses/import/"
LIST = "/api/v1/responses/imports/"
HEADER = "learner,timestamp,item,skill,correct\n"
LOG = HEADER + "8,1096470301,a1a,a,0\n8,1096470350,b1a,b,1\n9,1096470301,a1a,a,1\n"
DATASHOP = (
    "Anon Student Id\tTime\tProblem Name\tStep Name\tAttempt At Step\tOutcome\tKC (x)\tKC (x)\n"
    "s1\t2005-09-09 12:24:35.0\tp\ta1a\t1\tHINT\ta\t\n"
    "s1\t2005-09-09 12:24:45.0\tp\ta1a\t2\tCORRECT\ta\t\n"
    "s1\t2005-09-09 12:25:35.0\tp\tb1a\t1\tCORRECT\ta\tb\n"
    "s1\t2005-09-09 12:26:00.0\t\t\t\t\t\t\n"
)


@pytest.fixture
def importer(world: World, api_of: ApiOf) -> APIClient:
    """tess with a token that reads and imports."""
    return api_of(world.tess, Scope.READ, Scope.IMPORT)


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


def test_a_log_becomes_a_classes_history(world: World, importer: APIClient) -> None:
    answer = post(importer, world)
    job = finish(answer)
    assert job.status == "done", job.errors
    detail = importer.get(answer.headers["Location"]).json()
    assert (detail["status"], detail["progress"], detail["errors"]) == ("done", 1.0, [])
    assert (detail["result"]["n_new"], detail["result"]["n_enrolled"]) == (3, 2)
    assert Response.objects.filter(source="imported").count() == 3
    assert Enrolment.objects.filter(classroom=world.classroom, left_at=None).count() == 4
    assert AuditEvent.objects.filter(action="api_response_import_create").count() == 1
    assert AuditEvent.objects.get(action="responses_import").actor == world.tess


def test_the_same_log_twice_adds_nothing(world: World, importer: APIClient) -> None:
    finish(post(importer, world))
    again = finish(post(importer, world))
    assert (again.result["n_new"], again.result["n_known"]) == (0, 3)
    assert Response.objects.count() == 3


def test_a_dry_run_writes_nothing_and_is_applied_on_the_same_file(
    world: World, importer: APIClient
) -> None:
    answer = post(importer, world, dry_run="true")
    target = f"{LIST}{answer.json()['uuid']}/apply/"
    early = importer.post(target)
    assert (early.status_code, early.json()["code"]) == (409, "import_not_clean")
    dry = finish(answer)
    assert (dry.result["n_new"], Response.objects.count()) == (3, 0)
    applied = finish(importer.post(target))
    assert (applied.result["n_new"], Response.objects.count()) == (3, 3)
    # The log names learners: it is kept no longer than it is needed.
    assert not default_storage.exists(dry.file.name)
    late = importer.post(target)
    assert (late.status_code, late.json()["code"]) == (422, "upload_gone")


def test_a_mapping_gives_history_to_accounts_that_are_there(
    world: World, importer: APIClient
) -> None:
    text = HEADER + "8,1096470301,X-1,K1,0\n9,1096470301,X-1,K1,1\n"
    mapping = {"learners": {"8": "ADA"}, "items": {"X-1": "a1a"}, "skills": {"K1": "a", "K2": "b"}}
    job = finish(post(importer, world, text, mapping=json.dumps(mapping)))
    assert job.status == "done", job.errors
    (response,) = Response.objects.filter(learner=world.ada)
    assert (response.step.key, response.skill_ids) == ("a1a", [world.skills["a"].pk])
    assert job.result["n_accounts_new"] == 1
    assert job.notes == [
        "The mapping of skills names 1 ids that the log does not have, such as 'K2'."
    ]


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ("{", "expected JSON"),
        ("[]", "expected an object"),
        ('{"learner": {}}', "expected one of learners, items, skills"),
        ('{"items": {"x": 3}}', "/items/x"),
        (r'{"items": {"x\u0000": "a1a"}}', "expected a text"),
        (r'{"learners": {"x": "\ud800"}}', "/learners/x"),
    ],
)
def test_a_mapping_that_is_none_is_refused_at_once(
    world: World, importer: APIClient, mapping: str, words: str
) -> None:
    answer = post(importer, world, mapping=mapping)
    assert (answer.status_code, answer.json()["code"]) == (422, "mapping_refused")
    assert words in answer.json()["detail"]
    assert not ResponseImport.objects.exists()


@pytest.mark.parametrize("name", ["zed", "tess", "nobody"])
def test_a_mapping_to_somebody_elses_learner_is_refused(
    world: World, importer: APIClient, name: str
) -> None:
    job = finish(post(importer, world, mapping=json.dumps({"learners": {"8": name}})))
    assert (job.status, job.result["code"]) == ("refused", "mapping_refused")
    assert job.errors[0]["pointer"] == "mapping:/learners/8"
    assert not Response.objects.exists()


def test_a_mapping_to_content_that_is_not_there_makes_none(
    world: World, api_of: ApiOf, importer: APIClient
) -> None:
    mapping = json.dumps({"items": {"a1a": "typo"}})
    job = finish(post(importer, world, mapping=mapping, create_content="true"))
    assert (job.status, job.result["code"]) == ("refused", "unknown_content")
    assert "no step 'typo'" in job.errors[0]["message"]


def test_every_row_that_cannot_be_read_is_listed_by_line(world: World, importer: APIClient) -> None:
    text = LOG + "8,13/09/2020,a1a,a,1\n8,1096470400,a1a,a,yes\n,1096470400,a1a,a,1\n8,1\n"
    answer = post(importer, world, text, filename="../../=autumn.csv")
    job = finish(answer)
    assert job.status == "refused"
    places = [(row["pointer"].rpartition(":")[2], row["field"]) for row in job.errors]
    assert places == [("5", "timestamp"), ("6", "correct"), ("7", "learner"), ("8", "")]
    assert job.errors[0]["value"] == "13/09/2020"
    assert not Response.objects.exists()
    sent = importer.get(f"{LIST}{job.uuid}/errors.csv", headers={"Accept": "text/csv"})
    rows = list(csv.DictReader(io.StringIO(sent.content.decode())))
    assert len(rows) == 4
    assert not [cell for row in rows for cell in row.values() if cell.startswith("=")]


def test_content_that_the_course_lacks_is_listed(world: World, importer: APIClient) -> None:
    job = finish(post(importer, world, HEADER + "8,1096470301,nowhere,unheard,0\n"))
    assert [(row["pointer"], row["field"], row["value"]) for row in job.errors] == [
        ("row 0", "item", "nowhere"),
        ("row 0", "skill", "unheard"),
    ]


@pytest.mark.parametrize("kind", ["form", "body"])
def test_datashop_transactions_count_first_attempts(
    world: World, importer: APIClient, kind: str
) -> None:
    fields = {"mapping": json.dumps({"items": {"p::a1a": "a1a", "p::b1a": "b1a"}})}
    if kind == "form":
        answer = post(importer, world, DATASHOP, format="datashop", **fields)
    else:
        query = {"course": "sums", "classroom": str(world.classroom.uuid), **fields}
        answer = importer.generic(
            "POST",
            START,
            DATASHOP,
            content_type="text/tab-separated-values",
            query_params=query,
        )
    job = finish(answer)
    assert job.status == "done", job.errors
    rows = Response.objects.order_by("answered_at").values_list("step__key", "is_correct")
    assert list(rows) == [("a1a", False), ("b1a", True)]
    two = Response.objects.get(step__key="b1a")
    assert two.skill_ids == sorted([world.skills["a"].pk, world.skills["b"].pk])
    assert [note.partition(": ")[2] for note in job.notes] == [
        "1 rows that are no first answers, left out",
        "1 rows without an attempt or an outcome, left out",
    ]


BROKEN = {
    "Latin-1": (HEADER.encode() + "andré,1096470301,a1a,a,0\n".encode("latin-1"), "utf-8"),
    "UTF-16": (LOG.encode("utf-16"), "utf-8"),
    "empty": (b"\n", "first line is empty"),
    "another header": (b"a,b\n1,2\n", "no known format"),
    "a gzip that ends early": (gzip.compress(LOG.encode())[:-9], "cannot be read"),
    "a gzip of noise": (b"\x1f\x8b" + b"\x00" * 40, "cannot be read"),
    "a cell of 10 MB": (HEADER.encode() + b"8,1," + b"x" * 10_000_000 + b",a,1\n", "characters"),
    "a header of 10 MB": (b"learner," * 1_250_000, "no known format"),
    "a quote that stays open": (LOG.encode() + b'8,"' + b"1096470301,a1a,a,1\n" * 90_000, "quotes"),
    "a null character": (HEADER.encode() + b"8\x00,1096470301,a1a,a,1\n", "null"),
    "an id of 2,000 letters": (
        HEADER.encode() + b"8,1096470301," + b"x" * 2000 + b",a,1\n",
        "1,000",
    ),
    "truncated in a row": (LOG.encode()[:-8], "cells"),
    "days first": (HEADER.encode() + b"8,13.09.2020,a1a,a,1\n", "year first"),
    "months first": (HEADER.encode() + b"8,09/13/2020 1:05 PM,a1a,a,1\n", "year first"),
    "months in words": (HEADER.encode() + b'8,"Sep 13, 2020",a1a,a,1\n', "year first"),
    "the year 2100": (HEADER.encode() + b"8,4102444800,a1a,a,1\n", "until now"),
    "infinite": (HEADER.encode() + b"8,1e999,a1a,a,1\n", "a number"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_log_ends_in_listed_errors_and_changes_nothing(
    world: World, importer: APIClient, name: str
) -> None:
    content, words = BROKEN[name]
    before = User.objects.count()
    job = finish(post(importer, world, content))
    assert job.status == "refused"
    assert words in job.result["message"]
    assert job.errors
    assert all(row["message"] for row in job.errors)
    assert str(settings.MEDIA_ROOT) not in json.dumps(job.errors)
    assert (Response.objects.count(), User.objects.count()) == (0, before)


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + LOG.encode(),
        LOG.replace("\n", "\r\n").encode(),
        gzip.compress(LOG.encode()),
        LOG.replace("correct\n", "correct,unknown\n").encode(),
        LOG.replace("1096470301", "2004-09-29T15:05:01Z")
        .replace("1096470350", "2004/09/29 15:05:50")
        .encode(),
    ],
    ids=["byte order mark", "CRLF", "gzip", "an unknown column", "dates with the year first"],
)
def test_what_is_no_fault_is_read(world: World, importer: APIClient, content: bytes) -> None:
    job = finish(post(importer, world, content))
    assert job.status == "done", job.errors
    assert job.result["first_at"] == "2004-09-29T15:05:01+00:00"


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"course": ""}, "/course"),
        ({"classroom": "7"}, "/classroom"),
        ({"format": "pdf"}, "/format"),
        ({"dry_run": "perhaps"}, "/dry_run"),
        ({"index_minutes": "-1"}, "/index_minutes"),
        ({"start": "29.9.2004"}, "/start"),
    ],
)
def test_a_field_that_cannot_be_used_is_named(
    world: World, importer: APIClient, fields: dict[str, str], pointer: str
) -> None:
    answer = post(importer, world, **fields)
    assert answer.status_code == 400
    assert pointer in [row["pointer"] for row in answer.json()["errors"]]


def test_a_teacher_brings_in_their_own_class_only(
    world: World, api_of: ApiOf, importer: APIClient
) -> None:
    other = post(api_of(world.zoe, Scope.IMPORT), world)
    assert (other.status_code, other.json()["errors"][0]["pointer"]) == (422, "/classroom")
    nobodys = importer.post(START, {"file": SimpleUploadedFile("l.csv", b"x"), "course": "sums"})
    assert (nobodys.status_code, nobodys.json()["code"]) == (422, "class_needed")
    unknown = post(importer, world, course="nowhere", create_content="true")
    assert (unknown.status_code, unknown.json()["code"]) == (422, "unknown_course")


def test_an_administrator_makes_a_course_of_a_log(world: World, api_of: ApiOf) -> None:
    file = SimpleUploadedFile("log.csv", LOG.encode())
    answer = api_of(world.root, Scope.ADMIN).post(
        START, {"file": file, "course": "old", "create_content": "true"}
    )
    job = finish(answer)
    assert job.status == "done", job.errors
    assert Course.objects.get(key="old").steps.count() == 2


def test_what_this_site_exported_is_not_taken_twice(world: World, importer: APIClient) -> None:
    finish(post(importer, world))
    sent = importer.get(
        f"/api/v1/classrooms/{world.classroom.uuid}/responses.csv", headers={"Accept": "text/csv"}
    )
    job = finish(post(importer, world, b"".join(sent.streaming_content)))
    assert (job.status, job.result["code"]) == ("refused", "own_history")
    assert Response.objects.count() == 3


def test_an_export_is_read_where_its_learners_are_new(world: World, importer: APIClient) -> None:
    finish(post(importer, world))
    sent = importer.get(
        f"/api/v1/classrooms/{world.classroom.uuid}/responses.csv", headers={"Accept": "text/csv"}
    )
    table = b"".join(sent.streaming_content)
    rows = set(Response.objects.values_list("step__key", "is_correct", "answered_at"))
    Response.objects.all().delete()
    job = finish(post(importer, world, table))
    assert job.status == "done", job.errors
    assert set(Response.objects.values_list("step__key", "is_correct", "answered_at")) == rows


def test_imports_are_the_callers_own(world: World, api_of: ApiOf, importer: APIClient) -> None:
    uuid = post(importer, world).json()["uuid"]
    assert len(importer.get(LIST).json()["results"]) == 1
    zoe = api_of(world.zoe, Scope.READ, Scope.IMPORT)
    assert zoe.get(LIST).json()["results"] == []
    for page in ("", "errors.csv"):
        assert zoe.get(f"{LIST}{uuid}/{page}").status_code == 404
    assert zoe.post(f"{LIST}{uuid}/apply/").status_code == 404
    assert len(api_of(world.root).get(LIST).json()["results"]) == 1


def test_a_teacher_who_lost_the_class_meanwhile_imports_nothing(
    world: World, importer: APIClient
) -> None:
    answer = post(importer, world)
    world.classroom.teachers.clear()
    job = finish(answer)
    assert (job.status, job.result["code"]) == ("refused", "not_own_class")
    assert not Response.objects.exists()


def test_a_job_whose_worker_died_is_taken_up_and_given_up_after_three(
    world: World, importer: APIClient
) -> None:
    uuid = post(importer, world).json()["uuid"]
    now = now_utc()
    jobs = ResponseImport.objects.filter(uuid=uuid)
    jobs.update(status="running", attempts=1, lease_until=now + timedelta(seconds=40))
    assert not response_import_run(uuid, clock=lambda: now)
    late = now + timedelta(minutes=1)
    assert response_imports_reap(now=late) == 1
    assert response_import_run(uuid, clock=lambda: late)
    assert jobs.get().status == "done"
    jobs.update(status="running", attempts=3, lease_until=now)
    response_imports_reap(now=late)
    assert (jobs.get().status, jobs.get().result["code"]) == ("failed", "broke_off")


def test_the_log_of_a_dry_run_that_nobody_applied_is_deleted(
    world: World, importer: APIClient
) -> None:
    job = finish(post(importer, world, dry_run="true"))
    name = job.file.name
    assert uploads_clear(now=now_utc()) == 0
    assert uploads_clear(now=now_utc() + KEPT + timedelta(hours=1)) == 1
    assert not default_storage.exists(name)


def test_a_body_that_says_it_is_too_large_is_not_read(world: World, importer: APIClient) -> None:
    answer = importer.generic(
        "POST",
        START,
        b"x",
        content_type="text/csv",
        CONTENT_LENGTH=str(settings.MAX_UPLOAD_BYTES + 1),
    )
    assert (answer.status_code, answer.json()["code"]) == (413, "upload_too_large")


def test_ids_of_another_classs_log_bring_nobody_their_learners(
    world: World, api_of: ApiOf, importer: APIClient, now: datetime
) -> None:
    """Ids are small numbers: whoever guesses them must not get the learners of a colleague."""
    finish(post(importer, world))
    theirs = classroom_create(name="Z", course=world.course, teachers=[world.zoe], now=now)
    zoe = api_of(world.zoe, Scope.READ, Scope.IMPORT)
    for is_dry_run in ("true", "false"):
        text = HEADER + "7,1096470301,a1a,a,0\n8,1096480301,a1a,a,0\n"
        job = finish(post(zoe, world, text, classroom=str(theirs.uuid), dry_run=is_dry_run))
        assert (job.status, job.result["code"]) == ("refused", "others_learners")
        assert [row["value"] for row in job.errors] == ["8"]
    assert not theirs.enrolments.exists()
    assert Response.objects.count() == 3
    finish(post(importer, world, text))
    assert Response.objects.count() == 5
    mapping = json.dumps({"learners": {"8": "zed"}})
    theirs.enrolments.create(learner=world.zed, joined_at=now)
    text = HEADER + "70,1096470301,a1a,a,0\n8,1096490301,a1a,a,0\n"
    job = finish(post(zoe, world, text, classroom=str(theirs.uuid), mapping=mapping))
    assert job.status == "done", job.errors
    assert Response.objects.filter(learner=world.zed).count() == 1


def test_a_learner_who_left_is_not_brought_back_by_a_log(
    world: World, importer: APIClient, now: datetime
) -> None:
    finish(post(importer, world))
    eight = Response.objects.filter(source="imported", is_correct=False).get().learner
    assert eight is not None
    Enrolment.objects.filter(learner=eight).update(left_at=now)
    job = finish(post(importer, world))
    assert (job.status, job.result["code"]) == ("refused", "others_learners")


def test_a_job_ends_with_its_owners_role(world: World, importer: APIClient) -> None:
    answer = post(importer, world)
    world.tess.role = Role.LEARNER
    world.tess.save()
    job = finish(answer)
    assert (job.status, job.result["code"]) == ("refused", "not_a_teacher")
    assert not Response.objects.exists()


def test_only_authors_make_content_of_a_log(world: World, importer: APIClient) -> None:
    world.course.authors.add(world.zoe)
    text = HEADER + "8,1096470301,nowhere,a,0\n"
    answer = post(importer, world, text, create_content="true")
    assert (answer.status_code, answer.json()["code"]) == (403, "not_an_author")
    world.course.authors.add(world.tess)
    assert finish(post(importer, world, text, create_content="true")).status == "done"


def test_a_job_that_has_ended_names_nobody(
    world: World, importer: APIClient, now: datetime
) -> None:
    mapping = json.dumps({"learners": {"8": "ada"}})
    dry = finish(post(importer, world, mapping=mapping, dry_run="true"))
    assert dry.mapping["learners"] == {"8": "ada"}
    done = finish(importer.post(f"{LIST}{dry.uuid}/apply/"))
    assert (done.status, done.mapping) == ("done", {})
    assert Response.objects.filter(learner=world.ada).count() == 2
    uploads_clear(now=now_utc() + KEPT + timedelta(days=1))
    dry.refresh_from_db()
    assert dry.mapping == {}
