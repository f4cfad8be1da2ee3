"""What people read when something is missing, forbidden, too old or broken."""

from collections.abc import Callable

import pytest
from django.template.loader import render_to_string
from django.test import Client, RequestFactory
from django.urls import reverse

from tests.world import World
from tutor.accounts.models import User
from tutor.api.problems import server_error

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


def test_what_breaks_says_so_in_html_on_pages_and_as_problem_details_in_the_api(
    world: World, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: object, **_kwargs: object) -> None:
        raise RuntimeError("secret detail")

    client = client_of(world.tess)
    client.raise_request_exception = False
    monkeypatch.setattr("rest_framework.views.APIView.initial", broken)
    answer = client.get("/api/v1/courses/")
    assert (answer.status_code, answer["Content-Type"]) == (500, "application/problem+json")
    assert answer.json()["code"] == "server_error"
    assert b"secret detail" not in answer.content
    page = server_error(RequestFactory().get("/learn/"))
    assert page.status_code == 500
    assert b"not your fault" in page.content


def test_the_admin_never_deletes_an_account(world: World, client_of: ClientOf) -> None:
    address = reverse("admin:accounts_user_delete", args=[world.ada.pk])
    assert client_of(world.root).post(address, {"post": "yes"}).status_code == 403
    assert User.objects.filter(pk=world.ada.pk).exists()
