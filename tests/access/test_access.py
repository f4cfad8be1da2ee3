"""Who reaches what: every address of the site and of the API, by everybody, from one table.

A new address follows the rule of its room at once. Where no room's rule fits, the test fails until
the address is named in `table.py`; so does a name there that no address has any more.
"""

import copy
from collections.abc import Mapping
from uuid import uuid4

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse
from drf_spectacular.generators import SchemaGenerator

from tests.access.people import objects, people
from tests.access.table import (
    FORMS,
    NAMED,
    PEOPLE,
    PLAIN,
    ROOMS,
    TOLD,
    Address,
    addresses,
    target_of,
)
from tutor.accounts.models import User

__all__ = ["objects", "people"]


def told(client: Client, target: str, form: Mapping[str, str]) -> str:
    """Return what somebody is told who opens an address, or posts to it where it only takes that.

    Nothing stays: everybody finds things as they were.
    """
    with transaction.atomic():
        answer = client.get(target)
        if answer.status_code == 405:
            answer = client.post(target, form)
        if answer.streaming:
            for _part in answer:
                pass
        transaction.set_rollback(True)
    if answer.status_code == 302 and answer.headers["Location"].startswith("/login/"):
        return "login"
    return next(
        (word for word, codes in TOLD.items() if answer.status_code in codes),
        str(answer.status_code),
    )


def test_every_address_tells_everybody_what_the_table_says(
    people: dict[str, User], objects: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The document of the API is the same for everybody who is let in, and takes a second to write.
    written: dict[bool, object] = {}
    write = SchemaGenerator.parse

    def parse(self: SchemaGenerator, request: object, public: bool) -> object:
        if public not in written:
            written[public] = write(self, request, public)
        return copy.deepcopy(written[public])

    monkeypatch.setattr(SchemaGenerator, "parse", parse)
    clients = {}
    for name in PEOPLE:
        clients[name] = Client(headers={"Accept": "application/json, text/html;q=0.9, */*;q=0.1"})
        clients[name].raise_request_exception = False
        if name != "anonymous":
            clients[name].force_login(
                people[name], backend="django.contrib.auth.backends.ModelBackend"
            )
    wrong = []
    for address in addresses():
        if address.name == "logout":
            continue
        target = target_of(address, objects)
        form = {key: value.format(**objects) for key, value in FORMS.get(address.name, {}).items()}
        for name in PEOPLE:
            found = told(clients[name], target, form)
            if found != address.rule[name]:
                wrong.append(f"{address.name}: {name} {found}, not {address.rule[name]}")
    assert not wrong, "\n" + "\n".join(wrong)


def test_the_table_names_nothing_that_is_gone() -> None:
    found = addresses()
    names = {address.name for address in found}
    assert set(NAMED) <= names
    assert set(FORMS) <= names
    unused = [room for room in ROOMS if not any(a.route.startswith(room) for a in found)]
    assert unused == []


def test_an_address_of_no_room_is_noticed() -> None:
    with pytest.raises(KeyError, match="is in no room"):
        _ = Address("new", "elsewhere/<uuid:thing_uuid>/", ("thing_uuid",)).rule
    with pytest.raises(KeyError, match="has no object"):
        target_of(Address("new", "teach/<uuid:thing_uuid>/", ("thing_uuid",)), {})


@pytest.mark.parametrize("name", ["learner", "teacher", "root"])
def test_the_django_admin_is_for_administrators(people: dict[str, User], name: str) -> None:
    client = Client()
    client.force_login(people[name], backend="django.contrib.auth.backends.ModelBackend")
    for address in ("index", "accounts_user_changelist", "roster_teachernote_changelist"):
        try:
            target = reverse(f"admin:{address}")
        except Exception:  # noqa: BLE001 - not every model is in the admin
            continue
        assert client.get(target).status_code == (200 if name == "root" else 302)


def test_objects_that_are_not_there_are_not_found(people: dict[str, User]) -> None:
    client = Client()
    client.force_login(people["teacher"], backend="django.contrib.auth.backends.ModelBackend")
    for address in addresses():
        if address.route.startswith("teach/") and any("uuid" in word for word in address.words):
            kwargs = {word: PLAIN.get(word, uuid4()) for word in address.words}
            answer = client.get(reverse(address.name, kwargs=kwargs))
            assert answer.status_code in {404, 405}, address
