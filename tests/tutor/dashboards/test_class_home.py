"""What the class page reads."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries

from tests.tutor.dashboards.support import classmates, respond, trace
from tests.world import World
from tutor.accounts.models import User
from tutor.content.graph import course_graph
from tutor.dashboards.flags import FlagKind
from tutor.dashboards.selectors import class_home
from tutor.responses.models import Regrade
from tutor.roster.models import Enrolment
from tutor.scheduling.goals import assignment_make
from tutor.scheduling.models import SkillStanding
from tutor.tracing.services import version_serving


def test_a_stuck_learner_is_named_with_evidence(world: World, now: datetime) -> None:
    respond(world, world.ada, "a", [False] * 4, at=now - timedelta(days=1))
    respond(world, world.ben, "a", [True] * 4, at=now - timedelta(days=1))
    trace(world, world.ada, world.ben, now=now)
    (row,) = class_home(world.classroom, now=now).needing_help
    assert row.learner == world.ada
    assert [(flag.kind, flag.count, flag.n) for flag in row.flags] == [(FlagKind.STUCK, 0, 4)]


def test_answers_of_three_weeks_ago_raise_no_flag(world: World, now: datetime) -> None:
    respond(world, world.ada, "a", [False] * 4, at=now - timedelta(days=21))
    trace(world, world.ada, now=now)
    assert class_home(world.classroom, now=now).needing_help == ()


def test_a_regrade_takes_the_flag_away(world: World, now: datetime) -> None:
    for response in respond(world, world.ada, "a", [False] * 4, at=now - timedelta(days=1)):
        Regrade.objects.create(
            response=response, is_correct=True, reason="the key was wrong", regraded_at=now
        )
    trace(world, world.ada, now=now)
    home = class_home(world.classroom, now=now)
    assert home.needing_help == ()
    assert sum(day.n_right for day in home.days) == 4


def test_the_week_counts_first_answers_by_day(world: World, now: datetime) -> None:
    respond(world, world.ada, "a", [True, False], at=now - timedelta(days=1))
    respond(world, world.ben, "a", [True], at=now - timedelta(days=1))
    respond(world, world.ada, "a", [True], at=now, is_observation=False)
    respond(world, world.ada, "a", [True], at=now - timedelta(days=7))
    home = class_home(world.classroom, now=now)
    yesterday = home.days[-2]
    assert (yesterday.n, yesterday.n_right, yesterday.n_learners, yesterday.minutes) == (3, 2, 2, 2)
    assert home.week_total == 3
    assert [row.n_week for row in home.roster] == [2, 1]


def test_last_active_is_the_last_response_of_any_kind(world: World, now: datetime) -> None:
    respond(world, world.ada, "a", [True], at=now - timedelta(days=3))
    respond(world, world.ada, "a", [True], at=now - timedelta(days=2), is_observation=False)
    ada, ben = class_home(world.classroom, now=now).roster
    assert ada.last_at == now - timedelta(days=2)
    assert ben.last_at is None


def test_who_was_not_seen_for_a_week_is_away(world: World, now: datetime) -> None:
    Enrolment.objects.update(joined_at=now - timedelta(days=30))
    respond(world, world.ada, "a", [True], at=now - timedelta(days=7))
    away = class_home(world.classroom, now=now).away
    assert [row.learner for row in away] == [world.ben]


def test_a_skill_that_most_lack_is_worth_doing_together(world: World, now: datetime) -> None:
    mates = classmates(world, 2, now=now)
    for learner in (world.ada, *mates):
        respond(world, learner, "b", [False] * 3, at=now - timedelta(days=1))
    respond(world, world.ben, "b", [True] * 6, at=now - timedelta(days=1))
    trace(world, world.ada, world.ben, *mates, now=now)
    (weak,) = class_home(world.classroom, now=now).weak
    assert (weak.skill.key, weak.n_weak, weak.n_known) == ("b", 3, 4)


def test_what_is_due_for_review_still_counts_as_reached(
    world: World, client_of: Callable[[User], Client], now: datetime
) -> None:
    for skill, due_at in (("a", now - timedelta(days=1)), ("b", now + timedelta(days=9))):
        respond(world, world.ada, skill, [True] * 12, at=now - timedelta(days=1))
        SkillStanding.objects.create(
            learner=world.ada,
            skill=world.skills[skill],
            is_mastered=True,
            mastered_at=now - timedelta(days=8),
            review_due_at=due_at,
        )
    trace(world, world.ada, now=now)
    ada, ben = class_home(world.classroom, now=now).roster
    assert (ada.n_mastered, ada.n_due, ada.n_reached, ben.n_reached) == (1, 1, 2, 0)
    page = client_of(world.tess).get(f"/teach/classes/{world.classroom.uuid}/").content.decode()
    assert "Skills mastered or due for review" in page
    assert re.findall(r'numeric">(\d+ of \d+)<', page) == ["2 of 3", "0 of 3"]


@pytest.mark.parametrize("page", ["", "heatmap/", "groups/", "what-if/", "what-if/?{asked}"])
def test_every_page_of_beliefs_says_when_no_fit_serves_yet(
    world: World, client_of: Callable[[User], Client], now: datetime, page: str
) -> None:
    version = version_serving(world.course, now=now)
    asked = f"skill1={world.skills['a'].uuid}&sittings=1&minutes=5"
    target = f"/teach/classes/{world.classroom.uuid}/{page.format(asked=asked)}"
    client = client_of(world.tess)
    assert "No fit serves this course yet" in client.get(target).content.decode()
    if "what-if/?" in page:
        return  # Asking loads the version.
    version.artifact = "somewhere"
    version.save()
    assert "No fit serves this course yet" not in client.get(target).content.decode()


def test_an_empty_class_offers_to_import_a_list(
    world: World, client_of: Callable[[User], Client], now: datetime
) -> None:
    Enrolment.objects.update(left_at=now)
    page = client_of(world.tess).get(f"/teach/classes/{world.classroom.uuid}/").content.decode()
    assert f'href="/teach/classes/{world.classroom.uuid}/roster/import/">Or import a list' in page


def test_the_tag_of_simulated_learners_stands_close_to_what_follows(
    world: World, client_of: Callable[[User], Client], now: datetime
) -> None:
    User.objects.filter(pk=world.ada.pk).update(is_simulated=True)
    Enrolment.objects.update(joined_at=now - timedelta(days=30))
    page = client_of(world.tess).get(f"/teach/classes/{world.classroom.uuid}/").content.decode()
    away = page.split('id="away"')[1].split("</section>")[0]
    assert "simulated</span>, <a" in away


def test_who_left_is_not_on_the_roster(world: World, now: datetime) -> None:
    Enrolment.objects.filter(learner=world.ben).update(left_at=now)
    assert [row.learner for row in class_home(world.classroom, now=now).roster] == [world.ada]


def test_queries_do_not_grow_with_class_or_history(
    world: World, now: datetime, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    version_serving(world.course, now=now)
    course_graph(world.course)
    respond(world, world.ada, "a", [True], at=now)
    trace(world, world.ada, now=now)
    with django_assert_num_queries(7):
        class_home(world.classroom, now=now)
    mates = classmates(world, 8, now=now)
    for mate in mates:
        respond(world, mate, "a", [True, False] * 30, at=now - timedelta(days=1))
    trace(world, *mates, now=now)
    with django_assert_num_queries(7):
        class_home(world.classroom, now=now)


def test_assignments_under_way_are_on_the_class_page_with_the_same_queries_for_many(
    world: World,
    client_of: Callable[[User], Client],
    now: datetime,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    version_serving(world.course, now=now)
    course_graph(world.course)
    trace(world, world.ada, now=now)
    for n in (1, 4):
        for _number in range(n):
            assignment_make(
                world.classroom,
                title="Before the test",
                skill_ids=[world.skills["b"].pk],
                due_at=now + timedelta(days=7),
                by=world.tess,
                now=now,
            )
        with django_assert_num_queries(13):
            home = class_home(world.classroom, now=now)
    assert [(row.n_done, len(row.progress)) for row in home.assignments] == [(0, 2)] * 5
    page = client_of(world.tess).get(f"/teach/classes/{world.classroom.uuid}/").content.decode()
    assert "Before the test" in page
    assert "0 of 2 done" in page
