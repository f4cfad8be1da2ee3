"""Become another program, after promising to end when the parent does.

    python -m tutor.operations.child PIDFILE PROGRAM [ARGUMENT ...]

A supervisor that is killed outright cannot stop what it started. On Linux the kernel does it; the
pid file lets the next run find what is left on other systems.
"""

import ctypes
import os
import signal
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1


def end_with_parent(parent_pid: int) -> None:
    """Ask the kernel for SIGTERM when the parent dies; a no-op where there is no such call."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    # The parent may have died before the call above: then no signal would ever come.
    if os.getppid() != parent_pid:
        os.kill(os.getpid(), signal.SIGTERM)


def main(arguments: list[str]) -> None:
    """Write the pid file and become the program."""
    pidfile, program = Path(arguments[0]), arguments[1:]
    end_with_parent(os.getppid())
    pidfile.write_text(f"{os.getpid()}\n")
    os.execvp(program[0], program)  # noqa: S606 - no shell is wanted here


if __name__ == "__main__":
    main(sys.argv[1:])
