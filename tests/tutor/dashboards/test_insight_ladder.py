"""The ladder for what a class's answers say: who gets in, and what everybody else is told."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.test import Client

from tests.world import World
from tutor.accounts.models import User
from tutor.content.models import Step
from tutor.dashboards.insight_urls import urlpatterns

ClientOf = Callable[[User], Client]

SHOWN = (
    "items/",
    "items.csv",
    "items/{step}/",
    "groups/",
    "groups.csv",
    "now/",
    "what-if/",
    "what-if.csv",
    "graph/",
    "learners/{learner}/report/",
)
DEEDS = ("graph/decide/", "graph/decisions/{decision}/withdraw/")


def address(page: str, world: World, *, classroom: object = None) -> str:
    step = Step.objects.filter(course=world.course).order_by("pk")[0]
    below = page.format(step=step.uuid, learner=world.ada.uuid, decision=uuid4())
    return f"/teach/classes/{classroom or world.classroom.uuid}/{below}"


def test_every_address_is_on_the_ladder() -> None:
    names = {"step": "step_uuid", "learner": "learner_uuid", "decision": "decision_uuid"}
    known = set()
    for page in (*SHOWN, *DEEDS):
        for word, name in names.items():
            page = page.replace(f"{{{word}}}", f"<uuid:{name}>")
        known.add(page)
    assert {str(url.pattern) for url in urlpatterns} == known


@pytest.mark.parametrize("page", SHOWN)
def test_the_teacher_and_the_administrator_get_in(
    world: World, client_of: ClientOf, page: str
) -> None:
    for user in (world.tess, world.root):
        target = address(page, world)
        if page == "what-if.csv":
            target += f"?skill1={world.skills['a'].uuid}&sittings=1&minutes=5"
        assert client_of(user).get(target).status_code == 200


@pytest.mark.parametrize("page", [*SHOWN, *DEEDS])
def test_everybody_else_is_told_as_the_style_says(
    world: World, client_of: ClientOf, page: str
) -> None:
    target = address(page, world)
    method = "post" if page in DEEDS else "get"
    login = getattr(Client(), method)(target)
    assert login.status_code == 302
    assert login.headers["Location"].startswith("/login/")
    for user, status in ((world.ada, 403), (world.zed, 404), (world.zoe, 404)):
        assert getattr(client_of(user), method)(target).status_code == status
    teacher = client_of(world.tess)
    assert getattr(teacher, method)(address(page, world, classroom=uuid4())).status_code == 404
    assert getattr(teacher, method)(address(page, world, classroom="17")).status_code == 404


@pytest.mark.parametrize("page", SHOWN)
def test_what_shows_refuses_to_be_posted_to(world: World, client_of: ClientOf, page: str) -> None:
    assert client_of(world.tess).post(address(page, world)).status_code == 405


@pytest.mark.parametrize("page", DEEDS)
def test_deeds_refuse_to_be_looked_at(world: World, client_of: ClientOf, page: str) -> None:
    assert client_of(world.tess).get(address(page, world)).status_code == 405


def test_a_learner_of_another_class_is_not_found(world: World, client_of: ClientOf) -> None:
    page = f"/teach/classes/{world.classroom.uuid}/learners/{world.zed.uuid}/report/"
    assert client_of(world.tess).get(page).status_code == 404
