"""Who may call what: tokens, scopes, roles, throttles, and the shape of refusals."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.core.cache import cache
from django.test import Client
from redis.exceptions import ConnectionError as RedisConnectionError
from rest_framework.test import APIClient

from tests.tutor.api.conftest import ApiOf
from tests.world import World
from tutor.accounts.models import ApiToken, Scope, User
from tutor.accounts.services import token_create, token_revoke
from tutor.api.permissions import scope_needed
from tutor.common.clock import now_utc

READS = (
    "",
    "courses/",
    "courses/{course}/",
    "courses/{course}/skills/",
    "courses/{course}/prerequisites/",
    "courses/{course}/lessons/",
    "courses/{course}/problems/",
    "courses/{course}/bundle/",
    "problems/{problem}/",
    "imports/",
    "classrooms/",
    "classrooms/{classroom}/",
    "classrooms/{classroom}/learners/",
)


def address(world: World, page: str, **other: object) -> str:
    problem = world.course.problems.order_by("id")[0]
    ids = {"course": world.course.uuid, "problem": problem.uuid, "classroom": world.classroom.uuid}
    return "/api/v1/" + page.format(**(ids | other))


def problem_check(answer: Any, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.content
    assert answer.headers["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert (body["status"], body["code"]) == (status, code)
    assert body["detail"]
    return body


@pytest.mark.parametrize("page", READS)
def test_a_teachers_token_reads(world: World, api_of: ApiOf, page: str) -> None:
    assert api_of(world.tess).get(address(world, page)).status_code == 200


@pytest.mark.parametrize("page", READS)
def test_a_teachers_session_reads(
    world: World, client_of: Callable[[User], Client], page: str
) -> None:
    assert client_of(world.tess).get(address(world, page)).status_code == 200


@pytest.mark.parametrize("page", READS)
def test_nobody_reads_without_a_login(world: World, page: str) -> None:
    answer = APIClient().get(address(world, page))
    problem_check(answer, 401, "not_authenticated")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("page", READS)
def test_learners_are_refused(world: World, api_of: ApiOf, page: str) -> None:
    problem_check(api_of(world.ada).get(address(world, page)), 403, "permission_denied")


@pytest.mark.parametrize("page", READS)
def test_a_token_without_the_scope_is_refused_by_name(
    world: World, api_of: ApiOf, page: str
) -> None:
    answer = api_of(world.tess, Scope.IMPORT, Scope.ROSTER).get(address(world, page))
    assert "'read'" in problem_check(answer, 403, "permission_denied")["detail"]


@pytest.mark.parametrize("page", READS)
def test_the_wrong_method_is_refused(world: World, api_of: ApiOf, page: str) -> None:
    answer = api_of(world.root, Scope.ADMIN).delete(address(world, page))
    problem_check(answer, 405, "method_not_allowed")


@pytest.mark.parametrize("page", [page for page in READS if "{" in page])
def test_a_bad_id_is_not_found(world: World, api_of: ApiOf, page: str) -> None:
    client = api_of(world.root)
    for bad in (uuid4(), "17"):
        target = address(world, page, course=bad, problem=bad, classroom=bad)
        problem_check(client.get(target), 404, "not_found")


@pytest.mark.parametrize("page", ["classrooms/{classroom}/", "classrooms/{classroom}/learners/"])
def test_a_class_of_somebody_else_is_not_found(world: World, api_of: ApiOf, page: str) -> None:
    problem_check(api_of(world.zoe).get(address(world, page)), 404, "not_found")
    assert api_of(world.root).get(address(world, page)).status_code == 200


def test_an_unknown_address_is_a_problem_too() -> None:
    problem_check(APIClient().get("/api/v1/nothing/here"), 404, "not_found")


@pytest.mark.parametrize("header", ["Bearer sw_wrong", "Bearer", "Bearer a b", "bearer ünknown"])
def test_a_token_that_is_not_one_is_refused(world: World, header: str) -> None:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=header)
    problem_check(client.get("/api/v1/courses/"), 401, "authentication_failed")


def test_expired_and_revoked_tokens_are_refused(world: World) -> None:
    now = now_utc()
    token, plain = token_create(
        world.tess, name="t", scopes=["read"], expires_at=now + timedelta(hours=1), now=now
    )
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {plain}")
    assert client.get("/api/v1/courses/").status_code == 200
    token_revoke(token, by=world.tess, now=now)
    problem_check(client.get("/api/v1/courses/"), 401, "authentication_failed")
    ApiToken.objects.filter(pk=token.pk).update(revoked_at=None, expires_at=now)
    problem_check(client.get("/api/v1/courses/"), 401, "authentication_failed")


def test_the_admin_scope_carries_the_others(world: World, api_of: ApiOf) -> None:
    assert api_of(world.tess, Scope.ADMIN).get("/api/v1/courses/").status_code == 200


def test_a_method_that_no_view_names_needs_the_widest_scope() -> None:
    class View:
        scopes = {"GET": Scope.READ}

    assert scope_needed(View(), "DELETE") == Scope.ADMIN  # type: ignore[arg-type]
    assert scope_needed(View(), "HEAD") == Scope.READ  # type: ignore[arg-type]


def test_calls_beyond_the_rate_wait(
    world: World, api_of: ApiOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    rates = {"DEFAULT_THROTTLE_RATES": {"token": "2/min"}}
    monkeypatch.setattr(settings, "REST_FRAMEWORK", settings.REST_FRAMEWORK | rates)
    client, other = api_of(world.tess), api_of(world.tess)
    # A window may end between two calls: its number is in the key, and 3 calls span at most 2.
    answers = [client.get("/api/v1/courses/") for _ in range(5)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    problem_check(refused[0], 429, "throttled")
    assert 0 <= int(refused[0].headers["Retry-After"]) <= 60
    assert other.get("/api/v1/courses/").status_code == 200


def test_a_cache_that_is_down_does_not_take_the_api_down(
    world: World, api_of: ApiOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*args: object, **kwargs: object) -> None:
        raise RedisConnectionError("connection refused")

    monkeypatch.setattr(cache, "add", down)
    assert api_of(world.tess).get("/api/v1/courses/").status_code == 200


def test_a_session_needs_the_csrf_token_to_write(world: World) -> None:
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(world.tess, backend="django.contrib.auth.backends.ModelBackend")
    answer = client.post("/api/v1/imports/", b"{}", content_type="application/json")
    problem_check(answer, 403, "permission_denied")
