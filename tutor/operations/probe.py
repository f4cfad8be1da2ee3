"""Ask the running site whether it answers, from this machine: for `run` and for health checks.

`python -m tutor.operations.probe [PATH]` ends with 0 when the page (default /health/) answers 200.
It reads the same settings as the site, so a container's health check needs no address.
"""

import os
import sys
from collections.abc import Sequence
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

from tutor.env import settings_read

TIMEOUT_SECONDS = 5.0
MOST_REDIRECTS = 3
EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared with, not bound to


def reachable_host(host: str) -> str:
    """Return an address at which this machine reaches a server that listens on `host`."""
    return EVERY_ADDRESS.get(host, host)


def host_header(allowed_hosts: Sequence[str], *, host: str) -> str:
    """Return a host name that the site answers to."""
    for allowed in allowed_hosts:
        if allowed == "*":
            return host
        if not allowed.startswith("."):
            return allowed
    return allowed_hosts[0].lstrip(".") if allowed_hosts else host


def page_status(host: str, *, port: int, path: str, header: str, is_https: bool) -> int | None:
    """Return the status of a page after redirects within the site, or None when nobody answers."""
    headers = {"Host": header, "User-Agent": "stepwise-probe"}
    if is_https:
        headers["X-Forwarded-Proto"] = "https"
    for _ in range(MOST_REDIRECTS):
        connection = HTTPConnection(reachable_host(host), port, timeout=TIMEOUT_SECONDS)
        try:
            connection.request("GET", path, headers=headers)
            response = connection.getresponse()
            response.read()
        except (OSError, HTTPException):
            return None
        finally:
            connection.close()
        target = urlsplit(response.getheader("Location") or "")
        if response.status not in {301, 302, 303, 307, 308} or target.netloc not in {"", header}:
            return response.status
        path = target.path or "/"
    return response.status


def main(arguments: Sequence[str]) -> int:
    """Probe the site that the environment describes; return the exit status."""
    env = settings_read(os.environ)
    status = page_status(
        env["STEPWISE_HOST"],
        port=env["STEPWISE_PORT"],
        path=arguments[0] if arguments else "/health/",
        header=host_header(env["STEPWISE_ALLOWED_HOSTS"], host=env["STEPWISE_HOST"]),
        is_https=env["STEPWISE_HTTPS"],
    )
    return 0 if status == 200 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
