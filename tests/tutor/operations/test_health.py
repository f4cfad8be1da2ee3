"""Health: one word for strangers, every part for administrators."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client, override_settings

from tests.world import World
from tutor.accounts.models import User
from tutor.common.clock import now_utc
from tutor.common.models import OutboxEntry

ClientOf = Callable[[User], Client]


@pytest.mark.django_db
def test_a_stranger_learns_only_that_all_is_well(client: Client) -> None:
    response = client.get("/health/")
    assert response.status_code == 200
    assert response.json() == {"status": "ok"}
    assert "no-store" in response["Cache-Control"]


def test_teachers_are_told_no_more_than_strangers(world: World, client_of: ClientOf) -> None:
    assert client_of(world.tess).get("/health/").json() == {"status": "ok"}


def test_an_administrator_is_shown_every_part(world: World, client_of: ClientOf) -> None:
    parts = client_of(world.root).get("/health/").json()["parts"]
    assert set(parts) == {"database", "broker", "outbox"}
    assert all(part["is_well"] for part in parts.values())


@override_settings(REDIS_URL="unix:///nonexistent/valkey.sock")
def test_a_broker_that_is_down_is_503_and_named(world: World, client_of: ClientOf) -> None:
    response = client_of(world.root).get("/health/")
    assert response.status_code == 503
    assert response.json()["status"] == "failing"
    assert not response.json()["parts"]["broker"]["is_well"]
    assert Client().get("/health/").json() == {"status": "failing"}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("age", "status"), [(timedelta(minutes=5), 200), (timedelta(hours=3), 503)]
)
def test_work_that_nobody_takes_is_noticed(client: Client, age: timedelta, status: int) -> None:
    made = now_utc() - age
    OutboxEntry.objects.create(topic="x", payload={}, created_at=made, not_before=made)
    assert client.get("/health/").status_code == status


@pytest.mark.django_db
def test_health_only_reads(client: Client) -> None:
    assert client.post("/health/").status_code == 405
