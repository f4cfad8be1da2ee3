"""`manage.py run` with real processes: it serves, restarts what dies, and leaves nothing behind."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tutor.env import BASE_DIR
from tutor.operations.leftovers import process_end
from tutor.operations.probe import page_status

pytestmark = pytest.mark.slow
NAMES = ("broker", "web", "worker", "beat", "supervisord")
# Generous: CI runs this beside everything else on two cores.
START_SECONDS = 150.0
ACT_SECONDS = 60.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(is_so: Callable[[], bool], *, seconds: float = ACT_SECONDS) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if is_so():
            return True
        time.sleep(0.1)
    return False


@dataclass
class Run:
    """A running site, its directory and its output."""

    process: "subprocess.Popen[bytes]"
    var: Path
    port: int

    @property
    def output(self) -> str:
        return (self.var.parent / "out").read_text()

    def pid(self, name: str) -> int:
        return int((self.var / "run" / f"{name}.pid").read_text())

    def status(self, path: str = "/") -> int | None:
        return page_status(
            "127.0.0.1", port=self.port, path=path, header="localhost", is_https=False
        )

    def is_serving(self) -> bool:
        return "Logs:" in self.output and self.status() == 200


def start(var: Path, port: int, *arguments: str) -> Run:
    # A database by DATABASE_URL keeps the demo away: loading it has tests of its own.
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("STEPWISE_") and name not in {"DATABASE_URL", "REDIS_URL"}
    } | {
        "STEPWISE_VAR_DIR": str(var),
        "STEPWISE_PORT": str(port),
        "STEPWISE_WEB_PROCESSES": "1",
        "STEPWISE_WEB_THREADS": "2",
        "DATABASE_URL": f"sqlite:///{var / 'test.sqlite3'}",
    }
    with (var.parent / "out").open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "run", *arguments],
            cwd=BASE_DIR,
            env=environment,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    return Run(process, var=var, port=port)


def is_alive(pid: int) -> bool:
    try:
        return b"zombie" not in Path(f"/proc/{pid}/status").read_bytes()
    except FileNotFoundError:
        return False


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    running = start(tmp_path / "var", free_port())
    try:
        assert until(running.is_serving, seconds=START_SECONDS), running.output
        yield running
    finally:
        if running.process.poll() is None:
            running.process.terminate()
            running.process.wait(timeout=ACT_SECONDS)
        for pidfile in (running.var / "run").glob("*.pid"):
            process_end(int(pidfile.read_text()), term_seconds=1)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_site_serves_restarts_what_dies_and_stops_whole(run: Run) -> None:
    pids = {name: run.pid(name) for name in NAMES}
    assert all(is_alive(pid) for pid in pids.values())
    assert run.status("/health/") == 200

    for name in ("web", "worker", "broker"):
        os.kill(pids[name], signal.SIGKILL)
    assert until(
        lambda: all(
            run.pid(name) != pids[name] and is_alive(run.pid(name))
            for name in ("web", "worker", "broker")
        )
    )
    assert until(lambda: run.status("/health/") == 200), run.output
    assert until(lambda: "The web had ended and was started again." in run.output)

    # No secret is in what anybody on the machine can list.
    secret = (run.var / "secret_key").read_text()
    for name in NAMES:
        assert secret not in Path(f"/proc/{run.pid(name)}/cmdline").read_text()

    second = start(run.var, free_port())
    assert second.process.wait(timeout=ACT_SECONDS) == 1

    pids = {name: run.pid(name) for name in NAMES}
    run.process.send_signal(signal.SIGINT)
    assert run.process.wait(timeout=ACT_SECONDS) == 0
    assert not any(is_alive(pid) for pid in pids.values())
    assert run.status() is None


@pytest.mark.skipif(sys.platform != "linux", reason="needs the kernel's word on a parent's death")
def test_a_killed_run_takes_everything_with_it_and_the_next_one_starts(run: Run) -> None:
    pids = {name: run.pid(name) for name in NAMES}
    run.process.kill()
    run.process.wait()
    again = start(run.var, run.port)
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
        refused = start(tmp_path / "var", port)
        assert refused.process.wait(timeout=ACT_SECONDS) == 1
    assert f"Another program already listens on 127.0.0.1:{port}." in refused.output
    assert "Traceback" not in refused.output
    assert not list((tmp_path / "var" / "run").glob("*.pid"))
