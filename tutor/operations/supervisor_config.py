"""The generated configurations of the supervisor and of the embedded broker: pure text."""

import shlex
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tutor.operations.layout import Layout

# How long a program must stay up to count as started: longer than importing the site takes, so that
# a site that cannot be imported is told from one that died later.
START_SECONDS = 5
START_RETRIES = 10
LOG_BYTES = 5 * 1024 * 1024
LOG_BACKUPS = 4
WEB_GRACE_SECONDS = 5
TASKS_PER_CHILD = 200
# What loaded a model of the prediction role, and torch for it, is not made anew for a handful.
PREDICTIONS_PER_CHILD = 10_000
# What fits: a process of its own for each fit, so that what it loaded and used is given back.
FITS_PER_CHILD = 1
NICENESS = "10"


@dataclass(frozen=True)
class Program:
    """One supervised program."""

    name: str
    command: Sequence[str]
    stop_seconds: int
    start_seconds: int = START_SECONDS


def broker_program(layout: Layout, *, binary: Path) -> Program:
    """Return the embedded broker."""
    return Program("broker", [str(binary), str(layout.broker_config)], 10, start_seconds=1)


def web_program(*, host: str, port: int, processes: int, threads: int) -> Program:
    """Return the web server."""
    bind = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    command = [sys.executable, "-m", "gunicorn", "tutor.wsgi:application"]
    command += ["--config", "python:tutor.operations.gunicorn_conf"]
    command += ["--bind", bind, "--worker-class", "gthread"]
    command += ["--workers", str(processes), "--threads", str(threads)]
    # Loaded once, the site is shared by its processes until they write to it: two of them take
    # 141 MB together instead of 214 MB.
    command += ["--preload", "--graceful-timeout", str(WEB_GRACE_SECONDS), "--timeout", "60"]
    command += ["--no-control-socket"]
    if Path("/dev/shm").is_dir():  # noqa: S108 - gunicorn's heartbeat files want memory, not disk
        command += ["--worker-tmp-dir", "/dev/shm"]  # noqa: S108
    return Program("web", command, WEB_GRACE_SECONDS + 2)


def worker_program(*, concurrency: int) -> Program:
    """Return the worker of what is short: imports, what beat sends."""
    return _worker("worker", queue="default", concurrency=concurrency, n_tasks=TASKS_PER_CHILD)


def predict_worker_program(*, concurrency: int) -> Program:
    """Return the worker that advances states after each answer and keeps its models loaded."""
    return _worker(
        "predict-worker",
        queue="predict",
        concurrency=concurrency,
        n_tasks=PREDICTIONS_PER_CHILD,
    )


def replay_worker_program() -> Program:
    """Return the worker that replays the log into states: answers never wait behind it."""
    return _worker(
        "replay-worker", queue="replay", concurrency=1, n_tasks=TASKS_PER_CHILD, is_patient=True
    )


def fit_worker_program() -> Program:
    """Return the worker that fits models, one at a time: what is short never waits behind it."""
    return _worker(
        "fit-worker", queue="fit", concurrency=1, n_tasks=FITS_PER_CHILD, is_patient=True
    )


def _worker(
    name: str, *, queue: str, concurrency: int, n_tasks: int, is_patient: bool = False
) -> Program:
    # Pages and answers get the cores first.
    command = ["nice", "-n", NICENESS] if is_patient and shutil.which("nice") else []
    command += [sys.executable, "-m", "celery", "-A", "tutor", "worker", "-Q", queue]
    command += ["--hostname", f"{name}@localhost", "--concurrency", str(concurrency)]
    command += ["--max-tasks-per-child", str(n_tasks)]
    # Two workers on one machine have nothing to gossip about.
    command += ["--without-gossip", "--without-mingle", "--loglevel", "INFO"]
    return Program(name, command, 10)


def beat_program() -> Program:
    """Return the clock that queues periodic tasks."""
    command = [sys.executable, "-m", "celery", "-A", "tutor", "beat", "--pidfile", ""]
    return Program("beat", [*command, "--loglevel", "WARNING"], 5)


def supervisor_config(layout: Layout, *, programs: Sequence[Program], directory: Path) -> str:
    """Return the supervisor's configuration; nothing starts before it is told to."""
    return "\n".join(
        [
            _section("unix_http_server", {"file": str(layout.supervisor_socket), "chmod": "0700"}),
            _section(
                "supervisord",
                {
                    "logfile": str(layout.log("supervisor")),
                    "logfile_maxbytes": str(LOG_BYTES),
                    "logfile_backups": str(LOG_BACKUPS),
                    "pidfile": str(layout.pidfile("supervisord")),
                    "nodaemon": "true",
                    "silent": "true",
                    "directory": str(directory),
                    "childlogdir": str(layout.logs),
                },
            ),
            _section(
                "rpcinterface:supervisor",
                {
                    "supervisor.rpcinterface_factory": (
                        "supervisor.rpcinterface:make_main_rpcinterface"
                    )
                },
            ),
            *(_program_section(program, layout=layout) for program in programs),
        ]
    )


def _program_section(program: Program, *, layout: Layout) -> str:
    wrapped = [sys.executable, "-m", "tutor.operations.child"]
    wrapped += [str(layout.pidfile(program.name)), *program.command]
    return _section(
        f"program:{program.name}",
        {
            "command": shlex.join(wrapped),
            "autostart": "false",
            "autorestart": "true",
            "startsecs": str(program.start_seconds),
            "startretries": str(START_RETRIES),
            "stopsignal": "TERM",
            "stopwaitsecs": str(program.stop_seconds),
            # The children of a program that had to be killed go with it.
            "killasgroup": "true",
            "redirect_stderr": "true",
            "stdout_logfile": str(layout.log(program.name)),
            "stdout_logfile_maxbytes": str(LOG_BYTES),
            "stdout_logfile_backups": str(LOG_BACKUPS),
        },
    )


def _section(name: str, values: dict[str, str]) -> str:
    # The supervisor expands %(...)s in every value.
    lines = [f"{key}={value.replace('%', '%%')}" for key, value in values.items()]
    return "\n".join([f"[{name}]", *lines, ""])


def broker_config(layout: Layout) -> str:
    """Return the embedded broker's configuration: a private socket, no network, a log on disk.

    The append-only file is what lets a queued task outlive the broker.
    """
    return "\n".join(
        [
            "port 0",
            f"unixsocket {_broker_quote(layout.broker_socket)}",
            "unixsocketperm 700",
            f"dir {_broker_quote(layout.broker)}",
            "daemonize no",
            "appendonly yes",
            "appendfsync everysec",
            'save ""',
            # A full memory must refuse a task aloud rather than drop another one.
            "maxmemory-policy noeviction",
            "",
        ]
    )


def _broker_quote(path: Path) -> str:
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
