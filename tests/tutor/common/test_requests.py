"""Whom a request comes from, and how much of it is taken."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, RequestFactory
from pytest_django import Settings

from tutor.common.http import client_address
from tutor.common.middleware import FORM_BYTES


def address(forwarded: str | None, *, direct: str = "10.0.0.7") -> str | None:
    """Ask for the address of a request that came from `direct` with an X-Forwarded-For."""
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    return client_address(RequestFactory().get("/", headers=headers, REMOTE_ADDR=direct))


@pytest.mark.parametrize("forwarded", [None, "1.2.3.4", "9.9.9.9, 1.2.3.4"])
def test_without_a_proxy_nothing_that_a_visitor_says_of_the_address_is_believed(
    forwarded: str | None,
) -> None:
    assert address(forwarded) == "10.0.0.7"


@pytest.mark.parametrize(
    ("forwarded", "found"),
    [
        ("1.2.3.4", "1.2.3.4"),
        # What stands before the last was there when the proxy got it.
        ("9.9.9.9, 8.8.8.8, 1.2.3.4", "1.2.3.4"),
        ("::ffff:1.2.3.4", "1.2.3.4"),
        ("nonsense", "10.0.0.7"),
        ("1.2.3.4, ", "10.0.0.7"),
        (None, "10.0.0.7"),
    ],
)
def test_behind_a_proxy_the_address_is_what_the_proxy_saw(
    settings: Settings, forwarded: str | None, found: str
) -> None:
    settings.BEHIND_PROXY = True
    assert address(forwarded) == found


def test_all_addresses_of_one_visitors_ipv6_network_count_as_one() -> None:
    one = address(None, direct="2001:db8:1:2::1")
    assert one == address(None, direct="2001:db8:1:2:ffff::9")
    assert one != address(None, direct="2001:db8:1:3::1")


def test_a_request_without_any_address_has_none() -> None:
    assert address(None, direct="") is None


def test_a_body_that_no_page_takes_is_refused_before_it_is_read(
    settings: Settings, client: Client
) -> None:
    settings.MAX_UPLOAD_BYTES = 1000
    file = SimpleUploadedFile("big.bin", b"x" * (FORM_BYTES + 1001))
    refused = client.post("/login/", {"file": file})
    assert refused.status_code == 413
    assert b"too large" in refused.content


@pytest.mark.django_db
def test_a_body_as_large_as_an_import_gets_through(settings: Settings, client: Client) -> None:
    settings.MAX_UPLOAD_BYTES = 1000
    assert client.post("/login/", {"username": "x" * 500}).status_code == 422
