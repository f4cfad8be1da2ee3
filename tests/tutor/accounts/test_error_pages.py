"""What people read when something is missing, forbidden, too old or broken."""

from collections.abc import Callable

import pytest
from django.template.loader import render_to_string
from django.test import Client

from tests.world import World
from tutor.accounts.models import User

ClientOf = Callable[[User], Client]


@pytest.mark.django_db
def test_a_missing_page_leads_home(client: Client) -> None:
    response = client.get("/nowhere/")
    assert response.status_code == 404
    assert b"There is nothing here" in response.content
    assert b'href="/"' in response.content


def test_a_forbidden_page_says_for_whom_it_is_not(world: World, client_of: ClientOf) -> None:
    response = client_of(world.tess).get("/learn/")
    assert response.status_code == 403
    assert b"for another kind of account" in response.content


def test_a_form_from_before_a_login_is_refused_in_plain_words(world: World) -> None:
    client = Client(enforce_csrf_checks=True)
    response = client.post("/login/", {"username": "ada", "password": "x"})
    assert response.status_code == 403
    assert b"nothing was recorded" in response.content


def test_the_page_for_what_broke_needs_no_database_and_no_request() -> None:
    assert "not your fault" in render_to_string("500.html")
