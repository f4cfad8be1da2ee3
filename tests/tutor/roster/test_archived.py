"""An archived class is closed for its teachers until it is back, not for administrators."""

from collections.abc import Callable
from datetime import datetime
from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.urls import reverse

from tests.world import World
from tutor.accounts.models import User
from tutor.common.errors import TutorError
from tutor.dashboards.class_urls import urlpatterns as class_urls
from tutor.dashboards.insight_urls import urlpatterns as insight_urls
from tutor.roster.access import classroom_for_teacher, classroom_in_use
from tutor.roster.models import Classroom
from tutor.roster.selectors import learners_of_teacher
from tutor.roster.services import classroom_archive, classroom_create
from tutor.tracing.history_reach import import_course_check

ClientOf = Callable[[User], Client]

OPEN = {"settings", "archive"}
PAGES = ["classroom", "heatmap", "heatmap_csv", "learner"] + [
    str(url.name) for url in (*class_urls, *insight_urls) if url.name not in OPEN
]


@pytest.fixture
def put_away(world: World, now: datetime) -> World:
    classroom_archive(world.classroom, is_archived=True, by=world.tess, now=now)
    return world


def address(name: str, world: World) -> str:
    """Fill an address with the class, ada, and ids of nothing."""
    given = {"classroom_uuid": world.classroom.uuid, "learner_uuid": world.ada.uuid}
    for words in ((), ("learner_uuid",)):
        for other in (
            (), ("assignment_uuid",), ("decision_uuid",), ("note_uuid",), ("step_uuid",),
            ("teacher_uuid",), ("word_uuid",),
        ):  # fmt: skip
            wanted = ("classroom_uuid", *words, *other)
            try:
                return reverse(
                    f"teach:{name}", kwargs={word: given.get(word, uuid4()) for word in wanted}
                )
            except Exception:  # noqa: BLE001 - other words are tried
                continue
    raise AssertionError(name)


@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_closed_for_its_teachers(
    put_away: World, client_of: ClientOf, name: str
) -> None:
    target = address(name, put_away)
    settings = reverse("teach:settings", args=[put_away.classroom.uuid])
    tess = client_of(put_away.tess)
    shown = tess.get(target)
    assert shown.status_code in {302, 405}
    if shown.status_code == 302:
        assert shown.headers["Location"] == settings
        # A part of a page does not take the settings' page in.
        part = tess.get(target, headers={"HX-Request": "true"})
        assert (part.status_code, part.headers["HX-Redirect"]) == (200, settings)
    assert tess.post(target).status_code in {403, 405}
    # Strangers are told no more than before.
    assert client_of(put_away.zoe).get(target).status_code in {404, 405}


def test_settings_say_so_and_bring_it_back(put_away: World, client_of: ClientOf) -> None:
    client, classroom = client_of(put_away.tess), put_away.classroom
    page = client.get(reverse("teach:settings", args=[classroom.uuid])).content.decode()
    assert "This class is archived" in page
    assert "Answers (CSV)" not in page
    assert "Heatmap" not in page
    # No form that would be refused.
    assert reverse("teach:teacher_add", args=[classroom.uuid]) not in page
    page = client_of(put_away.root).get(reverse("teach:settings", args=[classroom.uuid]))
    assert reverse("teach:teacher_add", args=[classroom.uuid]) in page.content.decode()
    client.post(reverse("teach:archive", args=[classroom.uuid]), {"do": "unarchive"})
    assert client.get(reverse("teach:heatmap", args=[classroom.uuid])).status_code == 200


def test_administrators_keep_their_reach(put_away: World, client_of: ClientOf) -> None:
    root = client_of(put_away.root)
    for name in ("classroom", "heatmap", "learner"):
        assert root.get(address(name, put_away)).status_code == 200
    assert put_away.ada in learners_of_teacher(put_away.root)


def test_a_class_in_use_is_a_relation_and_not_archived(put_away: World) -> None:
    uuid = put_away.classroom.uuid
    assert classroom_for_teacher(put_away.tess, uuid) == put_away.classroom
    with pytest.raises(PermissionDenied, match="archived"):
        classroom_in_use(put_away.tess, uuid)
    assert classroom_in_use(put_away.root, uuid) == put_away.classroom


def test_learners_are_reached_through_classes_in_use_alone(put_away: World, now: datetime) -> None:
    assert not learners_of_teacher(put_away.tess).exists()
    second = classroom_create(name="7b", course=put_away.course, teachers=[put_away.tess], now=now)
    second.enrolments.create(learner=put_away.ada, joined_at=now)
    assert list(learners_of_teacher(put_away.tess)) == [put_away.ada]


def test_no_history_is_brought_in(put_away: World) -> None:
    given = {"course_key": put_away.course.key, "classroom": put_away.classroom}
    with pytest.raises(TutorError) as refusal:
        import_course_check(put_away.tess, is_creating_content=False, **given)
    assert refusal.value.code == "class_archived"
    import_course_check(put_away.root, is_creating_content=False, **given)


def test_the_api_is_closed_too(put_away: World, client_of: ClientOf) -> None:
    client, uuid = client_of(put_away.tess), put_away.classroom.uuid
    assert client.get(f"/api/v1/classrooms/{uuid}/").json()["is_archived"] is True
    for page in ("learners/", "enrolments/", "responses/", "beliefs/"):
        assert client.get(f"/api/v1/classrooms/{uuid}/{page}").status_code == 403, page
    assert client.get(f"/api/v1/learners/{put_away.ada.uuid}/").status_code == 404
    enrolment = Classroom.objects.get(uuid=uuid).enrolments.get(learner=put_away.ada)
    assert client.get(f"/api/v1/enrolments/{enrolment.uuid}/").status_code == 404
