"""Which token opens which address, asked of every address; the table in the docs says the same."""

from datetime import datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import transaction
from rest_framework.test import APIClient

from tests.tutor.api.conftest import ApiOf
from tests.tutor.api.routes import ROWS, address_fill, ids_make
from tests.world import World
from tutor.accounts.models import Scope
from tutor.api.scopes import ScopeRow, scope_table_written


def call(client: APIClient, row: ScopeRow, address: str) -> Any:
    """Call an address with an empty body, and take back what that changed."""
    with transaction.atomic():
        answer = getattr(client, row.method.lower())(address, {}, format="json")
        transaction.set_rollback(True)
    return answer


@pytest.fixture
def addresses(world: World, now: datetime) -> dict[ScopeRow, str]:
    """Every method of every address, with ids of what there is."""
    ids = ids_make(world, now=now)
    return {row: address_fill(row.address, ids) for row in ROWS}


@pytest.mark.parametrize("scope", Scope)
def test_a_scope_opens_what_the_table_says_and_nothing_else(
    world: World, api_of: ApiOf, addresses: dict[ScopeRow, str], scope: Scope
) -> None:
    client = api_of(world.root, scope)
    for row, address in addresses.items():
        answer = call(client, row, address)
        if scope in row.opened_by:
            assert answer.status_code not in {401, 403, 404, 405}, (row, answer.content)
        else:
            assert answer.status_code == 403, row
            assert f"'{row.scope.value}'" in answer.json()["detail"], row


def test_every_address_is_closed_to_visitors_and_learners(
    world: World, api_of: ApiOf, addresses: dict[ScopeRow, str]
) -> None:
    learner = api_of(world.ada, Scope.ADMIN)
    for row, address in addresses.items():
        assert call(APIClient(), row, address).status_code == 401, row
        assert call(learner, row, address).status_code == 403, row


def test_another_teachers_class_and_learners_are_not_there(
    world: World, api_of: ApiOf, addresses: dict[ScopeRow, str]
) -> None:
    client = api_of(world.zoe, Scope.READ, Scope.ROSTER, Scope.IMPORT)
    own = ("classrooms/<", "learners/<", "enrolments/<", "imports/<", "responses/imports/<")
    rows = [row for row in ROWS if row.address.removeprefix("/api/v1/").startswith(own)]
    assert len(rows) > 20
    for row in rows:
        assert call(client, row, addresses[row]).status_code == 404, row


def test_what_only_admin_opens_is_closed_to_teachers(
    world: World, api_of: ApiOf, addresses: dict[ScopeRow, str]
) -> None:
    client = api_of(world.tess, Scope.ADMIN)
    rows = [row for row in ROWS if row.scope == Scope.ADMIN]
    assert len(rows) > 4
    for row in rows:
        answer = call(client, row, addresses[row])
        assert answer.status_code == 403, row
        assert "administrators" in answer.json()["detail"], row


def test_every_write_has_a_name_in_the_audit_log() -> None:
    for row in ROWS:
        if row.method != "GET":
            assert row.writes_as.startswith("api_"), row


def test_the_table_in_the_docs_is_not_stale() -> None:
    text = (settings.BASE_DIR / "docs" / "api.md").read_text()
    assert text == scope_table_written(text), "run `manage.py api_scopes`"


def test_a_stale_table_is_found_and_mended(tmp_path: Path) -> None:
    text = (settings.BASE_DIR / "docs" / "api.md").read_text()
    stale = tmp_path / "api.md"
    stale.write_text(
        text.replace("| `/api/v1/audit/` | GET | - |", "| `/api/v1/audit/` | GET | yes |")
    )
    with pytest.raises(CommandError, match="the table is stale"):
        call_command("api_scopes", "--check", "--file", str(stale), stdout=StringIO())
    call_command("api_scopes", "--file", str(stale), stdout=StringIO())
    assert stale.read_text() == text


def test_a_file_without_the_marks_is_left_alone(tmp_path: Path) -> None:
    other = tmp_path / "other.md"
    other.write_text("nothing")
    with pytest.raises(CommandError, match="scopes: begin"):
        call_command("api_scopes", "--file", str(other), stdout=StringIO())
    assert other.read_text() == "nothing"
