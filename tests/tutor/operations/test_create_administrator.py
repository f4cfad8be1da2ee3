"""The first account of a real site."""

import io

import pytest
from django.core.management import CommandError, call_command

from tutor.accounts.models import AuditEvent, User

COMMAND = "create_administrator"


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    text = io.StringIO()
    monkeypatch.setattr("sys.stdin", text)
    return text


def write(stream: io.StringIO, text: str) -> None:
    stream.write(text)
    stream.seek(0)


@pytest.mark.django_db
def test_an_administrator_is_made_and_recorded(typed: io.StringIO) -> None:
    write(typed, "correct horse battery\n")
    call_command(COMMAND, "ruth", name="Ruth", stdout=io.StringIO())
    user = User.objects.get(username="ruth")
    assert user.is_administrator
    assert user.check_password("correct horse battery")
    assert AuditEvent.objects.get().object_id == str(user.uuid)


@pytest.mark.django_db
def test_a_weak_password_is_refused(typed: io.StringIO) -> None:
    write(typed, "1234\n")
    with pytest.raises(CommandError, match="too short"):
        call_command(COMMAND, "ruth", stdout=io.StringIO())
    assert not User.objects.exists()


@pytest.mark.django_db
def test_a_taken_name_is_refused(typed: io.StringIO) -> None:
    write(typed, "correct horse battery\n")
    call_command(COMMAND, "ruth", stdout=io.StringIO())
    typed.seek(0)
    with pytest.raises(CommandError, match="taken"):
        call_command(COMMAND, "Ruth", stdout=io.StringIO())
