"""A learner as of a past day, and the week in which the model changed."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.tutor.tracing.logs import log_make, serving, work_off
from tests.tutor.tracing.test_fits import execute
from tests.world import World
from tutor.accounts.models import Role, User
from tutor.accounts.services import account_create
from tutor.content.graph import course_graph
from tutor.content.models import Course
from tutor.practice.home import home_page
from tutor.practice.skill_page import skill_page
from tutor.roster.models import Classroom
from tutor.roster.services import classroom_create, classroom_join
from tutor.tracing import engine
from tutor.tracing.changes import SHOWN_FOR, beliefs_before, role_change
from tutor.tracing.history import beliefs_on
from tutor.tracing.models import ModelVersion
from tutor.tracing.services import version_serving

ClientOf = Callable[[User], Client]


@pytest.fixture(autouse=True)
def _own_artifacts(settings: LazySettings, tmp_path: Path) -> Iterator[None]:
    settings.VAR_DIR = tmp_path
    engine._fitted.cache_clear()
    yield
    engine._fitted.cache_clear()


@pytest.fixture
def course(db: None, now: datetime) -> Course:
    return log_make(now=now)


@pytest.fixture
def learner(course: Course) -> User:
    return User.objects.get(username="log0")


@pytest.fixture
def classroom(course: Course, learner: User, now: datetime) -> Classroom:
    tess = account_create(username="tess", display_name="Tess", role=Role.TEACHER)
    classroom = classroom_create(name="6b", course=course, teachers=[tess], now=now)
    classroom_join(learner, join_code=classroom.join_code, now=now)
    return classroom


def page_of(classroom: Classroom, learner: User) -> str:
    return f"/teach/classes/{classroom.uuid}/learners/{learner.uuid}/"


def test_a_past_day_shows_what_was_believed_then(
    classroom: Classroom, learner: User, client_of: ClientOf, now: datetime
) -> None:
    client, course = client_of(classroom.teachers.get()), classroom.course
    version_serving(course, now=now - timedelta(days=90))
    day = (now - timedelta(days=50)).date()
    beliefs = beliefs_on(learner, course, day=day)
    n_begun = int((beliefs.n_observations > 0).sum())
    assert n_begun > 0
    target = f"{page_of(classroom, learner)}?as_of={day.isoformat()}"
    answer = client.get(target, headers={"HX-Request": "true", "HX-Target": "as-of"})
    fragment = answer.content.decode()
    assert fragment.lstrip().startswith('<section id="as-of"')
    assert fragment.count('<th scope="row">') == n_begun
    assert f"At the end of {day.day} {day:%b %Y}" in fragment
    execute(course, now)
    work_off(now)
    assert (
        client.get(target, headers={"HX-Request": "true", "HX-Target": "as-of"}).content.decode()
        == fragment
    )
    assert 'id="as-of"' in client.get(target).content.decode()


@pytest.mark.parametrize(
    ("day", "words"),
    [("2026-03-03", "is still to come"), ("yesterday", "Enter a valid date"), ("", "required")],
)
def test_a_day_that_cannot_be_meant_is_refused_with_words(
    classroom: Classroom, learner: User, client_of: ClientOf, day: str, words: str
) -> None:
    client = client_of(classroom.teachers.get())
    answer = client.get(f"{page_of(classroom, learner)}?as_of={day}")
    assert answer.status_code == 422
    assert words in answer.content.decode()


def test_a_day_before_the_first_answer_says_so(
    classroom: Classroom, learner: User, client_of: ClientOf
) -> None:
    client = client_of(classroom.teachers.get())
    page = client.get(f"{page_of(classroom, learner)}?as_of=2020-01-01").content.decode()
    assert "No answer counted until the end of 1 Jan 2020." in page


def test_a_day_whose_version_is_lost_says_so(
    classroom: Classroom, learner: User, client_of: ClientOf, now: datetime
) -> None:
    version = version_serving(classroom.course, now=now)
    ModelVersion.objects.filter(pk=version.pk).update(artifact="gone/away")
    client = client_of(classroom.teachers.get())
    page = client.get(f"{page_of(classroom, learner)}?as_of=2026-02-20").content.decode()
    assert "cannot be loaded any more" in page


def test_for_a_week_both_numbers_are_shown_then_no_more(
    classroom: Classroom,
    learner: User,
    client_of: ClientOf,
    now: datetime,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    course, client = classroom.course, client_of(classroom.teachers.get())
    cold = version_serving(course, now=now - timedelta(days=90))
    assert role_change(cold, now=now) is None
    assert "The model changed" not in client.get(page_of(classroom, learner)).content.decode()
    execute(course, now)
    work_off(now)
    soon = now + timedelta(hours=2)
    version = serving(course)
    change = role_change(version, now=soon)
    assert change is not None
    assert (change.previous, change.at) == (cold, version.served_from)
    before = beliefs_before(learner, course, change, now=soon)
    assert before is not None
    home = home_page(learner, course, now=soon)
    assert home.change == change
    skill = next(skill for skill in course_graph(course).skills if skill.key == "a")
    page = skill_page(learner, course, skill, now=soon)
    assert page.belief_before == before.of(skill.id)
    assert page.row.belief.p_correct != page.belief_before.p_correct
    own = client_of(learner)
    assert version.served_from is not None
    with django_assert_num_queries(0):
        assert role_change(version, now=version.served_from + SHOWN_FOR + timedelta(1)) is None
    late = version.served_from + SHOWN_FOR + timedelta(days=1)
    assert home_page(learner, course, now=late).change is None
    assert skill_page(learner, course, skill, now=late).belief_before is None
    assert own.get(f"/learn/{course.uuid}/").status_code == 200


def test_pages_tell_of_the_change_in_words(
    classroom: Classroom,
    learner: User,
    client_of: ClientOf,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    course = classroom.course
    version_serving(course, now=now - timedelta(days=90))
    execute(course, now)
    work_off(now)
    soon = now + timedelta(hours=2)
    for module in ("tutor.dashboards.views.learners", "tutor.practice.views.course"):
        monkeypatch.setattr(f"{module}.now_utc", lambda: soon)
    page = client_of(classroom.teachers.get()).get(page_of(classroom, learner)).content.decode()
    assert "The model changed on 2 Mar 2026. From the same answers it says" in page
    own = client_of(learner)
    home = own.get(f"/learn/{course.uuid}/").content.decode()
    assert "Since 2 March another model reckons your numbers" in home
    skill = course.skills.get(key="a")
    shown = own.get(f"/learn/{course.uuid}/skills/{skill.uuid}/").content.decode()
    assert "the one before would say" in shown


def test_the_cold_start_is_no_change(world: World, now: datetime) -> None:
    assert role_change(version_serving(world.course, now=now), now=now) is None


def test_an_earlier_version_that_is_gone_costs_only_its_number(
    course: Course, learner: User, now: datetime
) -> None:
    cold = version_serving(course, now=now - timedelta(days=90))
    execute(course, now)
    work_off(now)
    ModelVersion.objects.filter(pk=cold.pk).update(artifact="gone/away")
    soon = now + timedelta(hours=2)
    change = role_change(serving(course), now=soon)
    assert change is not None
    assert beliefs_before(learner, course, change, now=soon) is None
