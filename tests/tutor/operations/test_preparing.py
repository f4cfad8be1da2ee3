"""Demo accounts never face a network by accident."""

import io

import pytest
from django.core.management.base import OutputWrapper
from django.test import override_settings

from tutor.accounts.models import User
from tutor.accounts.services import account_create
from tutor.common.errors import TutorError
from tutor.operations import preparing
from tutor.operations.console import Console
from tutor.operations.demo_accounts import DEMO_PASSWORD, TEACHER
from tutor.operations.options import RunOptions
from tutor.operations.preparing import demo_guard, demo_load_if_wanted

pytestmark = pytest.mark.django_db


def options(host: str = "127.0.0.1", *, demo: bool = False) -> RunOptions:
    return RunOptions(host=host, port=8000, processes=1, threads=1, is_demo_wanted=demo)


def env(**changes: object) -> override_settings:
    from django.conf import settings

    return override_settings(ENV=settings.ENV | {"DATABASE_URL": None} | changes)


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    called: list[str] = []
    monkeypatch.setattr(preparing, "call_command", lambda name, **options: called.append(name))
    return called


def console() -> Console:
    return Console(OutputWrapper(io.StringIO()))


def test_an_empty_private_site_gets_the_demo(loads: list[str]) -> None:
    with env():
        demo_load_if_wanted(options(), console=console())
    assert loads == ["load_demo"]


@pytest.mark.parametrize(
    ("host", "changes"),
    [
        ("0.0.0.0", {}),
        ("127.0.0.1", {"STEPWISE_HTTPS": True}),
        ("127.0.0.1", {"DATABASE_URL": {"ENGINE": "django.db.backends.postgresql"}}),
    ],
)
def test_a_site_that_others_reach_gets_no_demo_unless_asked(
    loads: list[str], host: str, changes: dict[str, object]
) -> None:
    with env(**changes):
        demo_load_if_wanted(options(host), console=console())
        assert loads == []
        demo_load_if_wanted(options(host, demo=True), console=console())
        assert loads == ["load_demo"]


def test_a_site_with_people_is_left_alone(loads: list[str]) -> None:
    User.objects.create(username="ida")
    with env():
        demo_load_if_wanted(options(demo=True), console=console())
    assert loads == []


def test_demo_accounts_are_refused_to_a_network() -> None:
    account_create(
        username=TEACHER.username,
        display_name=TEACHER.display_name,
        role=TEACHER.role,
        password=DEMO_PASSWORD,
    )
    with env():
        demo_guard(options())
        demo_guard(options("0.0.0.0", demo=True))
        with pytest.raises(TutorError, match="remove_demo") as caught:
            demo_guard(options("0.0.0.0"))
    assert caught.value.code == "demo_exposed"
