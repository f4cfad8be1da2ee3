"""Placement: its page, its questions, and where it leads."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from django.test import Client

from tests.world import World
from tutor.accounts.models import User
from tutor.accounts.services import account_create
from tutor.common.clock import now_utc
from tutor.content.models import Problem
from tutor.practice.models import Activity, Session, SessionKind
from tutor.practice.placing import (
    placing_answer,
    placing_dont_know,
    placing_session,
    placing_start,
    placing_stop,
)
from tutor.practice.recording import Deed, activity_of
from tutor.practice.services import answer_submit, session_open, session_start
from tutor.responses.models import Response, ResponseKind, ResponseSource
from tutor.scheduling.models import Placement, Plan
from tutor.scheduling.selectors import statuses_of_learner
from tutor.scheduling.services import offer_for
from tutor.scheduling.statuses import Status

ClientOf = Callable[[User], Client]


@pytest.fixture
def session(world: World) -> Session:
    """Ada's placement with its first question on the screen."""
    return placing_start(world.ada, world.course, now=now_utc())


def activity(session: Session) -> Activity:
    found = activity_of(session)
    assert found is not None
    return found


def address(world: World, deed: str = "") -> str:
    return f"/learn/{world.course.uuid}/placement/{deed}"


def page_of(client: Client, world: World) -> str:
    response = client.get(address(world))
    assert response.status_code == 200
    return re.sub(r"\s+", " ", response.content.decode())


def post(client: Client, session: Session, deed: str, *, htmx: bool = False, **fields: str):  # type: ignore[no-untyped-def]
    data = {"attempt_token": str(activity(session).attempt_token), "kind": "number"} | fields
    headers = {"HX-Request": "true"} if htmx else {}
    return client.post(f"/placement/{session.uuid}/{deed}/", data, headers=headers)


def test_home_offers_a_placement_to_whoever_has_answered_nothing(
    world: World, client_of: ClientOf, now: datetime
) -> None:
    client = client_of(world.ada)
    assert "New here? Find where to begin" in client.get("/learn/").content.decode()
    session = session_start(world.ada, world.course, now=now_utc())
    open_session = session_open(world.ada, world.course, now=now_utc())
    assert open_session == session
    assert "No marks" in page_of(client, world)


def test_an_open_placement_waits_on_home_and_resumes_on_any_device(
    world: World, session: Session, client_of: ClientOf
) -> None:
    assert "Your placement is waiting" in client_of(world.ada).get("/learn/").content.decode()
    shown = activity(session)
    again = placing_start(world.ada, world.course, now=now_utc())
    assert (again, activity(again)) == (session, shown)
    assert "Question 1, at most 25" in page_of(client_of(world.ada), world)


def test_a_right_answer_is_an_observation_of_the_placement_and_the_next_question_comes(
    world: World, session: Session
) -> None:
    first = activity(session)
    outcome = placing_answer(
        session, raw_answer="7", attempt_token=first.attempt_token, now=now_utc()
    )
    assert outcome.deed is Deed.RECORDED
    response = Response.objects.get()
    assert (response.source, response.kind) == (ResponseSource.PLACEMENT, ResponseKind.ANSWER)
    assert (response.is_observation, response.is_correct) == (True, True)
    placement = Placement.objects.get()
    assert placement.answers == [[first.skill_id_aim, True]]
    following = activity_of(session)
    assert (following is None) == (placement.ended_at is not None)
    assert following is None or following.pk != first.pk
    assert not Plan.objects.exists()


def test_a_wrong_answer_is_told_no_verdict(
    world: World, session: Session, client_of: ClientOf
) -> None:
    response = post(client_of(world.ada), session, "answer", htmx=True, answer="12")
    page = response.content.decode()
    assert response.status_code == 200
    assert "You multiplied" not in page
    assert "Not yet" not in page


def test_not_knowing_counts_as_not_known(world: World, session: Session) -> None:
    shown = activity(session)
    placing_dont_know(session, attempt_token=shown.attempt_token, now=now_utc())
    assert Response.objects.get().kind == ResponseKind.DONT_KNOW
    assert Placement.objects.get().answers == [[shown.skill_id_aim, False]]


@pytest.mark.parametrize("htmx", [True, False])
def test_an_unreadable_answer_stays_in_its_field_and_counts_nothing(
    world: World, session: Session, client_of: ClientOf, htmx: bool
) -> None:
    response = post(client_of(world.ada), session, "answer", htmx=htmx, answer="seven?")
    assert response.status_code == 422
    page = response.content.decode()
    assert 'value="seven?"' in page
    assert "Nothing was counted." in page
    assert ("<html" in page) is not htmx
    assert not Response.objects.exists()
    assert Placement.objects.get().answers == []


def test_a_resent_answer_counts_once(world: World, session: Session) -> None:
    token = activity(session).attempt_token
    deeds = [
        placing_answer(session, raw_answer="7", attempt_token=token, now=now_utc()).deed
        for _ in "ab"
    ]
    assert deeds == [Deed.RECORDED, Deed.REPEATED]
    assert len(Placement.objects.get().answers) == 1


def test_it_ends_by_itself_and_says_where_to_begin_as_a_range(
    world: World, session: Session, client_of: ClientOf
) -> None:
    for _ in range(25):
        if activity_of(session) is None:
            break
        placing_answer(
            session,
            raw_answer="7",
            attempt_token=activity(session).attempt_token,
            now=now_utc(),
        )
    placement = Placement.objects.get()
    assert placement.is_complete
    assert 1 <= len(placement.answers) <= 25
    page = page_of(client_of(world.ada), world)
    assert "Where you can begin" in page
    assert "You probably know" in page
    assert "of the 3 skills already" in page
    assert placing_session(world.ada, world.course) is None


def test_stopping_early_keeps_what_was_answered(
    world: World, session: Session, client_of: ClientOf
) -> None:
    client = client_of(world.ada)
    placing_dont_know(session, attempt_token=activity(session).attempt_token, now=now_utc())
    if Placement.objects.get().ended_at is None:
        response = client.post(f"/placement/{session.uuid}/stop/", follow=True)
        assert "Where you can begin" in response.content.decode()
    assert len(Placement.objects.get().answers) == 1
    assert "New here?" not in client.get("/learn/").content.decode()


def test_stopping_before_any_answer_begins_at_the_beginning(
    world: World, session: Session, client_of: ClientOf
) -> None:
    placing_stop(session, now=now_utc())
    assert "so you begin at the beginning" in page_of(client_of(world.ada), world)


def test_practice_and_placement_do_not_end_each_other(
    world: World, session: Session, client_of: ClientOf
) -> None:
    practice = session_start(world.ada, world.course, now=now_utc())
    session.refresh_from_db()
    assert (practice.kind, session.ended_at) == (SessionKind.PRACTICE, None)
    assert practice != session


def test_a_course_without_a_step_says_that_there_is_nothing_to_ask(
    world: World, client_of: ClientOf
) -> None:
    Problem.objects.update(is_retired=True)
    response = client_of(world.ada).post(address(world, "start/"), follow=True)
    assert "no questions yet" in response.content.decode()


def test_an_answer_without_a_login_is_kept_and_sent_after_it(
    world: World, session: Session, client: Client, client_of: ClientOf
) -> None:
    response = post(client, session, "answer", answer="7")
    assert response["Location"].startswith("/login/?next=")
    client.force_login(world.ada, backend="django.contrib.auth.backends.ModelBackend")
    kept = client.get(f"/practice/{session.uuid}/kept/").content.decode()
    assert f'action="/placement/{session.uuid}/answer/"' in kept
    assert f'href="{address(world)}"' in kept


def test_placement_is_for_the_learners_of_the_course(
    world: World, session: Session, client: Client, client_of: ClientOf
) -> None:
    stranger = client_of(account_create(username="sam", display_name="Sam"))
    for client_, status in ((client, 302), (stranger, 404), (client_of(world.tess), 403)):
        assert client_.get(address(world)).status_code == status
        assert client_.post(address(world, "start/")).status_code == status
    assert client_of(world.ada).post(address(world)).status_code == 405
    for deed in ("answer", "dont-know", "stop"):
        assert client_of(world.ben).post(f"/placement/{session.uuid}/{deed}/").status_code == 404
        assert client_of(world.tess).post(f"/placement/{session.uuid}/{deed}/").status_code == 403
        assert client_of(world.ada).get(f"/placement/{session.uuid}/{deed}/").status_code == 405
        assert client_of(world.ada).post(f"/placement/{uuid4()}/{deed}/").status_code == 404


def test_deeds_of_practice_do_not_reach_a_placement(
    world: World, session: Session, client_of: ClientOf
) -> None:
    token = str(activity(session).attempt_token)
    client = client_of(world.ada)
    for deed in ("answer", "hint", "dont-know", "continue"):
        address_ = f"/practice/{session.uuid}/{deed}/"
        assert client.post(address_, {"attempt_token": token}).status_code == 404
    assert not Response.objects.exists()


def test_a_page_out_of_date_says_so(world: World, session: Session, client_of: ClientOf) -> None:
    response = client_of(world.ada).post(
        f"/placement/{session.uuid}/answer/", {"attempt_token": "x"}, follow=True
    )
    assert "That page was out of date." in response.content.decode()


def test_a_placement_may_lie_for_days(world: World, session: Session) -> None:
    later = now_utc() + timedelta(days=3)
    assert placing_start(world.ada, world.course, now=later) == session


def test_what_was_asked_and_not_known_is_not_opened_by_asking(
    world: World, session: Session
) -> None:
    while (asked := activity_of(session)) is not None:
        placing_dont_know(session, attempt_token=asked.attempt_token, now=now_utc())
    statuses = statuses_of_learner(world.ada, world.course, now=now_utc())
    assert statuses[world.skills["a"].pk].is_open
    assert statuses[world.skills["b"].pk].status is Status.LOCKED
    assert statuses[world.skills["c"].pk].status is Status.LOCKED


def test_a_skill_that_only_a_placement_asked_for_starts_with_its_lesson(
    world: World, session: Session
) -> None:
    while (asked := activity_of(session)) is not None:
        placing_dont_know(session, attempt_token=asked.attempt_token, now=now_utc())
    Response.objects.update(skill_ids=[world.skills["a"].pk])
    practice = session_start(world.ada, world.course, now=now_utc())
    begun = activity(practice)
    assert begun.skill_id_aim == world.skills["a"].pk
    assert begun.opening == "lesson"


def test_a_skill_that_only_a_placement_asked_for_is_called_new(
    world: World, session: Session, client_of: ClientOf
) -> None:
    client = client_of(world.ada)
    while (asked := activity_of(session)) is not None:
        placing_dont_know(session, attempt_token=asked.attempt_token, now=now_utc())
    Response.objects.update(skill_ids=[world.skills["a"].pk])
    home = client.get("/learn/").content.decode()
    assert "Something new" in home
    assert "You have begun to learn" not in home
    practice = session_start(world.ada, world.course, now=now_utc())
    assert activity(practice).reason.startswith("New: ")
    begun = activity(practice)
    answer_submit(practice, raw_answer="12", attempt_token=begun.attempt_token, now=now_utc())
    offer = offer_for(world.ada, world.course, now=now_utc())
    again = [one for one in offer.candidates if one.skill_id == begun.skill_id_aim]
    assert [one.is_new for one in again] == [False]
