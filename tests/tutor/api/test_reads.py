"""Reading courses and classes."""

from typing import Any

import pytest
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from tests.tutor.api.conftest import ApiOf
from tests.world import World, course_make
from tutor.accounts.models import AuditEvent, User
from tutor.common.clock import now_utc
from tutor.content.models import Skill


def rows(client: APIClient, target: str) -> list[dict[str, Any]]:
    answer = client.get(target)
    assert answer.status_code == 200, answer.content
    found: list[dict[str, Any]] = answer.json()["results"]
    return found


def test_a_course_tells_its_counts(world: World, api_of: ApiOf) -> None:
    Skill.objects.filter(pk=world.skills["c"].pk).update(is_retired=True)
    (course,) = rows(api_of(world.tess), "/api/v1/courses/")
    assert (course["key"], course["n_skills"], course["n_problems"]) == ("sums", 2, 6)


def test_skills_come_in_order_and_retired_ones_on_demand(world: World, api_of: ApiOf) -> None:
    Skill.objects.filter(pk=world.skills["a"].pk).update(is_retired=True)
    client, target = api_of(world.tess), f"/api/v1/courses/{world.course.uuid}/skills/"
    assert [skill["key"] for skill in rows(client, target)] == ["b", "c"]
    assert [skill["key"] for skill in rows(client, f"{target}?retired=true")] == ["a", "b", "c"]
    refused = client.get(f"{target}?retired=perhaps")
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["pointer"] == "/retired"


def test_the_graph_is_told_by_keys(world: World, api_of: ApiOf) -> None:
    edges = rows(api_of(world.tess), f"/api/v1/courses/{world.course.uuid}/prerequisites/")
    assert [(edge["from_skill"], edge["to_skill"]) for edge in edges] == [("a", "b"), ("b", "c")]


def test_problems_can_be_asked_for_by_lesson(world: World, api_of: ApiOf) -> None:
    target = f"/api/v1/courses/{world.course.uuid}/problems/?lesson=l-b"
    found = rows(api_of(world.tess), target)
    assert [(row["key"], row["n_steps"]) for row in found] == [("p-b1", 2), ("p-b2", 1)]


def test_a_problem_has_its_document(world: World, api_of: ApiOf) -> None:
    problem = world.course.problems.get(key="p-a1")
    found = api_of(world.tess).get(f"/api/v1/problems/{problem.uuid}/").json()
    assert [step["id"] for step in found["document"]["steps"]] == ["a1a", "a1b"]
    assert found["revision"] == 1


def test_pages_follow_a_cursor_and_hold_each_row_once(world: World, api_of: ApiOf) -> None:
    now = now_utc()
    for number in range(4):
        course_make(now=now, key=f"more{number}", skills=("a",))
    client, target = api_of(world.tess), "/api/v1/courses/?limit=2"
    keys: list[str] = []
    while target:
        page = client.get(target).json()
        keys += [course["key"] for course in page["results"]]
        target = page["next"]
    assert keys == ["more0", "more1", "more2", "more3", "sums"]


def test_a_read_is_conditional(world: World, api_of: ApiOf) -> None:
    client, target = api_of(world.tess), f"/api/v1/courses/{world.course.uuid}/"
    first = client.get(target)
    assert first.headers["Cache-Control"] == "private, no-cache"
    again = client.get(target, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    type(world.course).objects.filter(pk=world.course.pk).update(title="Other")
    changed = client.get(target, headers={"If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200


def test_classes_are_the_callers_own(world: World, api_of: ApiOf) -> None:
    (own,) = rows(api_of(world.tess), "/api/v1/classrooms/")
    assert (own["name"], own["n_learners"], own["course"]) == (
        "Class 6b",
        2,
        str(world.course.uuid),
    )
    assert len(rows(api_of(world.root), "/api/v1/classrooms/")) == 2


def test_reading_learners_marks_simulated_ones_and_is_audited(world: World, api_of: ApiOf) -> None:
    User.objects.filter(pk=world.ben.pk).update(is_simulated=True)
    target = f"/api/v1/classrooms/{world.classroom.uuid}/learners/"
    found = rows(api_of(world.tess), target)
    assert [(row["display_name"], row["is_simulated"]) for row in found] == [
        ("Ada", False),
        ("Ben", True),
    ]
    event = AuditEvent.objects.get(action="roster_read")
    assert (event.actor, event.object_id) == (world.tess, str(world.classroom.uuid))
    assert event.detail["token"].startswith("sw_")


def test_the_bundle_is_the_course(world: World, api_of: ApiOf) -> None:
    answer = api_of(world.tess).get(f"/api/v1/courses/{world.course.uuid}/bundle/")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="sums.json"'
    bundle = answer.json()
    assert bundle["format"] == "stepwise-bundle"
    assert [skill["id"] for skill in bundle["skills"]] == ["a", "b", "c"]


def test_the_bundle_schema_and_the_openapi_document_need_no_login(db: None) -> None:
    schema = APIClient().get("/api/v1/schema/bundle.json").json()
    assert schema["$schema"].endswith("2020-12/schema")
    document = APIClient().get("/api/v1/schema/?format=json").json()
    assert document["openapi"].startswith("3.")
    problem = document["paths"]["/api/v1/courses/{uuid}/"]["get"]["responses"]["404"]
    assert list(problem["content"]) == ["application/problem+json"]


def test_the_docs_page_is_for_teachers(world: World, client_of: Any) -> None:
    assert client_of(world.tess).get(reverse("api:docs")).status_code == 200
    assert client_of(world.ada).get(reverse("api:docs")).status_code == 403
    assert APIClient().get(reverse("api:docs")).status_code == 302


@pytest.mark.parametrize(
    ("page", "queries"),
    [
        ("courses/", 2),
        ("courses/{}/skills/", 3),
        ("courses/{}/lessons/", 4),
        ("courses/{}/problems/", 3),
    ],
)
def test_lists_take_the_same_queries_for_many_rows(
    world: World,
    api_of: ApiOf,
    django_assert_num_queries: DjangoAssertNumQueries,
    page: str,
    queries: int,
) -> None:
    client = api_of(world.tess)
    client.get("/api/v1/courses/")
    # token, (course,) rows, (their skills)
    with django_assert_num_queries(queries):
        client.get("/api/v1/" + page.format(world.course.uuid))
    big = course_make(now=now_utc(), key="big", skills=tuple("abcdefgh"))
    with django_assert_num_queries(queries):
        client.get("/api/v1/" + page.format(big.uuid))
