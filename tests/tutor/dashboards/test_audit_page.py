"""The audit log as administrators read it."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.world import World
from tutor.accounts.models import AuditEvent, User
from tutor.accounts.services import audit_record
from tutor.dashboards.audit import PAGE_ROWS

ClientOf = Callable[[User], Client]


def look(
    world: World, by: User, learner: User, *, at: datetime, action: str = "learner_viewed"
) -> None:
    audit_record(
        by,
        action=action,
        object_kind="user",
        object_id=str(learner.uuid),
        detail={"classroom": str(world.classroom.uuid)},
        now=at,
    )


@pytest.fixture
def log(world: World, now: datetime) -> World:
    """Looks of yesterday and today, and one change."""
    AuditEvent.objects.all().delete()
    look(world, world.tess, world.ada, at=now - timedelta(days=1))
    look(world, world.tess, world.ben, at=now)
    look(world, world.zoe, world.zed, at=now, action="heatmap_csv_exported")
    look(world, world.tess, world.ada, at=now, action="password_set")
    return world


def seen(client: Client, **query: str) -> list[tuple[str, str]]:
    answer = client.get("/teach/audit/", query)
    assert answer.status_code == 200
    return [(str(line.event.actor), line.deed) for line in answer.context["page"].lines]


def test_only_administrators_read_the_log(log: World, client_of: ClientOf) -> None:
    assert client_of(log.tess).get("/teach/audit/").status_code == 403
    assert client_of(log.ada).get("/teach/audit/").status_code == 403
    page = client_of(log.root).get("/teach/audit/").content.decode()
    assert "Ada (ada)" in page
    assert "Class 6b" in page
    assert client_of(log.root).post("/teach/audit/").status_code == 405


def test_the_log_is_asked_by_who_whom_what_and_when(log: World, client_of: ClientOf) -> None:
    client = client_of(log.root)
    assert len(seen(client)) == 4
    assert seen(client, actor="ZOE") == [("Zoe", "exported the heatmap")]
    assert len(seen(client, about="ada")) == 2
    assert seen(client, kind="exports") == [("Zoe", "exported the heatmap")]
    assert seen(client, kind="deeds") == [("Tess", "set a new password")]
    assert len(seen(client, kind="looks")) == 3
    assert seen(client, until="2026-03-01") == [("Tess", "looked at the learner")]
    assert len(seen(client, since="2026-03-02")) == 3
    assert seen(client, about="nobody") == []
    assert seen(client, about="Class 6b") == []


def test_dates_the_wrong_way_round_are_refused(log: World, client_of: ClientOf) -> None:
    answer = client_of(log.root).get(
        "/teach/audit/", {"since": "2026-03-02", "until": "2026-03-01"}
    )
    assert answer.status_code == 422
    assert client_of(log.root).get("/teach/audit/", {"before": "x"}).status_code == 404


def test_pages_hold_every_line_once_with_the_same_queries(
    log: World,
    client_of: ClientOf,
    now: datetime,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    client = client_of(log.root)
    for n in range(2 * PAGE_ROWS):
        look(log, log.tess, (log.ada, log.ben)[n % 2], at=now - timedelta(hours=n // 3))
    ids: list[int] = []
    query: dict[str, str] = {}
    while True:
        # Session, person, the lines, and the names of people and classes; the edge of a page.
        with django_assert_num_queries(6 if query else 5):
            page = client.get("/teach/audit/", query).context["page"]
        ids += [line.event.pk for line in page.lines]
        if page.before is None:
            break
        query = {"before": str(page.before)}
    assert len(ids) == len(set(ids)) == AuditEvent.objects.count()
