"""What is checked before anything starts, so that a refusal is one clear sentence."""

import errno
import shutil
import socket
from pathlib import Path

from tutor.common.errors import TutorError

NEEDED_BYTES = 500 * 1024 * 1024
LOOPBACK_HOSTS = {"localhost", "127.0.0.1", "::1"}


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address."""
    return host in LOOPBACK_HOSTS or host.startswith("127.")


def port_check(host: str, *, port: int) -> None:
    """Refuse an address that cannot be listened on.

    Raises:
        TutorError: saying why, and how to choose another.
    """
    advice = f"Choose another, for example: make run PORT={port + 1 if port < 65535 else 8000}"
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror as error:
        raise TutorError(
            f"STEPWISE_HOST {host!r} is no address of this machine; expected one such as "
            "127.0.0.1, or 0.0.0.0 for every address.",
            code="host_unknown",
        ) from error
    family, kind, protocol, _, address = found[0]
    with socket.socket(family, kind, protocol) as probe:
        # As the web server does: an address in TIME_WAIT is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise TutorError(
                    f"Another program already listens on {host}:{port}. {advice}",
                    code="port_taken",
                ) from error
            raise TutorError(
                f"Stepwise may not listen on {host}:{port} ({error.strerror}). {advice}",
                code="port_refused",
            ) from error


def disk_check(path: Path, *, needed_bytes: int = NEEDED_BYTES) -> None:
    """Refuse to start where the database would soon have no room.

    Raises:
        TutorError: with what is free and what is needed.
    """
    free = shutil.disk_usage(path).free
    if free < needed_bytes:
        raise TutorError(
            f"Only {free // 2**20} MB are free on the disk of {path}, and Stepwise needs "
            f"{needed_bytes // 2**20} MB; free some, or name another place by STEPWISE_VAR_DIR.",
            code="disk_full",
        )
