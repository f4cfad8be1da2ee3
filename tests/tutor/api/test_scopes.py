"""Which token opens which address, asked of every address; the table in the docs says the same."""

from datetime import datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from rest_framework.test import APIClient

from tests.tutor.api.conftest import ApiOf
from tests.tutor.api.routes import ROWS, address_fill, ids_make, row_id
from tests.world import World
from tutor.accounts.models import Scope
from tutor.api.scopes import ScopeRow, scope_table_written


def call(client: APIClient, row: ScopeRow, address: str) -> Any:
    return getattr(client, row.method.lower())(address, {}, format="json")


@pytest.mark.parametrize("row", ROWS, ids=row_id)
def test_an_address_opens_to_the_scopes_of_the_table_only(
    world: World, api_of: ApiOf, now: datetime, row: ScopeRow
) -> None:
    address = address_fill(row.address, ids_make(world, now=now))
    for scope in Scope:
        answer = call(api_of(world.root, scope), row, address)
        if scope in row.opened_by:
            assert answer.status_code not in {401, 403, 404, 405}, answer.content
        else:
            assert answer.status_code == 403
            assert f"'{row.scope.value}'" in answer.json()["detail"]


@pytest.mark.parametrize("row", ROWS, ids=row_id)
def test_an_address_is_closed_to_visitors_and_learners(
    world: World, api_of: ApiOf, now: datetime, row: ScopeRow
) -> None:
    address = address_fill(row.address, ids_make(world, now=now))
    assert call(APIClient(), row, address).status_code == 401
    assert call(api_of(world.ada, Scope.ADMIN), row, address).status_code == 403


@pytest.mark.parametrize(
    "row", [row for row in ROWS if row.address.startswith("/api/v1/classrooms/<")], ids=row_id
)
def test_another_teachers_class_is_not_there(
    world: World, api_of: ApiOf, now: datetime, row: ScopeRow
) -> None:
    address = address_fill(row.address, ids_make(world, now=now))
    client = api_of(world.zoe, Scope.READ, Scope.ROSTER, Scope.IMPORT)
    assert call(client, row, address).status_code == 404


@pytest.mark.parametrize("row", [row for row in ROWS if row.scope == Scope.ADMIN], ids=row_id)
def test_what_only_admin_opens_is_closed_to_teachers(
    world: World, api_of: ApiOf, now: datetime, row: ScopeRow
) -> None:
    address = address_fill(row.address, ids_make(world, now=now))
    answer = call(api_of(world.tess, Scope.ADMIN), row, address)
    assert answer.status_code == 403
    assert "administrators" in answer.json()["detail"]


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
