"""Logging in and out, the own account and the own tokens."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.test import Client

from tests.world import PASSWORD, World
from tutor.accounts.models import ApiToken, User
from tutor.accounts.services import token_find
from tutor.common.clock import now_utc

ClientOf = Callable[[User], Client]


def token_made(client: Client, **changes: object) -> str:
    """Make a token by the form; return what the page shows."""
    fields = {"name": "sync", "scopes": ["read"], "days": "30"} | changes
    return client.post("/account/tokens/", fields).content.decode()


@pytest.mark.parametrize(
    ("name", "place"), [("ada", "/learn/"), ("tess", "/teach/"), ("root", "/teach/")]
)
def test_home_sends_everybody_to_their_own_pages(
    world: World, client_of: ClientOf, name: str, place: str
) -> None:
    assert client_of(getattr(world, name)).get("/")["Location"] == place


def test_home_sends_visitors_to_the_login(db: None, client: Client) -> None:
    assert client.get("/")["Location"] == "/login/"


def test_login_takes_the_username_in_any_case_and_goes_on_to_next(
    world: World, client: Client
) -> None:
    response = client.post(
        "/login/", {"username": " Ada ", "password": PASSWORD, "next": "/learn/map/"}
    )
    assert response.status_code == 302
    assert response["Location"] == "/learn/map/"


def test_a_wrong_password_is_refused_with_the_form(world: World, client: Client) -> None:
    response = client.post("/login/", {"username": "ada", "password": "wrong"})
    assert response.status_code == 422
    assert b"do not go together" in response.content


def test_login_never_leads_to_another_site(world: World, client: Client) -> None:
    response = client.post(
        "/login/", {"username": "ada", "password": PASSWORD, "next": "https://evil.example/"}
    )
    assert response["Location"] == "/"


def test_ten_wrong_passwords_pause_the_name_and_say_so_calmly(world: World, client: Client) -> None:
    for _ in range(9):
        client.post("/login/", {"username": "ada", "password": "wrong"})
    paused = client.post("/login/", {"username": "ADA", "password": "wrong"})
    assert paused.status_code == 429
    assert b"rests for five minutes" in paused.content
    assert client.post("/login/", {"username": "ada", "password": PASSWORD}).status_code == 429
    assert client.post("/login/", {"username": "ben", "password": PASSWORD}).status_code == 302


def test_a_fragment_that_meets_the_login_moves_the_whole_page(world: World, client: Client) -> None:
    response = client.get(
        "/login/?next=/x/",
        headers={"HX-Request": "true", "HX-Current-URL": "http://testserver/learn/"},
    )
    assert response["HX-Redirect"] == "/login/?next=%2Flearn%2F"


def test_logging_out_takes_a_post(world: World, client_of: ClientOf) -> None:
    client = client_of(world.ada)
    assert client.get("/logout/").status_code == 405
    assert client.post("/logout/")["Location"] == "/login/"
    assert client.get("/learn/").status_code == 302


def test_a_new_password_ends_the_tokens_and_says_so_before_and_after(
    world: World, client_of: ClientOf
) -> None:
    client = client_of(world.tess)
    token_made(client)
    assert "Your API token ends with the old password" in (
        client.get("/account/password/").content.decode()
    )
    fields = {"new_password1": "gentle zebra 81", "new_password2": "gentle zebra 81"}
    done = client.post("/account/password/", {"old_password": PASSWORD, **fields}, follow=True)
    assert "1 API token ended with the old one" in done.content.decode()
    assert ApiToken.objects.get().revoked_at is not None
    # The browser that changed it stays logged in.
    assert client.get("/account/").status_code == 200


def test_a_password_given_in_the_admin_ends_the_tokens(world: World, client_of: ClientOf) -> None:
    token_made(client_of(world.tess))
    fields = {"password1": "gentle zebra 81", "password2": "gentle zebra 81"}
    done = client_of(world.root).post(
        f"/admin/accounts/user/{world.tess.pk}/password/", {**fields, "usable_password": "true"}
    )
    assert done.status_code == 302
    assert ApiToken.objects.get().revoked_at is not None


def test_the_own_password_is_changed_with_the_old_one(world: World, client_of: ClientOf) -> None:
    client = client_of(world.ada)
    fields = {"new_password1": "gentle zebra 81", "new_password2": "gentle zebra 81"}
    assert client.post("/account/password/", {"old_password": "no", **fields}).status_code == 422
    assert (
        client.post("/account/password/", {"old_password": PASSWORD, **fields}).status_code == 302
    )
    world.ada.refresh_from_db()
    assert world.ada.check_password("gentle zebra 81")


def test_the_account_page_opens_for_everybody_logged_in(
    world: World, client: Client, client_of: ClientOf
) -> None:
    assert client.get("/account/").status_code == 302
    own = client_of(world.ada).get("/account/").content.decode()
    assert "API tokens" not in own
    assert f'Class 6b <span class="muted">({world.course.title})</span>' in own
    assert "<dt>Classes</dt>" not in client_of(world.tess).get("/account/").content.decode()
    assert b"API tokens" in client_of(world.tess).get("/account/").content
    assert client_of(world.ada).post("/account/").status_code == 405


def test_a_simulated_account_is_labelled(world: World, client_of: ClientOf) -> None:
    User.objects.filter(pk=world.ada.pk).update(is_simulated=True)
    assert b"simulated" in client_of(world.ada).get("/account/").content


def test_a_token_is_shown_once_and_works(world: World, client_of: ClientOf) -> None:
    client = client_of(world.tess)
    page = token_made(client)
    plain = page.split('id="new-token" type="text" readonly value="')[1].split('"')[0]
    found = token_find(plain, now=now_utc())
    assert found is not None
    assert found.user == world.tess
    assert plain not in client.get("/account/").content.decode()


@pytest.mark.parametrize(
    "changes", [{"scopes": []}, {"name": ""}, {"days": "1000"}, {"scopes": ["admin"]}]
)
def test_a_token_that_cannot_be_made_comes_back_with_the_form(
    world: World, client_of: ClientOf, changes: dict[str, object]
) -> None:
    fields = {"name": "sync", "scopes": ["read"], "days": "30"} | changes
    response = client_of(world.tess).post("/account/tokens/", fields)
    assert response.status_code == 422
    assert not ApiToken.objects.exists()


def test_an_administrator_may_make_a_token_for_everything(
    world: World, client_of: ClientOf
) -> None:
    token_made(client_of(world.root), scopes=["admin"])
    assert ApiToken.objects.get().scopes == ["admin"]


def test_tokens_are_not_for_learners(world: World, client_of: ClientOf, client: Client) -> None:
    fields = {"name": "sync", "scopes": ["read"], "days": "30"}
    assert client_of(world.ada).post("/account/tokens/", fields).status_code == 403
    assert client.post("/account/tokens/", fields).status_code == 302
    assert client_of(world.tess).get("/account/tokens/").status_code == 405


def test_only_the_owner_revokes_a_token(world: World, client_of: ClientOf) -> None:
    token_made(client_of(world.tess))
    token = ApiToken.objects.get()
    address = f"/account/tokens/{token.uuid}/revoke/"
    assert client_of(world.zoe).post(address).status_code == 404
    assert client_of(world.ada).post(address).status_code == 403
    assert client_of(world.tess).get(address).status_code == 405
    assert client_of(world.tess).post(f"/account/tokens/{uuid4()}/revoke/").status_code == 404
    assert client_of(world.tess).post(address).status_code == 302
    token.refresh_from_db()
    assert token.revoked_at is not None


def test_every_admin_list_opens_for_an_administrator_only(
    world: World, client_of: ClientOf
) -> None:
    for model in ("user", "apitoken", "auditevent"):
        address = f"/admin/accounts/{model}/"
        assert client_of(world.root).get(address).status_code == 200, model
        assert client_of(world.tess).get(address).status_code == 302, model
    assert client_of(world.root).get("/admin/accounts/auditevent/add/").status_code == 403
    assert (
        client_of(world.root).get(f"/admin/accounts/user/{world.ada.pk}/change/").status_code == 200
    )
    for model in ("session", "activity"):
        assert client_of(world.root).get(f"/admin/practice/{model}/").status_code == 200, model


def test_no_page_holds_an_inline_script_or_style(world: World, client_of: ClientOf) -> None:
    response = client_of(world.tess).get("/account/")
    assert "script-src 'self'" in response["Content-Security-Policy"]
    page = response.content.decode()
    assert " style=" not in page
    assert "<style" not in page
    assert page.count("<script") == page.count("<script src=")


@pytest.mark.parametrize(
    ("name", "place"), [("ada", "/learn/"), ("ada", "/account/"), ("tess", "/teach/")]
)
def test_after_a_logout_nobody_pages_back_to_somebodys_pages(
    world: World, client_of: ClientOf, name: str, place: str
) -> None:
    page = client_of(getattr(world, name)).get(place)
    assert page.status_code == 200
    assert "no-store" in page["Cache-Control"]


def test_the_admin_opens_with_the_role_and_closes_with_it(
    world: World, client_of: ClientOf
) -> None:
    root = client_of(world.root)

    def role_set(role: str) -> None:
        fields = {"username": "tess", "display_name": "Tess", "role": role, "is_active": "on"}
        address = f"/admin/accounts/user/{world.tess.pk}/change/"
        assert root.post(address, fields).status_code == 302

    role_set("administrator")
    assert client_of(world.tess).get("/admin/").status_code == 200
    role_set("teacher")
    assert client_of(world.tess).get("/admin/").status_code == 302
