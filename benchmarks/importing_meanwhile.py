"""Does the site go on answering learners while something large is imported?

    python benchmarks/importing_meanwhile.py problems [--problems 10000]
    python benchmarks/importing_meanwhile.py responses [--log assist2017.csv.gz] [--rows 300000]

A class answers the demo course over HTTP, so many answers a second whatever they take (a late one
holds up no other), first alone and then while another process imports into the same SQLite
database: a made course, or a response log of STEPWISE_DATA (its first `--rows` responses), each
through a job, as the worker carries it out (a log's at the low priority that its worker has).
Prints what an answer took before and during each stage of the import, which share of the answers
kept within the budget, the import's time and peak memory, and how often the progress that its page
would show was seen to change.
"""

import argparse
import gzip
import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.served_site import Broker, Job, NewSite, Served, Site  # noqa: E402

if TYPE_CHECKING:
    from tutor.content.models import ImportJob
    from tutor.tracing.models import ResponseImport

WORKERS = {
    "problems": """
import django; django.setup()
import sys
from tutor.common.clock import now_utc
from tutor.content.jobs import import_job_run
assert import_job_run(sys.argv[1], clock=now_utc)
""",
    "responses": """
import os, sys; os.nice(int(sys.argv[2]))
import django; django.setup()
import sys
from tutor.common.clock import now_utc
from tutor.tracing.history_jobs import response_import_run
assert response_import_run(sys.argv[1], clock=now_utc)
""",
}
# What a learner's answer may take, of the server, in 95 of 100 cases (docs/operating.md).
BUDGET_MS = 200
CLIENTS = 16
POLL_S = 0.25


@dataclass
class Answers:
    """What answers took, by what the import did when they were sent."""

    port: int
    per_second: float
    stage: str = "alone"
    seconds: dict[str, list[float]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def send(self, site: "Site", *, until: threading.Event | None, at_least: int = 0) -> None:
        """Send answers at an even pace; between the class's rounds its steps go on, unsent."""
        sent = 0
        with ThreadPoolExecutor(CLIENTS) as pool:
            while sent < at_least or (until is not None and not until.is_set()):
                next_at = time.monotonic()
                for job in site.answers():
                    if sent >= at_least and (until is None or until.is_set()):
                        break
                    time.sleep(max(0.0, next_at - time.monotonic()))
                    next_at += 1 / self.per_second
                    pool.submit(self._one, job, self.stage)
                    sent += 1
                else:
                    site.go_on()

    def _one(self, job: Job, stage: str) -> None:
        began = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "HX-Request": "true",
            "Cookie": f"{job.cookie}; csrftoken={'a' * 32}",
            "X-CSRFToken": "a" * 32,
            "Origin": f"http://127.0.0.1:{self.port}",
        }
        try:
            connection.request("POST", job.path, job.body, headers)
            response = connection.getresponse()
            response.read()
            if response.status != 200:
                self.failures.append(f"{stage}: status {response.status}")
        except OSError as error:
            self.failures.append(f"{stage}: {error}")
        finally:
            connection.close()
        self.seconds.setdefault(stage, []).append(time.perf_counter() - began)

    def table(self) -> str:
        """A line for each stage: how many answers, and what they took."""
        titles = f"{'n':>6}{'median ms':>11}{'p95 ms':>9}{'longest ms':>12}{'in budget':>11}"
        lines = [f"{'answers while':28}{titles}"]
        for stage, seconds in self.seconds.items():
            ordered = sorted(1000 * s for s in seconds)
            p95 = ordered[int(0.95 * (len(ordered) - 1))]
            kept = sum(ms <= BUDGET_MS for ms in ordered) / len(ordered)
            lines.append(
                f"{stage:28}{len(ordered):6}{statistics.median(ordered):11.0f}{p95:9.0f}"
                f"{ordered[-1]:12.0f}{kept:11.0%}"
            )
        return "\n".join(lines)


def main() -> None:
    """Set up, serve, import, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["problems", "responses"])
    parser.add_argument("--problems", type=int, default=10_000)
    parser.add_argument("--log", default="assist2017.csv.gz")
    parser.add_argument("--nice", type=int, default=10, help="as the worker of logs is started")
    parser.add_argument("--rows", type=int, help="only so many responses of the log")
    parser.add_argument("--learners", type=int, default=100)
    parser.add_argument("--per-second", type=float, default=4.0)
    parser.add_argument("--alone", type=int, default=80, help="answers before the import")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sw-bench-") as directory:
        os.environ |= {
            "STEPWISE_VAR_DIR": directory,
            "STEPWISE_LOG_LEVEL": "ERROR",
            "DJANGO_SETTINGS_MODULE": "tutor.settings",
            "PYTHONPATH": str(ROOT),
        }
        with Broker(Path(directory)):
            measure(options)


def measure(options: argparse.Namespace) -> None:
    """Answer alone, then while importing."""
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    call_command("collectstatic", verbosity=0, interactive=False)
    from tutor.settings import ENV

    site = NewSite(options.learners)
    job = work(options)
    command = [sys.executable, "-c", WORKERS[options.what], str(job.uuid), str(options.nice)]
    processes, threads = ENV["STEPWISE_WEB_PROCESSES"], ENV["STEPWISE_WEB_THREADS"]
    with Served("tutor.wsgi:application", processes, threads) as served:
        answers = Answers(served.port, options.per_second, stage="warming up")
        answers.send(site, until=None, at_least=20)
        answers.seconds.clear()
        answers.stage = "alone"
        answers.send(site, until=None, at_least=options.alone)
        print(f"load before {os.getloadavg()[0]:.1f}", flush=True)
        over = threading.Event()
        seen: list[tuple[str, float]] = []
        told: dict[str, Any] = {}
        watcher = threading.Thread(target=watch, args=(command, job, answers, over, seen, told))
        watcher.start()
        answers.send(site, until=over)
        watcher.join()
    print(answers.table())
    print(f"answers that failed: {len(answers.failures)} {answers.failures[:3]}")
    print(f"import: {told['seconds']:.0f} s, CPU {told['cpu']:.0f} s, peak {told['peak']:.0f} MiB")
    print(f"progress seen to change {len(seen)} times: {told['stages']}")
    print(f"load after {os.getloadavg()[0]:.1f}; {told['end']}")


def work(options: argparse.Namespace) -> "ImportJob | ResponseImport":
    """The job that imports, and tells its progress."""
    from django.core.files.base import ContentFile

    from benchmarks.imports import bundle_make
    from tutor.accounts.services import account_create
    from tutor.common.clock import now_utc
    from tutor.content.jobs import import_job_create
    from tutor.tracing.history_jobs import response_import_create
    from tutor.tracing.history_reading import HistoryOptions

    role = "teacher" if options.what == "problems" else "administrator"
    by = account_create(username="author", display_name="Author", role=role)
    if options.what == "problems":
        packed = json.dumps(bundle_make(options.problems, templated=0.2)).encode()
        file = ContentFile(packed, name="large.json")
        return import_job_create(file, by=by, is_dry_run=False, now=now_utc())
    return response_import_create(
        ContentFile(log_lines(options), name="log.csv"),
        course_key="bench",
        options=HistoryOptions(),
        is_creating_content=True,
        by=by,
        is_dry_run=False,
        now=now_utc(),
    )


def log_lines(options: argparse.Namespace) -> bytes:
    """The log, or its first rows."""
    path = Path(os.environ.get("STEPWISE_DATA", ROOT.parent / "shared")) / "data" / options.log
    if not path.is_file():
        raise SystemExit(f"no log at {path}; set STEPWISE_DATA")
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as lines:
        return b"".join(islice(lines, None if options.rows is None else options.rows + 1))


def watch(
    command: list[str],
    job: "ImportJob | ResponseImport",
    answers: Answers,
    over: threading.Event,
    seen: list[tuple[str, float]],
    told: dict[str, Any],
) -> None:
    """Import in a process of its own, look at the progress as a page does, note what it took."""
    from django.db import connection

    jobs = type(job)._default_manager.filter(pk=job.pk)
    began = time.monotonic()
    answers.stage = "importing"
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(command, cwd=ROOT, stdout=said, stderr=subprocess.STDOUT)
        usage = None
        while usage is None:
            pid, status, resources = os.wait4(process.pid, os.WNOHANG)
            if pid:
                usage = resources
                process.returncode = os.waitstatus_to_exitcode(status)
                break
            look = jobs.values_list("stage", "progress").get()
            answers.stage = look[0] or answers.stage
            if not seen or seen[-1] != look:
                seen.append(look)
            time.sleep(POLL_S)
        over.set()
        said.seek(0)
        output = said.read()
    job.refresh_from_db()
    n_new = job.result.get("n_new", job.result.get("counts", {}).get("problems"))
    told["end"] = output[-1000:] if process.returncode else f"{job.status}: {n_new}"
    connection.close()
    stages = dict.fromkeys(stage for stage, _ in seen)
    told |= {
        "seconds": time.monotonic() - began,
        "cpu": usage.ru_utime + usage.ru_stime,
        "peak": usage.ru_maxrss / 1024,
        "stages": ", ".join(filter(None, stages)),
    }


if __name__ == "__main__":
    main()
