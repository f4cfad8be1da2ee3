"""The report for those at home: what it says, what it never says, and what it costs."""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.tutor.dashboards.support import respond, trace
from tests.world import World
from tutor.accounts.models import User
from tutor.dashboards.report import report_of_learner
from tutor.scheduling.models import SkillStanding

ClientOf = Callable[[User], Client]


def address(world: World) -> str:
    return f"/teach/classes/{world.classroom.uuid}/learners/{world.ada.uuid}/report/"


def lived(world: World, now: datetime) -> None:
    """ada has a, is at b, and saw c once."""
    respond(world, world.ada, "a", [True] * 9, at=now - timedelta(days=3))
    respond(world, world.ada, "b", [False, True, False], at=now - timedelta(days=2))
    trace(world, world.ada, now=now)
    SkillStanding.objects.update_or_create(
        learner=world.ada,
        skill=world.skills["a"],
        defaults={"opened_at": now, "is_mastered": True, "mastered_at": now - timedelta(days=3)},
    )


def test_it_says_what_is_known_begun_and_next(world: World, now: datetime) -> None:
    lived(world, now)
    report = report_of_learner(world.ada, world.course, now=now)
    assert (report.n_days, report.n_answers, report.n_right) == (2, 12, 10)
    assert report.minutes == 6
    assert [known.skill.key for part in report.known for known in part.skills] == ["a"]
    assert (report.n_known, report.n_new) == (1, 1)
    assert [skill.key for skill in report.working] == ["b"]
    assert [skill.key for skill in report.coming] == ["b"]


def test_nobody_else_and_no_percentage_is_in_it(
    world: World, client_of: ClientOf, now: datetime
) -> None:
    lived(world, now)
    respond(world, world.ben, "a", [True] * 5, at=now - timedelta(days=1))
    page = client_of(world.tess).get(address(world)).content.decode()
    article = page.split("<article")[1].split("</article>")[0]
    assert "Ada practised on 2 days" in article
    assert "Ben" not in article
    assert "%" not in article
    for word in ("class median", "mastery", "model", "belief", "interval"):
        assert word not in article


def test_a_beginner_gets_a_kind_report(world: World, client_of: ClientOf) -> None:
    page = client_of(world.tess).get(address(world)).content.decode()
    assert "has not practised in this time" in page
    assert "No skill is finished yet" in page


def test_queries_do_not_grow_with_history(
    world: World,
    client_of: ClientOf,
    now: datetime,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    client = client_of(world.tess)
    lived(world, now)
    client.get(address(world))
    # session, user, class, teacher of it, learner; states, standings, observations, guidance,
    # the prediction role's version, plan; what is new, days; audit
    with django_assert_num_queries(14):
        client.get(address(world))
    respond(world, world.ada, "b", [True, False] * 40, at=now - timedelta(days=1))
    trace(world, world.ada, now=now)
    with django_assert_num_queries(14):
        client.get(address(world))
