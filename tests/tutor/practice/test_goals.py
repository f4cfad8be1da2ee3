"""The learner's own goal, and home's way to it."""

import re
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client

from tests.world import World
from tutor.accounts.models import User
from tutor.common.clock import now_utc
from tutor.practice.home import range_text
from tutor.scheduling.goals import assignment_make
from tutor.scheduling.models import Goal

ClientOf = Callable[[User], Client]


def home(client: Client, world: World) -> str:
    page = client.get(f"/learn/{world.course.uuid}/").content.decode()
    return re.sub(r"\s+", " ", page)


def test_the_way_to_the_whole_course_is_told_as_a_range(world: World, client_of: ClientOf) -> None:
    page = home(client_of(world.ada), world)
    assert "The whole course" in page
    assert re.search(r"3 skills to go, about \d+ to \d+ minutes", page)


def test_a_skill_is_made_the_goal_and_dropped_again(world: World, client_of: ClientOf) -> None:
    client, skill = client_of(world.ada), world.skills["b"]
    skill_page = client.get(f"/learn/{world.course.uuid}/skills/{skill.uuid}/").content.decode()
    assert "Make this my goal" in skill_page
    client.post(f"/learn/{world.course.uuid}/goal/", {"skill": skill.uuid})
    page = home(client, world)
    assert "Your goal: Skill b" in page
    assert "2 skills to go" in page
    client.post(f"/learn/{world.course.uuid}/goal/end/")
    assert "The whole course" in home(client, world)


def test_an_assignment_stands_with_its_date_and_whether_it_fits(
    world: World, client_of: ClientOf
) -> None:
    due = now_utc() + timedelta(days=20)
    assignment_make(
        world.classroom,
        title="Sums by May",
        skill_ids=[world.skills["c"].pk],
        due_at=due,
        by=world.tess,
        now=now_utc(),
    )
    page = home(client_of(world.ada), world)
    assert "Sums by May" in page
    assert f"{due:%B}" in page
    assert "before the date at your pace" in page
    assert "Drop this goal" not in page


@pytest.mark.parametrize("skill", ["", "x", "5a9b75e4-8082-4ea6-b4f5-d4ed0b489da7"])
def test_a_goal_that_is_no_skill_of_the_course_is_not_found(
    world: World, client_of: ClientOf, skill: str
) -> None:
    response = client_of(world.ada).post(f"/learn/{world.course.uuid}/goal/", {"skill": skill})
    assert response.status_code == 404
    assert not Goal.objects.exists()


@pytest.mark.parametrize("deed", ["", "end/"])
def test_goals_are_for_the_learners_of_the_course(
    world: World, client: Client, client_of: ClientOf, deed: str
) -> None:
    address = f"/learn/{world.course.uuid}/goal/{deed}"
    assert client.post(address).status_code == 302
    assert client_of(world.tess).post(address).status_code == 403
    assert client_of(world.ada).get(address).status_code == 405
    assert client_of(world.ada).post(f"/learn/{uuid4()}/goal/{deed}").status_code == 404


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0, 3, "about 5 minutes"),
        (12, 33, "about 10 to 35 minutes"),
        (70, 110, "about 1 to 2 hours"),
        (170, 290, "about 2 to 5 hours"),
        (100, 120, "about 1 to 2 hours"),
        (60, 101, "about 1 to 2 hours"),
    ],
)
def test_time_is_told_as_a_range_rounded_outwards(low: float, high: float, said: str) -> None:
    assert range_text(low, high) == said
