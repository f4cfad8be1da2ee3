"""One run per var directory, and an end to what a killed run left behind."""

import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tutor.common.errors import TutorError
from tutor.operations.layout import Layout

# A number in an old pid file may long belong to a stranger's process.
OUR_PROGRAMS = ("tutor", "supervisor", "valkey-server")
TERM_SECONDS = 10.0


@contextmanager
def run_lock(layout: Layout) -> Iterator[None]:
    """Hold the var directory; the kernel lets go of it however this process ends.

    Raises:
        TutorError: if another run holds it.
    """
    with layout.lock.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            raise TutorError(
                f"Stepwise already runs from {layout.var} (process {file.read().strip()}); "
                "stop that one first, or name another directory by STEPWISE_VAR_DIR.",
                code="already_running",
            ) from error
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


def leftovers_end(layout: Layout) -> list[str]:
    """End what an earlier run left alive, and remove its pid files; return the names.

    Only call this while holding the lock.
    """
    alive: dict[str, int] = {}
    for pidfile in sorted(layout.run.glob("*.pid")):
        pid = _pid_read(pidfile)
        if pid is not None and _is_ours(pid):
            alive[pidfile.stem] = pid
        pidfile.unlink(missing_ok=True)
    # The supervisor first: it would start again what is ended below it.
    for name in sorted(alive, key=lambda name: name != "supervisord"):
        process_end(alive[name])
    layout.supervisor_socket.unlink(missing_ok=True)
    return sorted(alive)


def process_end(pid: int, *, term_seconds: float = TERM_SECONDS) -> None:
    """End a process: politely, then not."""
    for number, seconds in ((signal.SIGTERM, term_seconds), (signal.SIGKILL, term_seconds)):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return
        if _ended_within(pid, seconds):
            return


def _ended_within(pid: int, seconds: float) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if not _is_ours(pid):
            return True
        time.sleep(0.05)
    return False


def _pid_read(pidfile: Path) -> int | None:
    try:
        pid = int(pidfile.read_text())
    except (ValueError, OSError):
        return None
    return pid if pid > 1 else None


def _is_ours(pid: int) -> bool:
    command = _command_line(pid)
    return any(program in command for program in OUR_PROGRAMS)


def _command_line(pid: int) -> str:
    """Return the process's command line; empty when it is gone, or dead and not yet reaped."""
    proc = Path("/proc")
    if (proc / "self").exists():
        try:
            return (proc / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except (OSError, UnicodeDecodeError):
            return ""
    listed = subprocess.run(
        ["/bin/ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return listed.stdout
