"""Traits and the coming days on the teacher's learner page, with a real PSI-KT that serves."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.world import World
from tutor.accounts.models import Role, User
from tutor.accounts.services import account_create
from tutor.content.models import Course
from tutor.dashboards.forecast import DAYS, FADES_BY, ahead_rows
from tutor.dashboards.trait_rows import duration, duration_range, trait_rows
from tutor.responses.models import Response
from tutor.roster.models import Classroom
from tutor.roster.services import classroom_create, classroom_join
from tutor.tracing.models import LearnerState
from tutor.tracing.selectors import states_of_learners
from tutor.tracing.services import learner_replay, version_serving
from tutor.tracing.traits import Trait, learner_traits

ClientOf = Callable[[User], Client]


@dataclass
class Taught:
    """A class of ten under PSI-KT, and its teacher."""

    classroom: Classroom
    teacher: User
    learners: list[User]

    def address(self, learner: User) -> str:
        return f"/teach/classes/{self.classroom.uuid}/learners/{learner.uuid}/"


@pytest.fixture
def taught(psi_kt_course: Course, now: datetime) -> Taught:
    teacher = account_create(username="tess", display_name="Tess", role=Role.TEACHER)
    classroom = classroom_create(name="6b", course=psi_kt_course, teachers=[teacher], now=now)
    learners = list(User.objects.filter(username__startswith="log").order_by("pk")[:10])
    for learner in learners:
        classroom_join(learner, join_code=classroom.join_code, now=now)
    return Taught(classroom, teacher, learners)


def read(client: Client, target: str) -> str:
    answer = client.get(target)
    assert answer.status_code == 200
    return answer.content.decode()


def card(page: str, head: str) -> str:
    return page.partition(f'aria-labelledby="{head}"')[2].partition("</section>")[0]


def test_the_page_says_how_fast_a_learner_forgets_beside_the_class(
    taught: Taught, client_of: ClientOf, now: datetime
) -> None:
    learner = taught.learners[0]
    held = states_of_learners([one.pk for one in taught.learners], taught.classroom.course, now=now)
    rows = trait_rows(learner_traits(held, learner))
    shown = card(read(client_of(taught.teacher), taught.address(learner)), "traits-head")
    words = " ".join(re.sub(r"<[^>]+>", " ", shown).split())
    half_life = rows[0]
    assert f"Forgets about half in {half_life.value_text} ({half_life.range_text})" in words
    assert f"class median {half_life.median_text}" in words
    assert "as psi_kt_extended sees it" in words
    assert "10 learners of the class have enough answers; their median is the dotted mark" in words
    assert shown.count("trait-middle") == len(rows) == 4
    assert 'href="/teach/how/#traits"' in shown


def test_who_has_few_answers_has_no_traits_but_a_count(
    taught: Taught, client_of: ClientOf, now: datetime
) -> None:
    new = account_create(username="new", display_name="New")
    classroom_join(new, join_code=taught.classroom.join_code, now=now)
    shown = card(read(client_of(taught.teacher), taught.address(new)), "traits-head")
    assert "Not enough evidence yet: 0 of the 30 first answers" in shown
    assert "trait-value" not in shown


def test_under_bkt_the_page_says_that_its_model_has_no_traits(
    world: World, client_of: ClientOf
) -> None:
    target = f"/teach/classes/{world.classroom.uuid}/learners/{world.ada.uuid}/"
    shown = card(read(client_of(world.tess), target), "traits-head")
    assert "(bkt) reckons each skill for itself and knows no traits" in shown
    assert "trait-value" not in shown


def test_a_state_that_cannot_be_read_leaves_the_page_standing(
    taught: Taught, client_of: ClientOf
) -> None:
    learner = taught.learners[0]
    LearnerState.objects.filter(learner=learner).update(blob=b"PSIKwhatever")
    shown = card(read(client_of(taught.teacher), taught.address(learner)), "traits-head")
    assert "knows no traits" in shown


def test_queries_do_not_grow_with_the_class(
    taught: Taught,
    client_of: ClientOf,
    now: datetime,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    client = client_of(taught.teacher)
    target = taught.address(taught.learners[0])
    client.get(target)
    # Two more than under BKT's defaults: that the model changed this week, and the learner's log
    # for what the earlier one says.
    with django_assert_num_queries(20):
        client.get(target)
    for learner in User.objects.filter(username__startswith="log").order_by("pk")[10:]:
        classroom_join(learner, join_code=taught.classroom.join_code, now=now)
    with django_assert_num_queries(20):
        client.get(target)


def test_struggling_skills_come_with_the_coming_days_and_their_ranges(
    taught: Taught, client_of: ClientOf, now: datetime
) -> None:
    learner, course = taught.learners[0], taught.classroom.course
    skill = course.skills.get(key="b")
    Response.objects.filter(learner=learner, skill_ids=[skill.pk]).update(is_correct=False)
    _replay(learner, course, now)
    held = states_of_learners([learner.pk], course, now=now)
    rows = ahead_rows(held, learner, course, now=now)
    struggling = [row for row in rows if row.is_struggling]
    masteries = [row.cells[0].belief.p_mastery for row in struggling]
    assert "b" in [row.skill.key for row in struggling]
    assert masteries == sorted(masteries)
    assert max(masteries) < 0.5
    for row in rows:
        assert [cell.day for cell in row.cells] == list(DAYS)
        if not row.is_struggling:
            lost = row.cells[0].belief.p_mastery - row.cells[-1].belief.p_mastery
            assert lost >= FADES_BY
    shown = card(read(client_of(taught.teacher), taught.address(learner)), "ahead-head")
    assert shown.count('class="ahead-p"') == len(rows) * len(DAYS)
    assert "in 14 days" in shown
    assert "Skill b" in shown


def _replay(learner: User, course: Course, now: datetime) -> None:
    learner_replay(version_serving(course, now=now), learner.pk, now=now)


def test_who_does_well_everywhere_has_no_struggling_row(taught: Taught, now: datetime) -> None:
    learner, course = taught.learners[1], taught.classroom.course
    Response.objects.filter(learner=learner).update(is_correct=True)
    _replay(learner, course, now)
    held = states_of_learners([learner.pk], course, now=now)
    rows = ahead_rows(held, learner, course, now=now)
    assert not any(row.is_struggling for row in rows)


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (0.01, "1 hour"),
        (0.4, "10 hours"),
        (0.6, "1 day"),
        (9.2, "9 days"),
        (89.0, "89 days"),
        (120.0, "4 months"),
        (5000.0, "more than two years"),
    ],
)
def test_a_length_of_time_is_written_in_the_unit_that_fits(days: float, words: str) -> None:
    assert duration(days) == words


@pytest.mark.parametrize(
    ("lengths", "words"),
    [
        ((9.0, 5.0, 20.0), "5 to 20"),
        ((9.0, 0.25, 20.0), "6 hours to 20 days"),
        ((60.0, 20.0, 900.0), "20 days to more than two years"),
        ((900.0, 800.0, 2000.0), "more than two years"),
        ((9.0, 9.1, 9.2), "9"),
    ],
)
def test_a_range_names_its_unit_only_where_it_is_another(
    lengths: tuple[float, float, float], words: str
) -> None:
    assert duration_range(*lengths) == words


def test_a_range_that_tells_nothing_is_marked(psi_kt_course: Course, now: datetime) -> None:
    learner = User.objects.get(username="log0")
    traits = learner_traits(states_of_learners([learner.pk], psi_kt_course, now=now), learner)
    assert isinstance(traits.transfer, Trait)
    assert isinstance(traits.level, Trait)
    by_key = {row.key: row for row in trait_rows(traits)}
    assert by_key["transfer"].is_informed == traits.transfer.is_informed
    assert by_key["level"].is_informed == traits.level.is_informed
