"""Classes, enrolments and accounts of learners over the API."""

from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from rest_framework.test import APIClient

from tests.tutor.api.conftest import ApiOf
from tests.world import World
from tutor.accounts.models import AuditEvent, Scope, User
from tutor.roster.models import Classroom, Enrolment


@pytest.fixture
def roster(world: World, api_of: ApiOf) -> APIClient:
    """tess with a token that reads and changes classes."""
    return api_of(world.tess, Scope.READ, Scope.ROSTER)


def post(client: APIClient, page: str, **body: Any) -> Any:
    return client.post(f"/api/v1/{page}", body, format="json")


def test_a_class_is_made_changed_and_put_away(world: World, roster: APIClient) -> None:
    made = post(roster, "classrooms/", name="8c", course=str(world.course.uuid))
    assert made.status_code == 201
    target = made.headers["Location"]
    assert roster.get(target).json() == made.json()
    classroom = Classroom.objects.get(uuid=made.json()["uuid"])
    assert list(classroom.teachers.all()) == [world.tess]
    changed = roster.patch(
        target, {"name": "8d", "is_joinable": False, "is_archived": True}, format="json"
    )
    assert changed.status_code == 200
    assert [changed.json()[name] for name in ("name", "is_joinable", "is_archived")] == [
        "8d",
        False,
        True,
    ]
    kept = roster.patch(target, {}, format="json").json()
    assert kept["name"] == "8d"
    actions = AuditEvent.objects.filter(action__startswith="api_classroom")
    assert [(event.object_id, "token" in event.detail) for event in actions] == [
        (str(classroom.uuid), True)
    ] * 3


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        ({"name": ""}, 400, "/name"),
        ({"name": 7}, 400, "/name"),
        ({"name": "a\nb"}, 400, "/name"),
        ({"course": str(uuid4())}, 422, "/course"),
        ({"course": "x"}, 400, "/course"),
    ],
)
def test_a_class_that_cannot_be_is_refused_by_field(
    world: World, roster: APIClient, body: dict[str, object], status: int, pointer: str
) -> None:
    given = {"name": "8c", "course": str(world.course.uuid)} | body
    answer = post(roster, "classrooms/", **given)
    assert answer.status_code == status
    assert [row["pointer"] for row in answer.json()["errors"]] == [pointer]


def test_learners_are_made_with_passwords_that_work(world: World, roster: APIClient) -> None:
    page = f"classrooms/{world.classroom.uuid}/learners/"
    learners = [
        {"name": "Li Wei"},
        {"name": "Mo, Jr.", "username": "mo", "password": "a long one 77"},
        {"name": "Ada", "username": "ada"},
    ]
    dry = post(roster, page, learners=learners, dry_run=True)
    assert (dry.status_code, dry.json()["n_created"], dry.json()["created"]) == (200, 2, [])
    assert not User.objects.filter(username="mo").exists()
    done = post(roster, page, learners=learners)
    assert done.status_code == 201
    body = done.json()
    assert (body["n_created"], body["n_enrolled"], body["n_kept"]) == (2, 0, 1)
    for account in body["created"]:
        user = User.objects.get(uuid=account["uuid"])
        assert user.check_password(account["password"])
        assert (user.role, user.is_staff) == ("learner", False)
        assert Enrolment.objects.filter(classroom=world.classroom, learner=user).exists()
    assert body["created"][1]["password"] == "a long one 77"
    again = post(roster, page, learners=learners).json()
    assert (again["n_created"], again["n_kept"]) == (0, 3)
    assert "a long one 77" not in str(list(AuditEvent.objects.values()))


@pytest.mark.parametrize(
    ("learner", "status", "pointer"),
    [
        ({}, 400, "/learners/1/name"),
        ({"name": "Zed", "username": "zed"}, 422, "/learners/1/username"),
        ({"name": "Root", "username": "root"}, 422, "/learners/1/username"),
        ({"name": "X", "username": "a b"}, 400, "/learners/1/username"),
        ({"name": "X", "password": "12345678"}, 422, "/learners/1/password"),
        ({"name": "X\x00"}, 400, "/learners/1/name"),
    ],
)
def test_one_learner_that_cannot_be_keeps_all_out(
    world: World, roster: APIClient, learner: dict[str, str], status: int, pointer: str
) -> None:
    page = f"classrooms/{world.classroom.uuid}/learners/"
    before = User.objects.count()
    answer = post(roster, page, learners=[{"name": "Fine"}, learner])
    assert answer.status_code == status
    assert pointer in [row["pointer"] for row in answer.json()["errors"]]
    assert User.objects.count() == before


def test_a_learner_joins_another_class_and_leaves_it(world: World, roster: APIClient) -> None:
    other = post(roster, "classrooms/", name="8c", course=str(world.course.uuid)).json()["uuid"]
    page = f"classrooms/{other}/enrolments/"
    joined = post(roster, page, learner=str(world.ada.uuid))
    assert (joined.status_code, joined.json()["learner"]) == (201, str(world.ada.uuid))
    twice = post(roster, page, learner=str(world.ada.uuid))
    assert (twice.status_code, twice.json()["code"]) == (409, "already_joined")
    target = joined.headers["Location"]
    for _ in range(2):
        assert roster.delete(target).status_code == 204
    assert roster.get(target).json()["left_at"] is not None
    assert len(roster.get(f"/api/v1/{page}").json()["results"]) == 1
    assert roster.get(f"/api/v1/classrooms/{other}/learners/").json()["results"] == []
    # The other class is as it was.
    assert Enrolment.objects.filter(classroom=world.classroom, left_at=None).count() == 2


def test_nobody_elses_learner_is_enrolled_read_or_given_a_password(
    world: World, roster: APIClient
) -> None:
    page = f"classrooms/{world.classroom.uuid}/enrolments/"
    answer = post(roster, page, learner=str(world.zed.uuid))
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/learner")
    foreign = Enrolment.objects.get(learner=world.zed)
    for page in (f"learners/{world.zed.uuid}/", f"enrolments/{foreign.uuid}/"):
        assert roster.get(f"/api/v1/{page}").status_code == 404
    assert post(roster, f"learners/{world.zed.uuid}/password/").status_code == 404
    assert post(roster, f"learners/{world.tess.uuid}/password/").status_code == 404
    assert roster.delete(f"/api/v1/enrolments/{foreign.uuid}/").status_code == 404
    foreign.refresh_from_db()
    assert foreign.left_at is None


def test_a_new_password_is_shown_once_and_works(world: World, roster: APIClient) -> None:
    answer = post(roster, f"learners/{world.ada.uuid}/password/")
    assert answer.status_code == 201
    world.ada.refresh_from_db()
    assert world.ada.check_password(answer.json()["password"])
    event = AuditEvent.objects.get(action="api_learner_password")
    assert (event.object_kind, event.object_id) == ("user", str(world.ada.uuid))


def test_learners_are_listed_and_found_by_username(
    world: World, api_of: ApiOf, roster: APIClient
) -> None:
    def names(client: APIClient, query: str = "") -> list[str]:
        rows = client.get(f"/api/v1/learners/{query}").json()["results"]
        return [row["username"] for row in rows]

    assert names(roster) == ["ada", "ben"]
    assert names(roster, "?username=ADA") == ["ada"]
    assert names(roster, "?username=zed") == []
    assert names(api_of(world.root)) == ["ada", "ben", "zed"]
    assert roster.get(f"/api/v1/learners/{world.ada.uuid}/").json()["display_name"] == "Ada"
    assert AuditEvent.objects.filter(action="learner_read").count() == 1


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"name": "' + b"x" * settings.DATA_UPLOAD_MAX_MEMORY_SIZE + b'"}', 413),
        (b"[" * 200_000, 400),
    ],
    ids=["too large", "nested deeply"],
)
def test_json_is_bounded_before_it_is_read(roster: APIClient, body: bytes, status: int) -> None:
    refused = roster.generic("POST", "/api/v1/classrooms/", body, content_type="application/json")
    assert refused.status_code == status
    assert Classroom.objects.count() == 2


def test_a_password_that_is_shown_once_is_kept_by_no_cache(world: World, roster: APIClient) -> None:
    shown = post(roster, f"learners/{world.ada.uuid}/password/")
    assert shown.json()["password"]
    assert "no-store" in shown.headers["Cache-Control"]
