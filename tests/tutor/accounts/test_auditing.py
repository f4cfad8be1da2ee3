"""Looks at learners' data are written down by the site, not by each page."""

from collections.abc import Callable
from datetime import datetime

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, reverse

from tests.world import World
from tutor.accounts import auditing
from tutor.accounts.models import AuditEvent, User
from tutor.dashboards.urls import urlpatterns

ClientOf = Callable[[User], Client]

# Pages of teachers that show nothing of single learners: why.
SHOW_NOBODY = {
    "classrooms": "counts of whole classes",
    "how": "rules and thresholds",
    "audit": "the log itself: who looked, never what was seen",
    "models": "courses",
    "course_models": "fits and figures of a course",
    "fit_start": "a deed, recorded by its service",
    "drift_start": "a deed, recorded by its service",
    "role_roll_back": "a deed, recorded by its service",
    "fit_stop": "a deed, recorded by its service",
    "version": "figures of a course",
    "version_promote": "a deed, recorded by its service",
}


def names_and_routes() -> list[tuple[str, str]]:
    """Every named address of the teachers' room with its route."""
    found: list[tuple[str, str]] = []

    def walk(entries: list[URLPattern | URLResolver], before: str) -> None:
        for entry in entries:
            route = before + str(entry.pattern)
            if isinstance(entry, URLResolver):
                walk(entry.url_patterns, route)
            else:
                found.append((str(entry.name), route))

    walk(urlpatterns, "")
    return found


@pytest.mark.parametrize(("name", "route"), names_and_routes())
def test_every_teachers_page_names_whom_it_shows_or_is_known_to_show_nobody(
    name: str, route: str
) -> None:
    is_audited = any(f":{part}>" in route for part in auditing.KIND_OF_NAME)
    assert is_audited != (name in SHOW_NOBODY), (
        f"/teach/{route} must lead through a `classroom_uuid` or `learner_uuid`, so that looks at "
        "it are recorded; or be listed in SHOW_NOBODY with the reason"
    )


def looks(user: User) -> list[tuple[str, str, str]]:
    events = AuditEvent.objects.filter(actor=user, action__regex="_(viewed|exported)$").order_by(
        "id"
    )
    return list(events.values_list("action", "object_kind", "object_id"))


def test_every_page_of_a_class_that_can_be_read_is_recorded(
    world: World, client_of: ClientOf
) -> None:
    client = client_of(world.tess)
    for name, route in names_and_routes():
        kwargs = {"classroom_uuid": world.classroom.uuid, "learner_uuid": world.ada.uuid}
        wanted = {key: value for key, value in kwargs.items() if f":{key}>" in route}
        if not wanted or route.count("<") != len(wanted):
            continue
        AuditEvent.objects.all().delete()
        # A table of what-if is that of a question.
        question = {"skill1": world.skills["a"].uuid, "sittings": 3, "minutes": 20}
        asked = question if name == "what_if_csv" else {}
        answer = client.get(reverse(f"teach:{name}", kwargs=wanted), asked)
        seen = [action for action, _kind, _id in looks(world.tess)]
        shown = answer.status_code == 200
        assert shown or answer.status_code == 405, (name, answer.status_code)
        assert seen == ([f"{name}_{_verb(answer)}"] if shown else []), name


def _verb(answer: object) -> str:
    return "exported" if answer.has_header("Content-Disposition") else "viewed"  # type: ignore[attr-defined]


def test_a_look_at_a_learner_names_the_learner_and_the_class(
    world: World, client_of: ClientOf
) -> None:
    client_of(world.tess).get(learner_address(world))
    event = AuditEvent.objects.get(actor=world.tess, action="learner_viewed")
    assert event.object_kind == "user"
    assert event.object_id == str(world.ada.uuid)
    assert event.detail == {"classroom": str(world.classroom.uuid)}


def learner_address(world: World) -> str:
    return f"/teach/classes/{world.classroom.uuid}/learners/{world.ada.uuid}/"


def test_who_is_refused_has_seen_nothing(world: World, client_of: ClientOf) -> None:
    for user in (world.zoe, world.ada, world.zed):
        client_of(user).get(learner_address(world))
        assert not AuditEvent.objects.filter(action="learner_viewed").exists()


def test_a_page_that_refreshes_itself_is_one_look_and_a_page_opened_again_is_another(
    world: World, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch, now: datetime
) -> None:
    moments = iter([now, now + auditing.SAME_LOOK / 2, now + 2 * auditing.SAME_LOOK])
    monkeypatch.setattr("tutor.accounts.auditing.now_utc", lambda: next(moments))
    client, part = client_of(world.tess), {"HX-Request": "true", "HX-Target": "timeline"}
    client.get(learner_address(world))
    client.get(learner_address(world), headers=part)
    assert len(looks(world.tess)) == 1
    client.get(learner_address(world), headers=part)
    assert len(looks(world.tess)) == 2
    monkeypatch.setattr("tutor.accounts.auditing.now_utc", lambda: now)
    client.get(learner_address(world))
    assert len(looks(world.tess)) == 3


def test_what_cannot_be_recorded_is_not_shown(
    world: World, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_args: object, **_kwargs: object) -> None:
        raise OSError("the disk is full")

    client = client_of(world.tess)
    client.raise_request_exception = False
    monkeypatch.setattr("tutor.accounts.auditing.audit_record", full)
    answer = client.get(learner_address(world))
    assert answer.status_code == 500
    assert b"Ada" not in answer.content
