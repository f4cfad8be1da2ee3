"""A skill that is new starts with its lesson."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.test import Client

from tests.world import World
from tutor.accounts.models import User
from tutor.common.clock import now_utc
from tutor.practice.beginning import opening_read
from tutor.practice.models import Activity, Session
from tutor.practice.recording import activity_of
from tutor.practice.screen import screen_build
from tutor.practice.services import answer_submit, session_start
from tutor.responses.models import Response

ClientOf = Callable[[User], Client]


@pytest.fixture
def session(world: World) -> Session:
    return session_start(world.ada, world.course, now=now_utc())


def activity(session: Session) -> Activity:
    found = activity_of(session)
    assert found is not None
    return found


def page(client: Client, session: Session) -> str:
    return client.get(f"/practice/{session.uuid}/").content.decode()


@pytest.mark.parametrize("htmx", [True, False])
def test_the_lesson_comes_first_and_leads_to_the_problem(
    world: World, session: Session, client_of: ClientOf, htmx: bool
) -> None:
    client = client_of(world.ada)
    first = page(client, session)
    assert "New: first the lesson" in first
    assert "Read this." in first
    assert "answer-form" not in first
    response = client.post(
        f"/practice/{session.uuid}/read/",
        {"attempt_token": str(activity(session).attempt_token)},
        headers={"HX-Request": "true"} if htmx else {},
        follow=True,
    )
    shown = response.content.decode()
    assert "answer-form" in shown
    assert "New: first the lesson" not in shown
    assert "answer-form" in page(client, session)
    assert not Response.objects.exists()


def test_time_on_a_problem_begins_after_its_lesson(session: Session) -> None:
    begun = activity(session)
    read_at = begun.step_shown_at + timedelta(minutes=4)
    opening_read(session, attempt_token=begun.attempt_token, now=read_at)
    answer_submit(
        session,
        raw_answer="7",
        attempt_token=begun.attempt_token,
        now=read_at + timedelta(seconds=9),
    )
    assert Response.objects.get().elapsed_ms == 9000


def test_reading_twice_does_not_wind_the_clock_back(session: Session) -> None:
    begun = activity(session)
    at = begun.step_shown_at
    for minutes in (1, 5):
        moment = at + timedelta(minutes=minutes)
        opening_read(session, attempt_token=begun.attempt_token, now=moment)
    assert activity(session).step_shown_at == at + timedelta(minutes=1)


def test_an_answer_given_elsewhere_leaves_the_lesson_behind(
    session: Session, now: datetime
) -> None:
    answer_submit(
        session,
        raw_answer="12",
        attempt_token=activity(session).attempt_token,
        now=now_utc(),
    )
    shown = screen_build(session, now=now_utc())
    assert shown is not None
    assert shown.opening is None


def test_a_skill_that_was_begun_has_no_lesson_before_it(world: World, session: Session) -> None:
    Activity.objects.update(opening="")
    shown = screen_build(session, now=now_utc())
    assert shown is not None
    assert shown.opening is None


def test_what_spins_begins_with_its_examples_only(world: World, session: Session) -> None:
    Activity.objects.update(opening="example")
    shown = screen_build(session, now=now_utc())
    assert shown is not None
    assert shown.opening is not None
    assert shown.opening.is_example
    assert [example.title for example in shown.opening.lessons[0].examples] == ["One"]
