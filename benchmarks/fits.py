"""A real log through the whole road: import, fits by workers, promotion, replay, beliefs.

    python benchmarks/fits.py [--log assist2017.csv.gz] [--var DIR] [--json FILE]
                              [--models bkt_forgets:mastery,psi_kt_extended:mastery]

Imports a log of STEPWISE_DATA (default ../shared, its `data` folder) into a site of its own, starts
`manage.py run` and asks for the fits like the page does; the site's workers do the rest. A version
that the rule does not let serve is promoted by hand, so that its replay is measured too. Models are
fitted in the order given, each tested beside the one that served by then; the states of the last
one are held against a replay of the log. With --var what is in that folder already (the log, fits
that are done) is taken as it is, so that a run which was broken off can go on. Seconds are the
clock's and, in brackets, the CPU's, summed over the
worker's processes. Needs Linux and the extra `fit`.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.running import Run, environment_of, running_site  # noqa: E402

if TYPE_CHECKING:
    from tutor.content.models import Course
    from tutor.tracing.models import FitRun, ModelVersion

COURSE = "benchmark"
HOURS = 3600.0
POLL_SECONDS = 1.0
TICKS = os.sysconf("SC_CLK_TCK")
PAGE_LEARNERS = 40


@dataclass
class FitRow:
    """One fit: what it took, and its back-test."""

    model: str
    role: str
    wall_seconds: float
    cpu_seconds: float | None
    peak_mib: float
    n_learners: int
    n_observations: int
    metrics: list[dict[str, Any]] = field(repr=False, default_factory=list)
    verdict: str = ""


@dataclass
class ReplayRow:
    """One promotion: how long until the version served, and over how many states."""

    model: str
    n_states: int
    wall_seconds: float
    cpu_seconds: float | None
    n_shards: int


def cpu_of(pid: int) -> float:
    """CPU seconds of a process, its children and those that it has waited for."""
    try:
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return 0.0
    # utime, stime, and the same of children that have ended.
    own = sum(int(word) for word in words[11:15]) / TICKS
    return own + sum(cpu_of(int(child)) for child in children)


def waited(is_so: Callable[[], bool], *, say: Callable[[], str]) -> None:
    """Wait, and say what goes on whenever that changes."""
    deadline, said = time.monotonic() + HOURS, ""
    while not is_so():
        assert time.monotonic() < deadline, "took longer than an hour"
        if (line := say()) != said:
            print(f"  {line}", flush=True)
            said = line
        time.sleep(POLL_SECONDS)


def imported(log: str) -> "Course":
    """Import the log where it is not there yet."""
    from tutor.content.models import Course

    data = Path(os.environ.get("STEPWISE_DATA", ROOT.parent / "shared")) / "data" / log
    if not Course.objects.filter(key=COURSE).exists():
        if not data.is_file():
            sys.exit(f"no log at {data}; set STEPWISE_DATA")
        print(f"import: {commanded('import_responses', str(data), '--create-content')}", flush=True)
    return Course.objects.get(key=COURSE)


def commanded(*words: str) -> str:
    """Run one of the site's commands on the course; say what it took."""
    began = time.monotonic()
    command = [sys.executable, "manage.py", *words, "--course", COURSE]
    process = subprocess.Popen(command, cwd=ROOT)
    _pid, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, f"{words[0]} ended with {process.returncode}"
    return (
        f"{time.monotonic() - began:.0f} s ({usage.ru_utime + usage.ru_stime:.0f} s), "
        f"peak {usage.ru_maxrss / 1024:.0f} MiB"
    )


def fitted(course: "Course", run: Run, *, model: str, role: str) -> "tuple[FitRun, FitRow]":
    """Have a worker fit a model, where that is not done."""
    from tutor.common.clock import now_utc
    from tutor.tracing.fits import ACTIVE, fit_request
    from tutor.tracing.models import FitRun, FitStatus

    done = FitRun.objects.filter(
        course=course, model_name=model, role=role, status__in=(*ACTIVE, FitStatus.DONE)
    )
    fit = done.order_by("-id").first()
    cpu_before = None if fit else cpu_of(run.pid("fit-worker"))
    fit = fit or fit_request(course, model_name=model, role=role, by=None, now=now_utc())

    def is_over() -> bool:
        fit.refresh_from_db()
        return fit.status not in ACTIVE

    waited(is_over, say=lambda: f"{model}: {100 * fit.progress:.0f} % {fit.stage}")
    assert fit.status == FitStatus.DONE, fit.reason
    assert fit.started_at is not None
    assert fit.finished_at is not None
    row = FitRow(
        model=model,
        role=role,
        wall_seconds=round((fit.finished_at - fit.started_at).total_seconds()),
        cpu_seconds=None
        if cpu_before is None
        else round(cpu_of(run.pid("fit-worker")) - cpu_before),
        peak_mib=round(fit.peak_mib or 0),
        n_learners=fit.n_learners or 0,
        n_observations=fit.n_observations or 0,
        metrics=fit.version.metrics["rows"],
        verdict=fit.version.reason,
    )
    return fit, row


def served(version: "ModelVersion", run: Run) -> ReplayRow:
    """Wait until a version serves, and promote it by hand where the rule did not."""
    from tutor.common.clock import now_utc
    from tutor.tracing.models import LearnerState, Promotion, PromotionStatus, ShardStatus
    from tutor.tracing.promotion import promotion_start

    promotion = Promotion.objects.filter(version=version).order_by("-id").first()
    # What of it is done before we look is not in the CPU's seconds.
    is_whole = promotion is None
    cpu_before = cpu_of(run.pid("replay-worker"))
    promotion = promotion or promotion_start(version, by=None, now=now_utc())

    def is_over() -> bool:
        promotion.refresh_from_db()
        return promotion.status != PromotionStatus.REPLAYING

    shards = promotion.shards.all()
    waited(
        is_over,
        say=lambda: (
            f"{version.model_name}: {shards.filter(status=ShardStatus.DONE).count()} "
            f"of {shards.count()} shards"
        ),
    )
    assert promotion.status == PromotionStatus.DONE, promotion.reason
    assert promotion.finished_at is not None
    return ReplayRow(
        model=version.model_name,
        n_states=LearnerState.objects.filter(version=version).count(),
        wall_seconds=round((promotion.finished_at - promotion.started_at).total_seconds()),
        cpu_seconds=round(cpu_of(run.pid("replay-worker")) - cpu_before) if is_whole else None,
        n_shards=shards.count(),
    )


def page(course: "Course") -> str:
    """Read the beliefs of a class, and say in how many queries and how long."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from tutor.accounts.models import User
    from tutor.common.clock import now_utc
    from tutor.content.graph import course_graph
    from tutor.tracing.selectors import beliefs_of_learners

    learners = list(User.objects.filter(responses__course=course).distinct()[:PAGE_LEARNERS])
    course_graph(course)
    seconds = []
    for _ in range(5):
        began = time.perf_counter()
        with CaptureQueriesContext(connection) as queries:
            beliefs = beliefs_of_learners(learners, course, now=now_utc())
        seconds.append(time.perf_counter() - began)
    return (
        f"beliefs of {beliefs.p_correct.shape[0]} learners in {beliefs.p_correct.shape[1]} skills: "
        f"{len(queries)} queries, {1000 * sorted(seconds)[2]:.1f} ms"
    )


def told(fits: list[FitRow], replays: list[ReplayRow]) -> str:
    """The figures as text."""

    def seconds(row: FitRow | ReplayRow) -> str:
        return f"{row.wall_seconds} s" + (
            "" if row.cpu_seconds is None else f" ({row.cpu_seconds} s)"
        )

    lines = []
    for row in fits:
        lines.append(
            f"fit of {row.model} ({row.role}): {seconds(row)}, peak {row.peak_mib} MiB, "
            f"{row.n_observations:,} observations of {row.n_learners:,} learners"
        )
        lines += [
            f"  {one['name']:<22} AUC {one['auc']:.4f} ({one['auc_low']:.4f}-{one['auc_high']:.4f})"
            f"  log loss {one['log_loss']:.4f} ({one['log_loss_low']:.4f}-"
            f"{one['log_loss_high']:.4f})  ECE {one['ece']:.4f}"
            for one in row.metrics
        ]
        lines.append(f"  {row.verdict}")
    lines += [
        f"replay of {row.model}: {row.n_states:,} states in {row.n_shards} shards, {seconds(row)}"
        for row in replays
    ]
    return "\n".join(lines)


def main() -> None:
    """Import, fit, promote, replay, read, print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--log", default="assist2017.csv.gz")
    parser.add_argument("--models", default="bkt_forgets:mastery,psi_kt_extended:mastery")
    parser.add_argument("--var", type=Path, help="the site's folder, kept")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sw-fits-", ignore_cleanup_errors=True) as directory:
        var = (options.var or Path(directory, "var")).resolve()
        var.mkdir(exist_ok=True)
        os.environ.update(environment_of(var))
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        course = imported(options.log)
        fits, replays = [], []
        with running_site(var) as run:
            for word in options.models.split(","):
                model, _, role = word.partition(":")
                fit, row = fitted(course, run, model=model, role=role or "mastery")
                fits.append(row)
                replays.append(served(fit.version, run))
            text = told(fits, replays) + "\n" + page(course)
            print(f"rebuild_states --verify: {commanded('rebuild_states', '--verify')}")
    print(text)
    print(f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}")
    if options.json:
        found = {"fits": [asdict(r) for r in fits], "replays": [asdict(r) for r in replays]}
        options.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
