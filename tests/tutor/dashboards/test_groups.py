"""Suggested groups: the earliest weak skill that learners share."""

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.tutor.dashboards.support import classmates, respond, trace
from tests.tutor.dashboards.test_heatmap import body_of
from tests.world import World
from tutor.accounts.models import User
from tutor.content.graph import course_graph
from tutor.dashboards.groups import GROUP_MOST, groups_suggest
from tutor.tracing.selectors import ClassBeliefs, beliefs_of_learners

ClientOf = Callable[[User], Client]


def beliefs_of(
    world: World, now: datetime, mastery: list[list[float]], *, n: int = 5, days_ago: float = 1.0
) -> ClassBeliefs:
    """Beliefs of made-up learners of skills a -> b -> c."""
    people = classmates(world, len(mastery), now=now)
    made = beliefs_of_learners(people, world.course, now=now)
    shape = made.p_mastery.shape
    at = now.timestamp() / 86_400 - days_ago
    return replace(
        made,
        p_mastery=np.array(mastery),
        upper=np.array(mastery) + 0.05,
        n_observations=np.full(shape, n),
        last_at_days=np.full(shape, at),
    )


def test_who_struggles_later_is_grouped_by_the_earliest_weak_skill(
    world: World, now: datetime
) -> None:
    beliefs = beliefs_of(world, now, [[0.2, 0.3, 0.1], [0.3, 0.9, 0.2], [0.9, 0.9, 0.2]])
    (group,) = groups_suggest(beliefs, course_graph(world.course))
    assert group.skill.key == "a"
    assert group.lesson is not None
    assert group.lesson.title == "Lesson a"
    assert [member.learner_id for member in group.members] == list(beliefs.learner_ids[:2])
    assert [skill.key for skill in group.held] == ["b", "c"]


def test_nobody_is_in_two_groups(world: World, now: datetime) -> None:
    beliefs = beliefs_of(
        world, now, [[0.2, 0.3, 0.1], [0.3, 0.1, 0.2], [0.9, 0.2, 0.9], [0.9, 0.3, 0.9]]
    )
    groups = groups_suggest(beliefs, course_graph(world.course))
    assert [group.skill.key for group in groups] == ["a", "b"]
    everybody = [member.learner_id for group in groups for member in group.members]
    assert len(everybody) == len(set(everybody)) == 4


def test_a_large_group_takes_the_weakest_and_says_how_many_share_it(
    world: World, now: datetime
) -> None:
    n = GROUP_MOST + 1
    beliefs = beliefs_of(world, now, [[0.4 - 0.05 * row, 0.9, 0.9] for row in range(n)])
    (group,) = groups_suggest(beliefs, course_graph(world.course))
    assert group.n_sharing == n
    assert [member.learner_id for member in group.members] == list(beliefs.learner_ids[:0:-1])


@pytest.mark.parametrize(("n", "days_ago"), [(2, 1.0), (5, 40.0)])
def test_little_evidence_or_long_ago_makes_no_group(
    world: World, now: datetime, n: int, days_ago: float
) -> None:
    beliefs = beliefs_of(world, now, [[0.1] * 3] * 3, n=n, days_ago=days_ago)
    assert groups_suggest(beliefs, course_graph(world.course)) == ()


def test_the_page_names_lesson_and_learners_and_costs_the_same_for_more(
    world: World,
    client_of: ClientOf,
    now: datetime,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    client, target = client_of(world.tess), f"/teach/classes/{world.classroom.uuid}/groups/"
    people = classmates(world, 8, now=now)
    for person in people[:2]:
        respond(world, person, "a", [False] * 8, at=now - timedelta(days=1))
        trace(world, person, now=now)
    page = client.get(target).content.decode()
    assert "Lesson a" in page
    assert "Mate 00" in page
    assert "Mate 05" not in page
    assign = page.split('class="button button-small button-primary" href="')[1].split('"')[0]
    made = client.get(assign.replace("&amp;", "&")).content.decode()
    assert "Skill a" in made
    # session, user, class, teacher of it, learners, states, audit
    with django_assert_num_queries(7):
        client.get(target)
    for person in people[2:]:
        respond(world, person, "b", [False] * 9, at=now - timedelta(days=1))
        trace(world, person, now=now)
    with django_assert_num_queries(7):
        client.get(target)


def test_without_groups_the_page_sends_to_the_skills_that_many_lack(
    world: World, client_of: ClientOf, now: datetime
) -> None:
    client, home = client_of(world.tess), f"/teach/classes/{world.classroom.uuid}/"
    page = client.get(f"{home}groups/").content.decode()
    assert "No two learners are held back by the same skill" in page
    # Three wrong answers each: weak for Today, too few to be sure of.
    for person in classmates(world, 3, now=now):
        respond(world, person, "a", [False] * 3, at=now - timedelta(days=1))
        trace(world, person, now=now)
    page = client.get(f"{home}groups/").content.decode()
    assert "answers are sure enough yet to put them into one group" in page
    assert f'href="{home}#together"' in page
    assert "No two learners are held back" not in page


def test_the_csv_has_the_members_and_numbers_of_the_page(
    world: World, client_of: ClientOf, now: datetime
) -> None:
    client, target = client_of(world.tess), f"/teach/classes/{world.classroom.uuid}/groups"
    for person, skill in zip(classmates(world, 4, now=now), "aabb", strict=True):
        respond(world, person, skill, [True, False] + [False] * 8, at=now - timedelta(days=1))
        trace(world, person, now=now)
    page = client.get(f"{target}/").content.decode()
    assert f'href="{target}.csv"' in page
    body = body_of(page)
    sent = client.get(f"{target}.csv")
    assert "attachment" in sent.headers["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(sent.content.decode("utf-8-sig"))))
    shown = [
        [name.strip(), percent.replace("\xa0%", ""), n]
        for name, percent, n in (row for row in body.rows if row)
    ]
    assert [[row["Learner"], row["Mastery %"], row["First answers"]] for row in rows] == shown
    assert [(row["Group"], row["Skill"]) for row in rows] == [
        ("1", "Skill a"), ("1", "Skill a"), ("2", "Skill b"), ("2", "Skill b"),
    ]  # fmt: skip
    assert rows[0]["Lesson"] == "Lesson a"
