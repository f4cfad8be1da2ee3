"""Who writes much lets others in between."""

import pytest
from django.db import connection, transaction

from tutor.common import giving_way


@pytest.fixture
def waited(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    waits: list[float] = []
    monkeypatch.setattr(giving_way.time, "sleep", waits.append)
    return waits


@pytest.mark.django_db(transaction=True)
def test_it_waits_between_transactions_where_writers_do_not_queue(waited: list[float]) -> None:
    giving_way.others_let_in()
    assert waited == ([giving_way.PAUSE_SECONDS] if connection.vendor == "sqlite" else [])


@pytest.mark.django_db(transaction=True)
def test_it_does_not_wait_while_it_holds_the_lock_itself(waited: list[float]) -> None:
    with transaction.atomic():
        giving_way.others_let_in()
    assert waited == []
