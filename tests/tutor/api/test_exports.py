"""Exports of responses and beliefs: streamed, exact, and nothing that a spreadsheet would run."""

import csv
import io
import json
import re
import tracemalloc
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.tutor.api.conftest import ApiOf
from tests.world import World
from tutor.accounts.models import AuditEvent, User
from tutor.responses.models import Regrade, Response
from tutor.responses.rows import rows_stream

FORMULA = '=HYPERLINK("http://evil.example")'


def response_make(world: World, learner: User | None, now: datetime, **changes: Any) -> Response:
    step = world.course.steps.get(key="a1a")
    given: dict[str, Any] = {
        "learner": learner,
        "course": world.course,
        "step": step,
        "skill_ids": [world.skills["a"].pk, world.skills["b"].pk],
        "session_uuid": uuid4(),
        "is_observation": True,
        "is_correct": True,
        "raw_answer": FORMULA,
        "answered_at": now,
        "recorded_at": now,
    }
    return Response.objects.create(**(given | changes))


def table(answer: Any) -> list[dict[str, str]]:
    assert answer.status_code == 200
    assert answer.streaming
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def lines(answer: Any) -> list[dict[str, Any]]:
    assert answer.status_code == 200
    assert answer.streaming
    text = b"".join(answer.streaming_content).decode()
    return [json.loads(line) for line in text.splitlines()]


def test_responses_as_csv_ndjson_and_pages_say_the_same(
    world: World, api_of: ApiOf, now: datetime
) -> None:
    first = response_make(world, world.ada, now)
    response_make(world, world.ben, now, kind="hint", is_correct=False, is_observation=False)
    response_make(world, world.zed, now)
    Regrade.objects.create(response=first, is_correct=False, reason="key", regraded_at=now)
    client, page = api_of(world.tess), f"/api/v1/classrooms/{world.classroom.uuid}/responses"
    exact = lines(client.get(f"{page}.ndjson", headers={"Accept": "application/x-ndjson"}))
    assert exact == client.get(f"{page}/").json()["results"]
    assert [row["learner"] for row in exact] == [str(world.ada.uuid), str(world.ben.uuid)]
    assert (exact[0]["is_correct"], exact[0]["is_regraded"]) == (False, True)
    assert exact[0]["skills"] == ["a", "b"]
    sent = client.get(f"{page}.csv", headers={"Accept": "text/csv"})
    assert sent.headers["Content-Disposition"] == 'attachment; filename="sums-responses.csv"'
    rows = table(sent)
    assert [row["skills"] for row in rows] == ["a b", "a b"]
    assert [row["is_correct"] for row in rows] == ["0", "0"]
    assert exact[0]["raw_answer"] == FORMULA
    assert rows[0]["raw_answer"] == f"'{FORMULA}"
    assert rows[0]["answered_at"] == exact[0]["answered_at"]
    actions = AuditEvent.objects.filter(action__startswith="responses_")
    assert sorted(actions.values_list("action", flat=True)) == [
        "responses_exported",
        "responses_exported",
        "responses_read",
    ]


def test_responses_are_chosen_by_learner_kind_and_time(
    world: World, api_of: ApiOf, now: datetime
) -> None:
    response_make(world, world.ada, now)
    response_make(world, world.ada, now, kind="dont_know", is_correct=False)
    later = response_make(world, world.ben, now, recorded_at=now + timedelta(hours=1))
    page = f"/api/v1/classrooms/{world.classroom.uuid}/responses/"

    def ids(**query: Any) -> list[int]:
        return [row["id"] for row in api_of(world.tess).get(page, query).json()["results"]]

    assert len(ids()) == 3
    assert ids(learner=world.ben.uuid) == [later.pk]
    assert len(ids(kind="dont_know")) == 1
    assert ids(after=(now + timedelta(minutes=1)).isoformat()) == [later.pk]
    answer = api_of(world.tess).get(page, {"learner": world.zed.uuid})
    assert answer.status_code == 404


def test_a_courses_export_holds_ones_own_learners_and_an_administrators_all(
    world: World, api_of: ApiOf, now: datetime
) -> None:
    for learner in (world.ada, world.zed):
        response_make(world, learner, now)
    response_make(world, None, now, erased_key=uuid4(), raw_answer="")
    page = f"/api/v1/courses/{world.course.uuid}/responses.ndjson"
    accept = {"Accept": "application/x-ndjson"}
    own = lines(api_of(world.tess).get(page, headers=accept))
    assert [row["learner"] for row in own] == [str(world.ada.uuid)]
    every = lines(api_of(world.root).get(page, headers=accept))
    assert [row["learner"] for row in every] == [str(world.ada.uuid), str(world.zed.uuid), None]


def test_who_left_the_class_is_no_longer_in_its_export(
    world: World, api_of: ApiOf, now: datetime
) -> None:
    response_make(world, world.ada, now)
    world.classroom.enrolments.filter(learner=world.ada).update(left_at=now)
    page = f"/api/v1/classrooms/{world.classroom.uuid}/responses/"
    assert api_of(world.tess).get(page).json()["results"] == []


def test_beliefs_name_their_version_and_say_the_same_in_every_form(
    world: World, api_of: ApiOf
) -> None:
    client, page = api_of(world.tess), f"/api/v1/classrooms/{world.classroom.uuid}/beliefs"
    pages = client.get(f"{page}/").json()["results"]
    assert [each["learner"] for each in pages] == [str(world.ada.uuid), str(world.ben.uuid)]
    assert pages[0]["version"]["model_name"] == "bkt"
    exact = lines(client.get(f"{page}.ndjson", headers={"Accept": "application/x-ndjson"}))
    rows = table(client.get(f"{page}.csv", headers={"Accept": "text/csv"}))
    assert len(exact) == len(rows) == 2 * 3
    flat = [(each["learner"], skill) for each in pages for skill in each["skills"]]
    for (learner, skill), line, row in zip(flat, exact, rows, strict=True):
        assert (line["learner"], row["learner"]) == (learner, learner)
        assert line["model_version"] == row["model_version"] == pages[0]["version"]["uuid"]
        for name in ("skill", "p_correct", "lower", "upper", "n_observations"):
            assert str(line[name]) == str(row[name]) == str(skill[name])
    assert 0 <= pages[0]["skills"][0]["lower"] <= pages[0]["skills"][0]["p_correct"]


def test_beliefs_can_be_asked_for_some_days_ahead(world: World, api_of: ApiOf) -> None:
    client, page = api_of(world.tess), f"/api/v1/classrooms/{world.classroom.uuid}/beliefs/"
    today, later = (client.get(page, {"days_ahead": days}).json() for days in (0, 30))
    moments = [datetime.fromisoformat(each["results"][0]["at"]) for each in (today, later)]
    assert timedelta(days=29.9) < moments[1] - moments[0] < timedelta(days=30.1)
    for wrong in ("-1", "367", "soon", ""):
        assert client.get(page, {"days_ahead": wrong}).status_code == 400


def test_a_page_of_beliefs_takes_the_same_queries_for_many_learners(
    world: World, api_of: ApiOf, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client, page = api_of(world.tess), f"/api/v1/classrooms/{world.classroom.uuid}/beliefs/"
    client.get(page)
    for query in ({"limit": 1}, {"limit": 100}):
        # token, class, its teachers, learners, skills, states, serving version, audit
        with django_assert_num_queries(8):
            client.get(page, query)


def test_an_export_needs_no_more_memory_for_more_rows(world: World, now: datetime) -> None:
    def peak(n_rows: int) -> int:
        Response.objects.all().delete()
        step = world.course.steps.get(key="a1a")
        for start in range(0, n_rows, 5000):
            Response.objects.bulk_create(
                Response(
                    learner=world.ada,
                    course=world.course,
                    step=step,
                    skill_ids=[world.skills["a"].pk],
                    session_uuid=uuid4(),
                    is_observation=True,
                    is_correct=True,
                    raw_answer="7" * 50,
                    answered_at=now,
                    recorded_at=now,
                )
                for _ in range(min(5000, n_rows - start))
            )
        responses = Response.objects.filter(course=world.course)
        tracemalloc.start()
        count = sum(1 for _ in rows_stream(responses, world.course, chunk=500))
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert count == n_rows
        return most

    small, large = peak(1000), peak(10_000)
    assert large < 1.5 * small


def test_a_browser_downloads_what_the_settings_page_links_to(
    world: World, client_of: Callable[[User], Client], now: datetime
) -> None:
    response_make(world, world.ada, now)
    browser = client_of(world.tess)
    page = browser.get(f"/teach/classes/{world.classroom.uuid}/settings/").content.decode()
    links = re.findall(r'href="(/api/v1/classrooms/[^"]+)" download', page)
    assert len(links) == 4
    for link in links:
        sent = browser.get(link, headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
        assert sent.headers["Content-Disposition"].startswith("attachment")
        assert str(world.ada.uuid) in b"".join(sent.streaming_content).decode()


@pytest.mark.parametrize("page", ["responses.csv", "beliefs.csv"])
def test_what_is_not_spoken_is_said(world: World, api_of: ApiOf, page: str) -> None:
    target = f"/api/v1/classrooms/{world.classroom.uuid}/{page}"
    answer = api_of(world.tess).get(target, headers={"Accept": "application/pdf"})
    assert answer.status_code == 406
    assert answer.headers["Content-Type"] == "application/problem+json"
