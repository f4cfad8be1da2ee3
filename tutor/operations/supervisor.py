"""Talk to the supervisor that keeps the programs of a run alive."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any, cast
from xmlrpc.client import Fault, ServerProxy

from supervisor.xmlrpc import SupervisorTransport

from tutor.common.errors import TutorError
from tutor.operations.child import end_with_parent
from tutor.operations.layout import Layout

ANSWER_SECONDS = 15.0
POLL_SECONDS = 0.1
STOPPED = {"STOPPED", "EXITED", "FATAL"}


@dataclass(frozen=True)
class ProgramStatus:
    """How one program is: the supervisor's word for its state, and its process id, 0 for none."""

    name: str
    state: str
    pid: int


class Supervisor:
    """A running supervisor, and the end of it."""

    def __init__(self, process: "subprocess.Popen[bytes]", *, socket: Path) -> None:
        self.process = process
        self._socket = socket

    @property
    def is_alive(self) -> bool:
        """Whether the supervisor runs."""
        return self.process.poll() is None

    def program_start(self, name: str) -> None:
        """Start a program without waiting until it has settled."""
        self._call("startProcess", name, False)

    def statuses(self) -> Mapping[str, ProgramStatus]:
        """Return how every program is.

        Raises:
            OSError: if the supervisor is gone.
        """
        rows = cast("list[dict[str, Any]]", self._call("getAllProcessInfo"))
        return {
            row["name"]: ProgramStatus(row["name"], row["statename"], int(row["pid"]))
            for row in rows
        }

    def stop(self, *, last: str = "broker", seconds: float = 30.0) -> None:
        """Stop all programs, side by side but for the last, then the supervisor itself."""
        if not self.is_alive:
            return
        # It may be going down already; then the signal below is all that is left to say.
        with suppress(OSError, HTTPException):
            for name, status in self.statuses().items():
                if name != last and status.state not in STOPPED:
                    self._program_stop(name)
            until = time.monotonic() + seconds
            while time.monotonic() < until and any(
                status.state not in STOPPED
                for name, status in self.statuses().items()
                if name != last
            ):
                time.sleep(POLL_SECONDS)
        self.process.terminate()
        try:
            self.process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _program_stop(self, name: str) -> None:
        # It may have ended between the look and the word.
        with suppress(Fault):
            self._call("stopProcess", name, False)

    def _call(self, method: str, *arguments: str | bool) -> object:
        # A new connection each time: the transport does not recover from a failed one.
        transport = SupervisorTransport(None, None, f"unix://{self._socket}")
        try:
            # The address is a formality: the transport knows the socket.
            proxy = ServerProxy("http://localhost", transport=transport)
            return getattr(proxy.supervisor, method)(*arguments)
        finally:
            transport.close()


def supervisor_start(layout: Layout, *, environment: Mapping[str, str]) -> Supervisor:
    """Start the supervisor on its generated configuration and wait until it answers.

    Raises:
        TutorError: if it ends or does not answer, with where to read why.
    """
    parent = os.getpid()
    process = subprocess.Popen(
        [sys.executable, "-m", "supervisor.supervisord", "-c", str(layout.supervisor_config)],
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        # Ctrl-C in a terminal reaches the whole foreground group; the run command alone decides.
        start_new_session=True,
        preexec_fn=lambda: end_with_parent(parent),
    )
    supervisor = Supervisor(process, socket=layout.supervisor_socket)
    try:
        wait_until(
            lambda: _answers(supervisor),
            seconds=ANSWER_SECONDS,
            give_up=lambda: not supervisor.is_alive,
            message=f"The supervisor did not start; read {layout.log('supervisor')}.",
        )
    except BaseException:
        supervisor.stop()
        raise
    return supervisor


def _answers(supervisor: Supervisor) -> bool:
    try:
        supervisor.statuses()
    except (OSError, HTTPException):
        return False
    return True


def wait_until(
    is_done: Callable[[], bool],
    *,
    seconds: float,
    give_up: Callable[[], bool],
    message: str,
) -> None:
    """Poll until something is so.

    Raises:
        TutorError: with the message, if it takes longer or will never be.
    """
    until = time.monotonic() + seconds
    while not is_done():
        if give_up() or time.monotonic() > until:
            raise TutorError(message, code="start_failed")
        time.sleep(POLL_SECONDS)


def log_tail(path: Path, *, lines: int = 15) -> Sequence[str]:
    """Return the last lines of a log."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 8192))
            return file.read().decode(errors="replace").splitlines()[-lines:]
    except OSError:
        return []
