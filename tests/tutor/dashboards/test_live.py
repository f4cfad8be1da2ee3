"""The class now: who works, who may be stuck, who is away; and what it costs."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.tutor.dashboards.support import classmates, respond
from tests.world import World
from tutor.accounts.models import User
from tutor.content.graph import course_graph
from tutor.dashboards.live import STILL_AFTER, Now, live_of_class
from tutor.practice.services import session_end, session_start

ClientOf = Callable[[User], Client]


def states(world: World, now: datetime) -> dict[str, Now]:
    return {row.learner.username: row.now for row in live_of_class(world.classroom, now=now)}


def test_who_sits_is_working_and_who_does_not_is_away(world: World, now: datetime) -> None:
    session_start(world.ada, world.course, now=now - timedelta(minutes=1))
    first, second = live_of_class(world.classroom, now=now)
    assert (first.learner, first.now) == (world.ada, Now.WORKING)
    assert first.skill is not None
    assert first.skill.key == "a"
    assert first.problem.startswith("Sums a")
    assert (second.learner, second.now) == (world.ben, Now.AWAY)


def test_three_wrong_in_a_row_may_be_stuck_and_stand_first(world: World, now: datetime) -> None:
    session_start(world.ada, world.course, now=now - timedelta(minutes=1))
    session_start(world.ben, world.course, now=now - timedelta(minutes=1))
    respond(world, world.ben, "a", [True, False, False, False], at=now)
    assert list(states(world, now).items()) == [("ben", Now.STUCK), ("ada", Now.WORKING)]
    respond(world, world.ben, "a", [True], at=now)
    assert states(world, now)["ben"] is Now.WORKING


def test_long_on_a_step_is_quiet_then_away(world: World, now: datetime) -> None:
    session_start(world.ada, world.course, now=now)
    later = now + STILL_AFTER + timedelta(seconds=1)
    assert states(world, later)["ada"] is Now.STILL
    assert states(world, now + timedelta(minutes=16))["ada"] is Now.AWAY


def test_who_ended_the_sitting_is_away(world: World, now: datetime) -> None:
    session = session_start(world.ada, world.course, now=now)
    session_end(session, now=now)
    assert states(world, now)["ada"] is Now.AWAY


def test_htmx_gets_the_table_alone_and_a_link_renews_without(
    world: World, client_of: ClientOf
) -> None:
    target = f"/teach/classes/{world.classroom.uuid}/now/"
    client = client_of(world.tess)
    part = client.get(target, headers={"HX-Request": "true"}).content.decode()
    assert part.lstrip().startswith('<div id="live-class"')
    page = client.get(target).content.decode()
    assert f'href="{target}"' in page
    # What tells of news stays while the table is swapped.
    assert 'role="status"' not in part
    assert page.count('role="status"') == 1
    assert 'data-said="0 learners may be stuck"' in part


@pytest.mark.parametrize("n_each", [1, 30])
def test_queries_do_not_grow(
    world: World,
    client_of: ClientOf,
    now: datetime,
    n_each: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    course_graph(world.course)
    for mate in classmates(world, 2 * n_each // 10 + 1, now=now):
        session_start(mate, world.course, now=now)
        respond(world, mate, "a", [True] * n_each, at=now)
    client = client_of(world.tess)
    target = f"/teach/classes/{world.classroom.uuid}/now/"
    # session, user, class, teacher of it; learners, activities, sittings, answers; audit
    with django_assert_num_queries(9):
        client.get(target)
