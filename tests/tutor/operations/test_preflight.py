"""What must be mended before a start is said in one sentence."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tutor.common.errors import TutorError
from tutor.operations.preflight import disk_check, is_loopback, port_check


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_free_port_is_accepted(taken_port: int) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = probe.getsockname()[1]
    port_check("127.0.0.1", port=free)


def test_a_taken_port_is_named_with_another_to_choose(taken_port: int) -> None:
    with pytest.raises(TutorError) as caught:
        port_check("127.0.0.1", port=taken_port)
    assert caught.value.code == "port_taken"
    assert f"127.0.0.1:{taken_port}" in caught.value.message
    assert f"make run PORT={taken_port + 1}" in caught.value.message


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(TutorError, match=r"203\.0\.113\.9:8000"):
        port_check("203.0.113.9", port=8000)


def test_a_host_that_is_no_address_is_refused_by_name() -> None:
    with pytest.raises(TutorError, match=r"no-such-host\.invalid") as caught:
        port_check("no-such-host.invalid", port=8000)
    assert caught.value.code == "host_unknown"


def test_a_full_disk_is_refused_with_both_figures(tmp_path: Path) -> None:
    with pytest.raises(TutorError, match=r"Only \d+ MB are free .* needs \d+ MB"):
        disk_check(tmp_path, needed_bytes=10**18)


def test_a_disk_with_room_is_accepted(tmp_path: Path) -> None:
    disk_check(tmp_path, needed_bytes=1)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.3.2.1", True),
        ("localhost", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("192.168.1.4", False),
        ("::", False),
    ],
)
def test_only_this_machine_reaches_a_loopback_address(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected
