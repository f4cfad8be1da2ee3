"""All classes at a glance."""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.tutor.dashboards.support import classmates, respond, trace
from tests.world import World
from tutor.accounts.models import User
from tutor.content.graph import course_graph
from tutor.dashboards.overview import classes_overview
from tutor.dashboards.selectors import class_home
from tutor.responses.models import ResponseKind
from tutor.roster.models import Classroom
from tutor.roster.services import classroom_archive, classroom_create
from tutor.tracing.services import version_serving

ClientOf = Callable[[User], Client]


def classes() -> list[Classroom]:
    return list(Classroom.objects.select_related("course").order_by("name"))


def test_figures_are_those_of_the_class_pages(world: World, now: datetime) -> None:
    yesterday = now - timedelta(days=1)
    mates = classmates(world, 4, now=now)
    respond(world, world.ada, "b", [False] * 4, at=yesterday)
    respond(world, world.ben, "a", [True] * 6, at=yesterday)
    respond(world, mates[0], "a", [False] * 6, at=yesterday, kind=ResponseKind.DONT_KNOW)
    respond(world, mates[1], "a", [True, True, False] * 4, at=yesterday)
    # Mastered since: no flag any more.
    respond(world, mates[2], "a", [False] * 3 + [True] * 12, at=yesterday)
    respond(world, mates[3], "a", [False] * 5, at=now - timedelta(days=20))
    respond(world, world.zed, "a", [False] * 3, at=now - timedelta(days=9))
    trace(world, world.ada, world.ben, world.zed, *mates, now=now)
    ours, theirs = classes_overview(classes(), now=now).rows
    home = class_home(world.classroom, now=now)
    assert ours.n_help == len(home.needing_help) == 3
    assert (ours.n_learners, ours.n_active, ours.n_answers) == (6, 5, home.week_total)
    assert (theirs.n_learners, theirs.n_active, theirs.n_help) == (1, 0, 0)


def test_a_learner_in_two_classes_counts_in_both_and_an_archive_in_none(
    world: World, now: datetime
) -> None:
    respond(world, world.ada, "a", [False] * 4, at=now - timedelta(days=1))
    trace(world, world.ada, now=now)
    second = classroom_create(name="Z", course=world.course, teachers=[world.tess], now=now)
    second.enrolments.create(learner=world.ada, joined_at=now)
    overview = classes_overview(classes(), now=now)
    assert [row.n_help for row in overview.rows] == [1, 0, 1]
    classroom_archive(second, is_archived=True, by=world.tess, now=now)
    overview = classes_overview(classes(), now=now)
    assert [row.n_help for row in overview.rows] == [1, 0]
    assert [(row.classroom, row.n_learners, row.n_help) for row in overview.archived] == [
        (second, 1, 0)
    ]


def test_queries_do_not_grow_with_classes_learners_or_history(
    world: World, now: datetime, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    version_serving(world.course, now=now)
    course_graph(world.course)
    respond(world, world.ada, "a", [False] * 4, at=now)
    trace(world, world.ada, now=now)
    with django_assert_num_queries(7):
        classes_overview(classes(), now=now)
    for mate in classmates(world, 6, now=now):
        respond(world, mate, "a", [False] * 30, at=now)
        trace(world, mate, now=now)
        room = classroom_create(name="R", course=world.course, teachers=[world.tess], now=now)
        room.enrolments.create(learner=mate, joined_at=now)
    with django_assert_num_queries(7):
        classes_overview(classes(), now=now)


def test_an_administrator_sees_all_and_searches(world: World, client_of: ClientOf) -> None:
    client = client_of(world.root)
    page = client.get("/teach/").content.decode()
    assert "All classes" in page
    assert 'href="/teach/audit/"' in page
    for words in ("7a", "zoe"):
        found = client.get("/teach/", {"q": words}).content.decode()
        assert "Class 7a" in found
        assert "Class 6b" not in found
    assert "No class with" in client.get("/teach/", {"q": "nope"}).content.decode()
    assert "/teach/audit/" not in client_of(world.tess).get("/teach/").content.decode()
