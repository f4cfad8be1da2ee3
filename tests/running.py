"""Start the whole site with `manage.py run`, in a directory of its own, for tests that kill it."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tutor.env import BASE_DIR
from tutor.operations.leftovers import process_end
from tutor.operations.probe import page_status

PROGRAMS = (
    *("broker", "web", "worker", "predict-worker", "replay-worker", "fit-worker", "beat"),
    "supervisord",
)
# Generous: CI runs this beside everything else on two cores.
START_SECONDS = 150.0
ACT_SECONDS = 60.0


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(is_so: Callable[[], bool], *, seconds: float = ACT_SECONDS) -> bool:
    """Wait until something is so; False when it takes too long."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if is_so():
            return True
        time.sleep(0.1)
    return False


def is_alive(pid: int) -> bool:
    """Whether a process runs: not gone, and not dead and unreaped."""
    try:
        return b"zombie" not in Path(f"/proc/{pid}/status").read_bytes()
    except FileNotFoundError:
        return False


def environment_of(var: Path) -> dict[str, str]:
    """The settings of a site in that directory, and none of this process's own."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("STEPWISE_") and name not in {"DATABASE_URL", "REDIS_URL"}
    }
    return kept | {
        "DJANGO_SETTINGS_MODULE": "tutor.settings",
        "STEPWISE_VAR_DIR": str(var),
        # A database by DATABASE_URL keeps the demo away: loading it has tests of its own.
        "DATABASE_URL": f"sqlite:///{var / 'stepwise.sqlite3'}",
    }


@dataclass
class Run:
    """A running site, its directory and its output."""

    process: "subprocess.Popen[bytes]"
    var: Path
    port: int
    out: Path

    @property
    def output(self) -> str:
        """What `run` printed."""
        return self.out.read_text()

    def pid(self, name: str) -> int:
        """The process id of one of the programs; 0 while it has none."""
        try:
            return int((self.var / "run" / f"{name}.pid").read_text())
        except (FileNotFoundError, ValueError):
            return 0

    def status(self, path: str = "/") -> int | None:
        """The status of a page after redirects; None when nobody answers."""
        return page_status(
            "127.0.0.1", port=self.port, path=path, header="localhost", is_https=False
        )

    def is_serving(self) -> bool:
        """Whether `run` has said that it serves, and does."""
        return "Logs:" in self.output and self.status() == 200


def run_start(var: Path, *, port: int, **environment: str) -> Run:
    """Start `manage.py run`; each start has an output file of its own."""
    out = var.parent / f"out-{time.monotonic_ns()}"
    with out.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "run"],
            cwd=BASE_DIR,
            env=environment_of(var)
            | {"STEPWISE_PORT": str(port), "STEPWISE_WEB_PROCESSES": "1"}
            | environment,
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
    return Run(process, var=var, port=port, out=out)


@contextmanager
def running_site(var: Path) -> Iterator[Run]:
    """A site that serves; whatever is left of it afterwards is ended."""
    run = run_start(var, port=free_port())
    try:
        assert until(run.is_serving, seconds=START_SECONDS), run.output
        yield run
    finally:
        if run.process.poll() is None:
            run.process.terminate()
            run.process.wait(timeout=ACT_SECONDS)
        for pidfile in (run.var / "run").glob("*.pid"):
            process_end(int(pidfile.read_text()), term_seconds=1)
