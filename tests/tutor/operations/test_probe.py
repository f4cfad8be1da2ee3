"""The probe asks the site as a browser would."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tutor.operations.probe import host_header, main, page_status


class _Site(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/":
            self.send_response(302)
            self.send_header("Location", "/login/")
        elif self.path == "/away/":
            self.send_response(302)
            self.send_header("Location", "https://elsewhere.example/")
        elif self.path == "/loop/":
            self.send_response(302)
            self.send_header("Location", "/loop/")
        elif self.path == "/health/" or self.headers["Host"] == "school.example":
            self.send_response(200)
        else:
            self.send_response(400)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Keep quiet."""


@pytest.fixture
def port() -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), _Site) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def status(port: int, path: str, header: str = "school.example") -> int | None:
    return page_status("127.0.0.1", port=port, path=path, header=header, is_https=False)


def test_a_redirect_within_the_site_is_followed(port: int) -> None:
    assert status(port, "/") == 200


def test_the_host_name_is_one_that_the_site_knows(port: int) -> None:
    assert status(port, "/", header="stranger.example") == 400


def test_a_redirect_away_or_in_circles_is_not_success(port: int) -> None:
    assert status(port, "/away/") == 302
    assert status(port, "/loop/") == 302


def test_nobody_there_is_none() -> None:
    assert status(1, "/") is None


def test_every_address_is_reached_at_this_machine(port: int) -> None:
    assert page_status("0.0.0.0", port=port, path="/health/", header="x", is_https=False) == 200


@pytest.mark.parametrize(
    ("allowed", "expected"),
    [
        (["school.example"], "school.example"),
        ([".school.example"], "school.example"),
        (["*"], "127.0.0.1"),
        ([], "127.0.0.1"),
    ],
)
def test_host_header_suits_the_allowed_hosts(allowed: list[str], expected: str) -> None:
    assert host_header(allowed, host="127.0.0.1") == expected


def test_the_exit_status_tells_a_health_check(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEPWISE_PORT", str(port))
    assert main([]) == 0
    assert main(["/bad/"]) == 1
