"""Two at once, and rows that come and go between pages."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from rest_framework.test import APIClient

from tests.tutor.api.conftest import ApiOf
from tests.tutor.api.test_imports import bundle_make
from tests.world import World, course_make, world_make
from tutor.accounts.models import AuditEvent, Scope
from tutor.common.clock import now_utc
from tutor.content.jobs import import_job_run
from tutor.content.models import Course, CourseVersion, ImportJob
from tutor.responses.models import Response
from tutor.tracing.history_jobs import response_import_run
from tutor.tracing.models import ModelVersion, Promotion, ResponseImport

LOG = "learner,timestamp,item,skill,correct\n" + "".join(
    f"{learner},{1096470301 + answer},a1a,a,{answer % 2}\n"
    for learner in range(20)
    for answer in range(20)
)


def at_once(*deeds: Callable[[], Any]) -> list[Any]:
    """Do several things at one moment, each with a connection of its own."""
    start, done = threading.Barrier(len(deeds)), [None] * len(deeds)

    def run(place: int, deed: Callable[[], Any]) -> None:
        try:
            start.wait()
            done[place] = deed()
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(deeds)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return done


@pytest.fixture
def shared_world(transactional_db: None) -> World:
    """The small world, for several connections to see."""
    return world_make(now=now_utc())


def version_make(world: World) -> ModelVersion:
    return ModelVersion.objects.create(
        course=world.course, model_name="bkt", role="mastery", created_at=now_utc()
    )


def promote(client: APIClient, version: ModelVersion) -> Callable[[], int]:
    target = f"/api/v1/model-versions/{version.uuid}/promote/"
    return lambda: client.post(target, {}, format="json").status_code


def test_of_two_promotions_at_once_one_gives_way(shared_world: World, api_of: ApiOf) -> None:
    client = api_of(shared_world.root, Scope.ADMIN)
    first, second = version_make(shared_world), version_make(shared_world)
    assert at_once(promote(client, first), promote(client, second)) == [202, 202]
    statuses = Promotion.objects.values_list("status", flat=True)
    assert sorted(statuses) == ["replaying", "superseded"]


def test_one_version_is_promoted_once(shared_world: World, api_of: ApiOf) -> None:
    client = api_of(shared_world.root, Scope.ADMIN)
    deed = promote(client, version_make(shared_world))
    assert sorted(at_once(deed, deed, deed)) == [202, 409, 409]
    assert Promotion.objects.count() == 1


def test_one_log_imported_twice_at_once_is_there_once(shared_world: World, api_of: ApiOf) -> None:
    client = api_of(shared_world.tess, Scope.IMPORT)
    jobs = [
        client.post(
            "/api/v1/responses/import/",
            {
                "file": SimpleUploadedFile("log.csv", LOG.encode()),
                "course": "sums",
                "classroom": str(shared_world.classroom.uuid),
            },
        ).json()["uuid"]
        for _ in range(2)
    ]
    at_once(*(lambda job=job: response_import_run(job, clock=now_utc) for job in jobs))
    found = list(ResponseImport.objects.filter(uuid__in=jobs))
    assert [job.status for job in found] == ["done", "done"], [job.errors for job in found]
    assert sum(job.result["n_new"] for job in found) == Response.objects.count() == 400
    assert sum(job.result["n_accounts_new"] for job in found) == 20


def test_one_course_imported_twice_at_once_is_one_version(
    shared_world: World, api_of: ApiOf
) -> None:
    client = api_of(shared_world.root, Scope.IMPORT)
    jobs = [
        client.post("/api/v1/imports/", bundle_make(), format="json").json()["uuid"]
        for _ in range(2)
    ]
    at_once(*(lambda job=job: import_job_run(job, clock=now_utc) for job in jobs))
    assert CourseVersion.objects.filter(course__key="tiny").count() == 1


def test_one_job_taken_twice_is_done_once(shared_world: World, api_of: ApiOf) -> None:
    client = api_of(shared_world.root, Scope.IMPORT)
    job = client.post("/api/v1/imports/", bundle_make(), format="json").json()["uuid"]
    deed: Callable[[], bool] = lambda: import_job_run(job, clock=now_utc)  # noqa: E731
    assert sorted(at_once(deed, deed)) == [False, True]


def test_two_quick_clicks_apply_a_dry_run_once(shared_world: World, api_of: ApiOf) -> None:
    client = api_of(shared_world.root, Scope.IMPORT)
    dry = client.post("/api/v1/imports/?dry_run=true", bundle_make(), format="json").json()["uuid"]
    import_job_run(dry, clock=now_utc)

    def click() -> tuple[int, str]:
        answer = client.post(f"/api/v1/imports/{dry}/apply/")
        return answer.status_code, answer.json()["uuid"]

    clicks = at_once(click, click, click)
    applied = ImportJob.objects.get(dry_run_of__uuid=dry)
    assert clicks == [(202, str(applied.uuid))] * 3


def test_two_quick_clicks_apply_a_log_once(shared_world: World, api_of: ApiOf) -> None:
    client = api_of(shared_world.tess, Scope.IMPORT)
    form = {
        "file": SimpleUploadedFile("log.csv", LOG.encode()),
        "course": "sums",
        "classroom": str(shared_world.classroom.uuid),
        "dry_run": "true",
    }
    dry = client.post("/api/v1/responses/import/", form).json()["uuid"]
    response_import_run(dry, clock=now_utc)
    clicks = at_once(*[lambda: client.post(f"/api/v1/responses/imports/{dry}/apply/").json()] * 2)
    applied = ResponseImport.objects.get(dry_run_of__uuid=dry)
    assert [click.get("uuid") for click in clicks] == [str(applied.uuid)] * 2


def pages(client: APIClient, address: str, between: Callable[[], object]) -> list[Any]:
    """Go through a list two rows a page; something happens between any two pages."""
    rows: list[Any] = []
    following: str | None = f"{address}?limit=2"
    while following:
        body = client.get(following).json()
        rows += body["results"]
        following = body["next"]
        between()
    return rows


def test_no_row_is_met_twice_or_missed_while_equal_ones_come_and_go(
    world: World, api_of: ApiOf, now: datetime
) -> None:
    for number in range(6):
        course_make(now=now, key=f"c{number}", skills=())
    Course.objects.update(title="All alike")
    before = set(Course.objects.values_list("key", flat=True))
    numbers = iter(range(100))

    def change() -> None:
        if (number := next(numbers)) >= 3:
            return
        Course.objects.filter(title="A first").delete()
        for title in ("A first", "All alike", "Z last"):
            course = course_make(now=now, key=f"{title[0]}-{title[2]}-{number}", skills=())
            Course.objects.filter(pk=course.pk).update(title=title)

    keys = [row["key"] for row in pages(api_of(world.tess), "/api/v1/courses/", change)]
    assert len(keys) == len(set(keys))
    assert before <= set(keys)


def test_newest_first_goes_on_where_it_was_while_new_ones_come(
    world: World, api_of: ApiOf, now: datetime
) -> None:
    def add() -> None:
        AuditEvent.objects.create(action="between", at=now + timedelta(days=1))

    for _ in range(5):
        AuditEvent.objects.create(action="before", at=now)
    client = api_of(world.root, Scope.ADMIN)
    rows = pages(client, "/api/v1/audit/", add)
    assert [row["action"] for row in rows].count("before") == 5
    assert [row["id"] for row in rows] == sorted({row["id"] for row in rows}, reverse=True)


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "eA==",
        "WyJhIl0=",
        "WzEsMl0=",
        "bnVsbA==",
        "W10=",
        "WyJcdTAwMDAiLCIxIl0=",
        "a" * 2000,
        "é",
    ],
)
def test_a_cursor_that_is_none_is_said_so(world: World, api_of: ApiOf, cursor: str) -> None:
    for page in ("courses/", "imports/", f"courses/{world.course.uuid}/skills/"):
        answer = api_of(world.tess).get(f"/api/v1/{page}", {"cursor": cursor})
        assert (answer.status_code, answer.json()["code"]) == (404, "no_cursor")


@pytest.mark.parametrize(
    ("page", "change"),
    [
        ("courses/", lambda world: Course.objects.filter(pk=world.course.pk).update(title="B")),
        ("courses/{course}/skills/", lambda world: world.course.skills.update(title="B")),
        ("courses/{course}/lessons/", lambda world: world.course.lessons.update(body="B")),
        ("courses/{course}/bundle/", lambda world: world.course.lessons.update(body="B")),
        ("classrooms/{classroom}/", lambda world: world.classroom.enrolments.all().delete()),
        (
            "classrooms/{classroom}/learners/",
            lambda world: world.classroom.enrolments.all().delete(),
        ),
    ],
)
def test_an_etag_holds_until_the_content_changes(
    world: World, api_of: ApiOf, page: str, change: Callable[[World], object]
) -> None:
    client = api_of(world.tess)
    address = "/api/v1/" + page.format(course=world.course.uuid, classroom=world.classroom.uuid)
    tag = client.get(address).headers["ETag"]
    same = client.get(address, headers={"If-None-Match": tag})
    assert (same.status_code, same.content, same.headers["ETag"]) == (304, b"", tag)
    change(world)
    other = client.get(address, headers={"If-None-Match": tag})
    assert other.status_code == 200
    assert other.headers["ETag"] != tag
