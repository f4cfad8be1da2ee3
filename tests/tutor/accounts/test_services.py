"""Accounts, tokens and the audit log."""

from datetime import datetime, timedelta
from io import StringIO

import pytest
from django.core.management import call_command

from tests.world import World
from tutor.accounts.models import ApiToken, AuditEvent
from tutor.accounts.services import (
    account_create,
    password_set,
    token_create,
    token_find,
    token_revoke,
)
from tutor.common.clock import now_utc
from tutor.common.errors import TutorError


def test_a_username_is_taken_in_any_spelling_of_capitals(world: World) -> None:
    with pytest.raises(TutorError) as refused:
        account_create(username="ADA", display_name="Another Ada")
    assert refused.value.code == "username_taken"


def test_an_unknown_role_is_refused(db: None) -> None:
    with pytest.raises(TutorError, match="'headmaster' is no role"):
        account_create(username="x", display_name="X", role="headmaster")


def test_an_account_without_a_password_cannot_log_in(db: None) -> None:
    assert not account_create(username="x", display_name="X").has_usable_password()


def make(world: World, now: datetime) -> tuple[ApiToken, str]:
    expires = now + timedelta(days=30)
    return token_create(world.tess, name="script", scopes=["read"], expires_at=expires, now=now)


def test_only_the_digest_of_a_token_is_kept(world: World, now: datetime) -> None:
    token, plain = make(world, now)
    stored = ApiToken.objects.filter(pk=token.pk).values().get()
    assert plain not in str(stored)
    assert plain.startswith(token.prefix)
    assert token_find(plain, now=now) == token
    assert AuditEvent.objects.get(action="token_create").detail == {"scopes": ["read"]}


def test_a_token_ends_when_it_expires_or_is_revoked_or_its_owner_goes(
    world: World, now: datetime
) -> None:
    token, plain = make(world, now)
    assert token_find(plain, now=now + timedelta(days=31)) is None
    world.tess.is_active = False
    world.tess.save()
    assert token_find(plain, now=now) is None
    world.tess.is_active = True
    world.tess.save()
    token_revoke(token, by=world.tess, now=now)
    token_revoke(token, by=world.tess, now=now)
    assert token_find(plain, now=now) is None
    assert AuditEvent.objects.filter(action="token_revoke").count() == 1


def test_no_token_outlives_a_password(world: World, now: datetime) -> None:
    _, first = make(world, now)
    _, second = make(world, now)
    assert password_set(world.tess, password="another horse", by=world.root, now=now) == 2
    assert token_find(first, now=now) is token_find(second, now=now) is None
    assert world.tess.check_password("another horse")
    event = AuditEvent.objects.get(action="password_set")
    assert (event.actor, event.object_id) == (world.root, str(world.tess.uuid))
    assert event.detail == {"tokens_revoked": 2}


def test_a_password_set_at_the_console_ends_tokens_too(
    world: World, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, _ = token_create(
        world.tess, name="t", scopes=["read"], expires_at=now_utc() + timedelta(days=1), now=now
    )
    monkeypatch.setattr("getpass.getpass", lambda prompt="": "another horse battery")
    call_command("changepassword", "tess", stdout=StringIO())
    token.refresh_from_db()
    assert token.revoked_at is not None


def test_the_use_of_a_token_is_noted_at_most_once_a_minute(world: World, now: datetime) -> None:
    token, plain = make(world, now)
    for seconds in (0, 30):
        token_find(plain, now=now + timedelta(seconds=seconds))
    token.refresh_from_db()
    assert token.last_used_at == now


@pytest.mark.parametrize("scopes", [[], ["everything"]])
def test_unknown_scopes_are_refused_by_name(world: World, now: datetime, scopes: list[str]) -> None:
    with pytest.raises(TutorError, match="Scopes must be some of read, import, roster, admin"):
        token_create(
            world.tess, name="x", scopes=scopes, expires_at=now + timedelta(days=1), now=now
        )


def test_a_name_of_imported_learners_is_taken(db: None) -> None:
    with pytest.raises(TutorError) as refused:
        account_create(username="IMPORT-0123", display_name="Eve", password="x")
    assert refused.value.code == "username_taken"
