"""Where a running site keeps its files."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from tutor.common.errors import TutorError

PRIVATE = 0o700


@dataclass(frozen=True)
class Layout:
    """The directories of one var directory; `sockets` may lie elsewhere where that path is long."""

    var: Path
    broker: Path
    logs: Path
    run: Path
    sockets: Path

    @property
    def lock(self) -> Path:
        """Held while a run is alive."""
        return self.run / "lock"

    @property
    def supervisor_config(self) -> Path:
        """The supervisor's generated configuration."""
        return self.run / "supervisord.conf"

    @property
    def supervisor_socket(self) -> Path:
        """Where the run command talks to the supervisor; never longer than the broker's socket."""
        return self.sockets / "ctl"

    @property
    def broker_config(self) -> Path:
        """The embedded broker's generated configuration."""
        return self.run / "valkey.conf"

    @property
    def broker_socket(self) -> Path:
        """The embedded broker's socket."""
        return Path(settings.EMBEDDED_SOCKET)

    def pidfile(self, name: str) -> Path:
        """Where the process of that name writes its id."""
        return self.run / f"{name}.pid"

    def log(self, name: str) -> Path:
        """Where the output of the program of that name goes."""
        return self.logs / f"{name}.log"


def layout_of_settings() -> Layout:
    """Return the layout that the settings ask for; makes nothing."""
    var = Path(settings.VAR_DIR).resolve()
    return Layout(
        var=var,
        broker=var / "broker",
        logs=var / "log",
        run=var / "run",
        sockets=Path(settings.EMBEDDED_SOCKET).parent,
    )


def layout_make(layout: Layout) -> None:
    """Make the directories, the private ones closed to other users.

    Raises:
        TutorError: naming a directory that cannot be made or written, or is somebody else's.
    """
    for path in (layout.var, layout.broker, layout.logs, layout.run, layout.sockets):
        try:
            path.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
            if path != layout.var:
                _close_to_others(path)
            probe = path / ".writable"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise TutorError(
                f"The directory {path} cannot be written ({error.strerror}); "
                "change its owner, or name another by STEPWISE_VAR_DIR.",
                code="var_not_writable",
            ) from error


def _close_to_others(path: Path) -> None:
    # The socket directory may lie in the shared /tmp, where somebody else could have made it first.
    status = path.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
        raise TutorError(
            f"{path} must be a directory of the user who runs Stepwise, and is not; remove it.",
            code="not_ours",
        )
    path.chmod(PRIVATE)
