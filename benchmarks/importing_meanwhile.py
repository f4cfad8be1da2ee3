"""Does the site go on answering learners while something large is imported?

    python benchmarks/importing_meanwhile.py problems [--problems 10000]
    python benchmarks/importing_meanwhile.py responses [--log assist2017.csv.gz]

A class answers the demo course over HTTP, so many answers a second whatever they take (a late one
holds up no other), first alone and then while another process imports into the same SQLite
database: a made course through a job, as a worker carries it out, or a response log of
STEPWISE_DATA by the command. Prints what an answer took before and during each stage of the import,
the import's time and peak memory, and how often the progress that its page would show was seen to
change.
"""

import argparse
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
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.answer_post import Job, _Broker, _Served, _Site  # noqa: E402

WORKER = """
import django; django.setup()
import sys
from tutor.common.clock import now_utc
from tutor.content.jobs import import_job_run
assert import_job_run(sys.argv[1], clock=now_utc)
"""
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

    def send(self, site: "_Site", *, until: threading.Event | None, at_least: int = 0) -> None:
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
        lines = [f"{'answers while':28}{'n':>6}{'median ms':>11}{'p95 ms':>9}{'longest ms':>12}"]
        for stage, seconds in self.seconds.items():
            ordered = sorted(1000 * s for s in seconds)
            p95 = ordered[int(0.95 * (len(ordered) - 1))]
            lines.append(
                f"{stage:28}{len(ordered):6}{statistics.median(ordered):11.0f}{p95:9.0f}"
                f"{ordered[-1]:12.0f}"
            )
        return "\n".join(lines)


def main() -> None:
    """Set up, serve, import, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["problems", "responses"])
    parser.add_argument("--problems", type=int, default=10_000)
    parser.add_argument("--log", default="assist2017.csv.gz")
    parser.add_argument("--learners", type=int, default=200)
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
        with _Broker(Path(directory)):
            measure(options)


def measure(options: argparse.Namespace) -> None:
    """Answer alone, then while importing."""
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    call_command("collectstatic", verbosity=0, interactive=False)
    from tutor.settings import ENV

    site = _Site(options.learners)
    command, job_uuid = work(options)
    processes, threads = ENV["STEPWISE_WEB_PROCESSES"], ENV["STEPWISE_WEB_THREADS"]
    with _Served("tutor.wsgi:application", processes, threads) as port:
        answers = Answers(port, options.per_second, stage="warming up")
        answers.send(site, until=None, at_least=20)
        answers.seconds.clear()
        answers.stage = "alone"
        answers.send(site, until=None, at_least=options.alone)
        print(f"load before {os.getloadavg()[0]:.1f}", flush=True)
        over = threading.Event()
        seen: list[tuple[str, float]] = []
        told: dict[str, Any] = {}
        watcher = threading.Thread(
            target=watch, args=(command, job_uuid, answers, over, seen, told)
        )
        watcher.start()
        answers.send(site, until=over)
        watcher.join()
    print(answers.table())
    print(f"answers that failed: {len(answers.failures)} {answers.failures[:3]}")
    print(f"import: {told['seconds']:.0f} s, CPU {told['cpu']:.0f} s, peak {told['peak']:.0f} MiB")
    print(f"progress seen to change {len(seen)} times: {told['stages']}")
    print(f"load after {os.getloadavg()[0]:.1f}; {told['end']}")


def work(options: argparse.Namespace) -> tuple[list[str], str]:
    """The command that imports, and the job that tells its progress ("" for none)."""
    if options.what == "responses":
        data = Path(os.environ.get("STEPWISE_DATA", ROOT.parent / "shared")) / "data" / options.log
        if not data.is_file():
            raise SystemExit(f"no log at {data}; set STEPWISE_DATA")
        line = ["manage.py", "import_responses", str(data), "--course", "bench", "--create-content"]
        return [sys.executable, *line], ""
    from django.core.files.base import ContentFile

    from benchmarks.imports import bundle_make
    from tutor.accounts.services import account_create
    from tutor.common.clock import now_utc
    from tutor.content.jobs import import_job_create

    packed = json.dumps(bundle_make(options.problems, templated=0.2)).encode()
    by = account_create(username="author", display_name="Author", role="teacher")
    file = ContentFile(packed, name="large.json")
    job = import_job_create(file, by=by, is_dry_run=False, now=now_utc())
    return [sys.executable, "-c", WORKER, str(job.uuid)], str(job.uuid)


def watch(
    command: list[str],
    job_uuid: str,
    answers: Answers,
    over: threading.Event,
    seen: list[tuple[str, float]],
    told: dict[str, Any],
) -> None:
    """Import in a process of its own, look at the progress as a page does, note what it took."""
    from django.db import connection

    from tutor.content.models import ImportJob

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
            if job_uuid:
                look = ImportJob.objects.values_list("stage", "progress").get(uuid=job_uuid)
                answers.stage = look[0] or answers.stage
                if not seen or seen[-1] != look:
                    seen.append(look)
            time.sleep(POLL_S)
        over.set()
        said.seek(0)
        output = said.read()
    if process.returncode:
        told["end"] = output[-1000:]
    elif job_uuid:
        job = ImportJob.objects.get(uuid=job_uuid)
        told["end"] = f"{job.status}, version {job.result.get('version')}"
    else:
        told["end"] = output.strip()
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
