"""`manage.py run` with real processes: it serves, restarts what dies, and leaves nothing behind."""

import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import (
    ACT_SECONDS,
    PROGRAMS,
    START_SECONDS,
    Run,
    free_port,
    is_alive,
    run_start,
    running_site,
    until,
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc"),
]
KILLED = ("web", "worker", "replay-worker", "fit-worker", "broker")


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    with running_site(tmp_path / "var") as running:
        yield running


def test_a_site_serves_restarts_what_dies_and_stops_whole(run: Run) -> None:
    pids = {name: run.pid(name) for name in PROGRAMS}
    assert all(is_alive(pid) for pid in pids.values())
    assert run.status("/health/") == 200

    for name in KILLED:
        os.kill(pids[name], signal.SIGKILL)
    assert until(
        lambda: all(run.pid(name) != pids[name] and is_alive(run.pid(name)) for name in KILLED)
    )
    assert until(lambda: run.status("/health/") == 200), run.output
    assert until(lambda: "The web had ended and was started again." in run.output)

    # No secret is in what anybody on the machine can list.
    secret = (run.var / "secret_key").read_text()
    for name in PROGRAMS:
        assert secret not in Path(f"/proc/{run.pid(name)}/cmdline").read_text()

    second = run_start(run.var, port=free_port())
    assert second.process.wait(timeout=ACT_SECONDS) == 1
    assert "Stepwise already runs from" in second.output

    pids = {name: run.pid(name) for name in PROGRAMS}
    run.process.send_signal(signal.SIGINT)
    assert run.process.wait(timeout=ACT_SECONDS) == 0
    assert not any(is_alive(pid) for pid in pids.values())
    assert run.status() is None


def test_a_killed_run_takes_everything_with_it_and_the_next_one_starts(run: Run) -> None:
    pids = {name: run.pid(name) for name in PROGRAMS}
    run.process.kill()
    run.process.wait()
    again = run_start(run.var, port=run.port)
    try:
        assert until(again.is_serving, seconds=START_SECONDS), again.output
        assert not any(is_alive(pid) for pid in pids.values())
        again.process.terminate()
        assert again.process.wait(timeout=ACT_SECONDS) == 0
    finally:
        if again.process.poll() is None:
            again.process.kill()


def test_a_taken_port_is_said_and_nothing_is_started(tmp_path: Path) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        refused = run_start(tmp_path / "var", port=port)
        assert refused.process.wait(timeout=ACT_SECONDS) == 1
    assert f"Another program already listens on 127.0.0.1:{port}." in refused.output
    assert "Traceback" not in refused.output
    assert not list((tmp_path / "var" / "run").glob("*.pid"))
