"""The practice page: every deed with and without htmx, and who may do it."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.world import PASSWORD, World
from tutor.accounts.models import User
from tutor.accounts.services import account_create
from tutor.common.clock import now_utc
from tutor.practice.models import Activity, Session
from tutor.practice.services import session_start
from tutor.responses.models import Response

ClientOf = Callable[[User], Client]
HTMX = {"HX-Request": "true"}
DEEDS = ("answer", "scaffold", "hint", "dont-know", "continue")


@pytest.fixture
def sitting(world: World) -> Session:
    """Ada's open sitting on the first skill."""
    return session_start(world.ada, world.course, now=now_utc())


def address(session: Session, deed: str = "") -> str:
    return f"/practice/{session.uuid}/{deed + '/' if deed else ''}"


def activity(session: Session) -> Activity:
    return Activity.objects.get(session=session, finished_at=None)


def post(client: Client, session: Session, deed: str, *, htmx: bool = False, **fields: str) -> Any:
    token = fields.pop("token", str(activity(session).attempt_token))
    given = {"attempt_token": token, "kind": "number", **fields}
    return client.post(address(session, deed), given, headers=HTMX if htmx else {})


def test_start_opens_the_practice_page_and_resumes_it(world: World, client_of: ClientOf) -> None:
    client = client_of(world.ada)
    start = f"/learn/{world.course.uuid}/start/"
    first = client.post(start, {"skill": str(world.skills["a"].pk)})
    assert first.status_code == 302
    assert client.post(start)["Location"] == first["Location"]
    page = client.get(first["Location"]).content.decode()
    assert "Your answer" in page
    assert "<math" in page


def test_a_choice_that_is_gone_leads_back_home_with_a_word(
    world: World, client_of: ClientOf
) -> None:
    response = client_of(world.ada).post(
        f"/learn/{world.course.uuid}/start/", {"skill": "77"}, follow=True
    )
    assert "That suggestion is gone" in response.content.decode()


def test_starting_is_for_the_courses_learners(
    world: World, client_of: ClientOf, client: Client
) -> None:
    start = f"/learn/{world.course.uuid}/start/"
    stranger = account_create(username="sam", display_name="Sam")
    assert client.post(start).status_code == 302
    assert client_of(stranger).post(start).status_code == 404
    assert client_of(world.tess).post(start).status_code == 403
    assert client_of(world.ada).get(start).status_code == 405
    assert client_of(world.ada).post(f"/learn/{uuid4()}/start/").status_code == 404


@pytest.mark.parametrize("deed", [*DEEDS, "preview", "end"])
def test_every_deed_is_the_learners_own_and_a_post(
    world: World, client_of: ClientOf, sitting: Session, deed: str
) -> None:
    given = {"attempt_token": str(activity(sitting).attempt_token)}
    assert client_of(world.ben).post(address(sitting, deed), given).status_code == 404
    assert client_of(world.tess).post(address(sitting, deed), given).status_code == 403
    assert client_of(world.ada).get(address(sitting, deed)).status_code == 405
    assert client_of(world.ada).post(f"/practice/{uuid4()}/{deed}/", given).status_code == 404
    assert not Response.objects.exists()


def test_the_page_itself_is_the_learners_own(
    world: World, client: Client, client_of: ClientOf, sitting: Session
) -> None:
    assert client.get(address(sitting)).status_code == 302
    assert client_of(world.ben).get(address(sitting)).status_code == 404
    assert client_of(world.tess).get(address(sitting)).status_code == 403
    assert client_of(world.ada).post(address(sitting)).status_code == 405


@pytest.mark.parametrize("htmx", [True, False])
def test_a_right_answer_is_praised_and_says_what_is_next(
    world: World, client_of: ClientOf, sitting: Session, htmx: bool
) -> None:
    client = client_of(world.ada)
    response = post(client, sitting, "answer", htmx=htmx, answer="7", elapsed_ms="1200")
    if htmx:
        assert response.status_code == 200
        assert "<html" not in response.content.decode()
    else:
        assert response["Location"] == address(sitting) + "#feedback"
        response = client.get(response["Location"])
    page = response.content.decode()
    assert 'id="feedback-title"' in page
    assert "Worked solution" in page
    assert Response.objects.get().is_correct


def test_a_wrong_answer_gets_its_own_words_and_keeps_the_form(
    world: World, client_of: ClientOf, sitting: Session
) -> None:
    page = post(client_of(world.ada), sitting, "answer", htmx=True, answer="12").content.decode()
    assert "You multiplied." in page
    assert 'value="12"' in page
    assert "data-focus" in page
    assert 'aria-invalid="true"' in page


@pytest.mark.parametrize("htmx", [True, False])
def test_an_unreadable_answer_comes_back_as_422_and_counts_nothing(
    world: World, client_of: ClientOf, sitting: Session, htmx: bool
) -> None:
    response = post(client_of(world.ada), sitting, "answer", htmx=htmx, answer="seven?")
    assert response.status_code == 422
    page = response.content.decode()
    assert 'value="seven?"' in page
    assert "did not count as a try" in page
    assert not Response.objects.exists()


def test_the_same_form_sent_twice_records_once(
    world: World, client_of: ClientOf, sitting: Session
) -> None:
    client, token = client_of(world.ada), str(activity(sitting).attempt_token)
    post(client, sitting, "answer", token=token, answer="7")
    again = post(client, sitting, "answer", token=token, answer="7")
    assert again.status_code == 302
    assert Response.objects.count() == 1


@pytest.mark.parametrize("token", ["", "not-a-token"])
def test_a_form_without_its_token_records_nothing_and_shows_where_things_stand(
    world: World, client_of: ClientOf, sitting: Session, token: str
) -> None:
    client = client_of(world.ada)
    response = client.post(
        address(sitting, "answer"), {"attempt_token": token, "answer": "7"}, follow=True
    )
    assert "out of date" in response.content.decode()
    assert not Response.objects.exists()


def test_hints_open_one_by_one_and_a_scaffold_asks_back(
    world: World, client_of: ClientOf, sitting: Session
) -> None:
    client = client_of(world.ada)
    assert "Count on from 4." in post(client, sitting, "hint", htmx=True).content.decode()
    page = post(client, sitting, "hint", htmx=True).content.decode()
    assert "What comes after 6?" in page
    unread = post(client, sitting, "scaffold", htmx=True, hint_key="s1", answer="?")
    assert unread.status_code == 422
    wrong = post(client, sitting, "scaffold", htmx=True, hint_key="s1", answer="8")
    assert "Not yet. Try once more." in wrong.content.decode()
    right = post(client, sitting, "scaffold", htmx=True, hint_key="s1", answer="7")
    assert "scaffold-right" in right.content.decode()


def test_not_knowing_shows_the_solution_and_goes_on(
    world: World, client_of: ClientOf, sitting: Session
) -> None:
    client = client_of(world.ada)
    shown = activity(sitting)
    page = post(client, sitting, "dont-know", htmx=True).content.decode()
    assert "Here is how it goes" in page
    assert "You will meet this again" in page
    page = post(client, sitting, "continue", htmx=True).content.decode()
    now_shown = activity(sitting)
    assert (now_shown.pk, now_shown.step_index) != (shown.pk, shown.step_index)
    assert "data-focus" in page


def test_stopping_ends_the_sitting(world: World, client_of: ClientOf, sitting: Session) -> None:
    client = client_of(world.ada)
    assert client.post(address(sitting, "end"))["Location"] == f"/learn/{world.course.uuid}/"
    assert "Done for now" in client.get(address(sitting)).content.decode()


def test_the_preview_shows_maths_or_what_was_not_read_and_records_nothing(
    world: World, client_of: ClientOf, sitting: Session
) -> None:
    client = client_of(world.ada)
    maths = client.post(address(sitting, "preview"), {"answer": "3/4"}).content.decode()
    assert "<mfrac" in maths
    problem = client.post(address(sitting, "preview"), {"answer": "3//"}).content.decode()
    assert "preview-problem" in problem
    assert client.post(address(sitting, "preview"), {"answer": " "}).content.strip() == b""
    assert not Response.objects.exists()


@pytest.mark.parametrize("htmx", [True, False])
def test_an_answer_without_a_login_is_kept_and_sent_after_it(
    world: World, client: Client, sitting: Session, htmx: bool
) -> None:
    response = post(client, sitting, "answer", htmx=htmx, answer="7", elapsed_ms="900")
    login = response["HX-Redirect" if htmx else "Location"]
    assert login == f"/login/?next=%2Fpractice%2F{sitting.uuid}%2Fkept%2F"
    assert not Response.objects.exists()
    assert "Your answer is kept" in client.get(login).content.decode()
    after = client.post(login, {"username": "ada", "password": PASSWORD})
    page = client.get(after["Location"])
    kept = page.context["kept"]
    client.post(kept["action"], dict(kept["fields"]))
    assert Response.objects.get().is_correct
    assert client.get(address(sitting, "kept"))["Location"] == address(sitting)


def test_a_kept_answer_is_not_handed_to_somebody_else(
    world: World, client: Client, sitting: Session
) -> None:
    login = post(client, sitting, "answer", answer="7")["Location"]
    after = client.post(login, {"username": "ben", "password": PASSWORD})
    assert client.get(after["Location"]).status_code == 404


def test_a_huge_form_without_a_login_is_not_kept(
    world: World, client: Client, sitting: Session
) -> None:
    response = post(client, sitting, "answer", answer="7" * 9000)
    assert "kept" not in response["Location"]
    assert "kept_answer" not in client.session


def test_a_deed_without_a_login_leads_to_the_login_and_back(
    world: World, client: Client, sitting: Session
) -> None:
    location = post(client, sitting, "hint")["Location"]
    assert location == f"/login/?next=%2Fpractice%2F{sitting.uuid}%2F"


def test_the_practice_page_costs_few_queries_whatever_the_history(
    world: World,
    client_of: ClientOf,
    sitting: Session,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    client = client_of(world.ada)
    for _ in range(5):
        post(client, sitting, "answer", answer="12")
    with django_assert_max_num_queries(9):
        client.get(address(sitting))


def test_after_a_hint_a_right_answer_says_what_counted_and_not_that_the_estimate_falls(
    client_of: ClientOf, world: World, sitting: Session
) -> None:
    client = client_of(world.ada)
    hinted = post(client, sitting, "hint", htmx=True).content.decode()
    assert "Your estimate goes down." in hinted
    solved = post(client, sitting, "answer", htmx=True, answer="7").content.decode()
    assert "Right, with a hint" in solved
    assert "The next question can raise your estimate." in solved
    assert "goes down" not in solved


def test_an_estimate_that_rounds_alike_stays(
    client_of: ClientOf, world: World, sitting: Session
) -> None:
    client = client_of(world.ada)
    post(client, sitting, "answer", answer="7")
    shown = activity(sitting)
    shown.feedback["before"] |= {"p_correct": 0.321, "n_observations": 4}
    shown.feedback["after"] |= {"p_correct": 0.324, "n_observations": 5}
    shown.save()
    page = client.get(address(sitting)).content.decode()
    assert "Your estimate stays at 32\N{NO-BREAK SPACE}%." in page
    shown.feedback["after"]["p_correct"] = 0.41
    shown.save()
    page = client.get(address(sitting)).content.decode()
    assert "From 32\N{NO-BREAK SPACE}% to 41\N{NO-BREAK SPACE}%." in page


def test_a_mastered_skill_is_named(client_of: ClientOf, world: World, sitting: Session) -> None:
    client = client_of(world.ada)
    post(client, sitting, "answer", answer="7")
    shown = activity(sitting)
    skill = world.skills["a"]
    shown.feedback |= {"mastered": [skill.pk], "n_opened": 2}
    shown.save()
    page = client.get(address(sitting)).content.decode()
    assert f"You have mastered <strong>{skill.title}</strong>. 2 new skills are open." in page
