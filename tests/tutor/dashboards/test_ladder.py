"""The ladder for every teacher page: who gets in, and what everybody else is told."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import URLPattern

from tests.world import World
from tutor.accounts.models import User
from tutor.dashboards.urls import urlpatterns

ClientOf = Callable[[User], Client]

OF_A_CLASS = ("", "heatmap/", "heatmap.csv", "learners/{learner}/")
# For administrators alone; `tests/access/table.py` holds who reaches it.
ADMINISTRATORS_ONLY = {"audit/"}
PAGES = ("", "how/", *(f"classes/{{classroom}}/{page}" for page in OF_A_CLASS))


def address(page: str, world: World, *, classroom: object = None, learner: object = None) -> str:
    return "/teach/" + page.format(
        classroom=classroom or world.classroom.uuid, learner=learner or world.ada.uuid
    )


def test_every_address_is_on_the_ladder() -> None:
    routes = {str(url.pattern) for url in urlpatterns if isinstance(url, URLPattern)}
    known = {
        page.replace("{classroom}", "<uuid:classroom_uuid>").replace(
            "{learner}", "<uuid:learner_uuid>"
        )
        for page in PAGES
    }
    assert routes - ADMINISTRATORS_ONLY == known


@pytest.mark.parametrize("page", PAGES)
def test_the_teacher_and_the_administrator_get_in(
    world: World, client_of: ClientOf, page: str
) -> None:
    for user in (world.tess, world.root):
        assert client_of(user).get(address(page, world)).status_code == 200


@pytest.mark.parametrize("page", PAGES)
def test_anonymous_is_asked_to_log_in(world: World, page: str) -> None:
    target = address(page, world)
    answer = Client().get(target)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/login/")


@pytest.mark.parametrize("page", PAGES)
def test_a_learner_is_refused(world: World, client_of: ClientOf, page: str) -> None:
    assert client_of(world.ada).get(address(page, world)).status_code == 403


@pytest.mark.parametrize("page", OF_A_CLASS)
def test_a_teacher_of_another_class_finds_nothing(
    world: World, client_of: ClientOf, page: str
) -> None:
    target = address(f"classes/{{classroom}}/{page}", world)
    assert client_of(world.zoe).get(target).status_code == 404


@pytest.mark.parametrize("page", OF_A_CLASS)
def test_a_bad_class_is_not_found(world: World, client_of: ClientOf, page: str) -> None:
    whole = f"classes/{{classroom}}/{page}"
    client = client_of(world.tess)
    assert client.get(address(whole, world, classroom=uuid4())).status_code == 404
    assert client.get(address(whole, world, classroom="17")).status_code == 404


@pytest.mark.parametrize("page", [page for page in PAGES if page])
def test_pages_that_show_refuse_to_be_posted_to(
    world: World, client_of: ClientOf, page: str
) -> None:
    assert client_of(world.tess).post(address(page, world)).status_code == 405


def test_the_list_refuses_to_be_deleted(world: World, client_of: ClientOf) -> None:
    assert client_of(world.tess).delete("/teach/").status_code == 405


def test_a_learner_of_another_class_is_not_found(world: World, client_of: ClientOf) -> None:
    page = "classes/{classroom}/learners/{learner}/"
    client = client_of(world.tess)
    assert client.get(address(page, world, learner=world.zed.uuid)).status_code == 404
    assert client.get(address(page, world, learner=world.tess.uuid)).status_code == 404
