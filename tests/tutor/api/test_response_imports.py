"""Importing response logs over the API: from the file to histories, or to what is wrong."""

import csv
import io
import json
from datetime import datetime, timedelta

import pytest
from django.conf import settings
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from tests.tutor.api.conftest import ApiOf
from tests.tutor.api.log_uploads import HEADER, LOG, START, finish, post
from tests.world import World
from tutor.accounts.models import AuditEvent, Role, Scope
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

LIST = "/api/v1/responses/imports/"


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
