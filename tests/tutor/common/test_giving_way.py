"""Who writes much lets others in between, who reckons long leaves the processor to others."""

import os
import sys
import threading

import pytest
from django.db import connection, transaction
from django.utils import translation

from tests.world import World
from tutor.accounts.models import User
from tutor.common import giving_way
from tutor.common.giving_way import (
    PAUSE_LEAST_SECONDS,
    PAUSE_MOST_SECONDS,
    at_leisure,
    others_let_in,
    short_turn,
)


@pytest.fixture
def waited(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    waits: list[float] = []
    monkeypatch.setattr(giving_way.time, "sleep", waits.append)
    return waits


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("held", "pause"), [(0.001, PAUSE_LEAST_SECONDS), (0.2, 0.4), (60.0, PAUSE_MOST_SECONDS)]
)
def test_it_waits_twice_as_long_as_it_kept_others_out_where_writers_do_not_queue(
    waited: list[float], held: float, pause: float
) -> None:
    others_let_in(held)
    assert waited == ([pause] if connection.vendor == "sqlite" else [])


@pytest.mark.django_db(transaction=True)
def test_it_does_not_wait_while_it_holds_the_lock_itself(waited: list[float]) -> None:
    with transaction.atomic():
        others_let_in(1.0)
        with short_turn():
            pass
    assert waited == []


@pytest.mark.django_db(transaction=True)
def test_a_turn_is_a_transaction_and_ends_before_the_pause(waited: list[float]) -> None:
    with short_turn():
        assert connection.in_atomic_block
    assert not connection.in_atomic_block
    assert len(waited) == (1 if connection.vendor == "sqlite" else 0)


@pytest.mark.django_db(transaction=True)
def test_work_at_leisure_has_a_low_priority_of_its_own(world: World) -> None:
    before = os.getpriority(os.PRIO_PROCESS, 0)
    told: list[tuple[float, str]] = []

    def work(tell: giving_way.Tell) -> tuple[int, int, str]:
        tell(0.5, "half way")
        here = threading.get_native_id()
        return (
            os.getpriority(os.PRIO_PROCESS, here),
            User.objects.count(),
            translation.get_language(),
        )

    with translation.override("de"):
        nice, n_users, language = at_leisure(work, tell=lambda *word: told.append(word))
    assert (n_users, language, told) == (User.objects.count(), "de", [(0.5, "half way")])
    assert os.getpriority(os.PRIO_PROCESS, 0) == before
    if sys.platform == "linux":
        assert nice == max(giving_way.NICENESS, before)


@pytest.mark.django_db(transaction=True)
def test_what_goes_wrong_at_leisure_is_raised_here() -> None:
    def work(tell: giving_way.Tell) -> None:
        raise LookupError("no such thing")

    with pytest.raises(LookupError, match="no such thing"):
        at_leisure(work, tell=lambda *word: None)


@pytest.mark.django_db(transaction=True)
def test_work_ends_at_its_next_word_once_it_is_told_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(giving_way, "TOLD_SECONDS", 0.001)
    n_words = []

    def work(tell: giving_way.Tell) -> None:
        # Without an end of its own.
        while True:
            tell(0.0, "working")
            n_words.append(1)

    def taken_over(share: float, stage: str) -> None:
        raise InterruptedError("another has it")

    with pytest.raises(InterruptedError, match="another has it"):
        at_leisure(work, tell=taken_over)
    assert n_words


@pytest.mark.django_db
def test_inside_a_transaction_it_sees_what_is_not_committed(world: World) -> None:
    main = threading.get_ident()
    where = at_leisure(
        lambda tell: (threading.get_ident(), User.objects.count()), tell=lambda *word: None
    )
    assert where == (main, User.objects.count())
