"""Joining a class by its code, with and without an account."""

from collections.abc import Callable

from django.test import Client

from tests.world import World
from tutor.accounts.models import User
from tutor.accounts.services import account_create
from tutor.practice import joining
from tutor.roster.models import Enrolment

ClientOf = Callable[[User], Client]


def fields(world: World, **changes: str) -> dict[str, str]:
    given = {
        "code": world.classroom.join_code,
        "name": "Nia",
        "username": "nia",
        "password": "gentle zebra 81",
    }
    return given | changes


def test_a_newcomer_gets_an_account_a_place_and_a_login(world: World, client: Client) -> None:
    code = world.classroom.join_code.lower()
    response = client.post("/join/", fields(world, code=f"{code[:4]}-{code[4:]}"))
    assert response["Location"] == "/learn/"
    nia = User.objects.get(username="nia")
    assert nia.is_learner
    assert Enrolment.objects.filter(learner=nia, classroom=world.classroom).exists()
    assert client.get("/learn/").status_code == 200


def test_an_unknown_code_makes_no_account(world: World, client: Client) -> None:
    response = client.post("/join/", fields(world, code="WRONGCOD"))
    assert response.status_code == 422
    assert b"No class has this code" in response.content
    assert not User.objects.filter(username="nia").exists()


def test_a_taken_username_and_a_weak_password_come_back_with_the_form(
    world: World, client: Client
) -> None:
    taken = client.post("/join/", fields(world, username="ADA"))
    assert taken.status_code == 422
    assert b"is taken" in taken.content
    weak = client.post("/join/", fields(world, password="password"))
    assert weak.status_code == 422
    assert b"too common" in weak.content
    same = client.post("/join/", fields(world, username="niabell1", password="niabell1"))
    assert same.status_code == 422
    assert User.objects.filter(username__istartswith="nia").count() == 0


def test_a_learner_with_an_account_needs_the_code_only(world: World, client_of: ClientOf) -> None:
    learner = account_create(username="nia", display_name="Nia")
    client = client_of(learner)
    assert client.post("/join/", {"code": world.classroom.join_code}).status_code == 302
    again = client.post("/join/", {"code": world.classroom.join_code})
    assert again.status_code == 422
    assert b"already" in again.content


def test_teachers_do_not_join(world: World, client_of: ClientOf) -> None:
    assert client_of(world.tess).get("/join/").status_code == 403
    assert client_of(world.tess).post("/join/", {"code": "x"}).status_code == 403


def test_other_methods_are_refused(world: World, client: Client) -> None:
    assert client.put("/join/").status_code == 405


def test_guessing_codes_is_slowed_down(world: World, client: Client) -> None:
    for _ in range(joining.WRONG_CODES):
        assert client.post("/join/", fields(world, code="WRONGCOD")).status_code == 422
    response = client.post("/join/", fields(world))
    assert response.status_code == 429
    assert b"Wait a little" in response.content
    assert not User.objects.filter(username="nia").exists()


def test_a_whole_class_joins_from_one_address(world: World, client: Client) -> None:
    for number in range(40):
        visitor = Client()
        given = fields(world, username=f"pupil{number}", name=f"Pupil {number}")
        assert visitor.post("/join/", given).status_code == 302
