"""`manage.py api_token_create`."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tests.world import World
from tutor.accounts.models import ApiToken
from tutor.accounts.services import token_find
from tutor.common.clock import now_utc


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("api_token_create", *arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


def test_the_output_is_a_live_token_with_the_scopes(world: World) -> None:
    plain = run("tess", "--scopes", "read", "import", "--days", "3").strip()
    token = token_find(plain, now=now_utc())
    assert token is not None
    assert (token.user, token.scopes) == (world.tess, ["import", "read"])
    assert (token.expires_at - token.created_at).days == 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nobody"], "no account named 'nobody'"),
        (["ada"], "'ada' is a learner"),
        (["tess", "--scopes", "everything"], "everything"),
        (["tess", "--days", "0"], "--days 0"),
    ],
)
def test_what_cannot_be_is_refused_in_words(world: World, arguments: list[str], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        run(*arguments)
    assert not ApiToken.objects.exists()
