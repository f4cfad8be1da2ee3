"""Does anything get lost when processes are killed? kill -9, again and again, on a whole site.

    python benchmarks/kills.py [--kills 50] [--learners 4] [--seed 1] [--pause 4] [--json FILE]

Starts `manage.py run` in a directory of its own. Learners answer without a pause, each keeping a
ledger of what the site acknowledged and sending again what got no page; an operator keeps a fit of
two models and the replay of a promotion under way. Meanwhile web server, workers, broker and clock
are killed in turn at random moments: the whole process group, only its first process, or only one
child. A worker of fits or replays is killed when it has a fit or a shard in hand that it was not
killed in before. Then the load stops, what is owed is worked off, and the ledger is held against
the log. Ends with 1 when a check fails. Needs Linux and the extra `fit`; takes about twenty minutes
for 50.
"""

import argparse
import json
import os
import platform
import random
import signal
import statistics
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.running import START_SECONDS, Run, environment_of, is_alive, running_site, until  # noqa: E402

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from benchmarks.kills_load import Answerer, Operator
    from tutor.content.models import Course

TARGETS = ("worker", "replay-worker", "fit-worker", "web", "broker", "beat")
MODES = ("group", "first", "child")
# An outbox entry and a shard that a killed worker had are free again within a minute.
SETTLE_SECONDS = 300.0
BACK_SECONDS = 150.0
MEET_SECONDS = 60.0
# How far into its work a worker may come before it is killed.
LINGER_SECONDS = {"fit-worker": 8.0, "replay-worker": 0.5}


@dataclass
class Kill:
    """One kill, what was under way, and how long until the program was back."""

    target: str
    mode: str
    is_in_fit: bool
    is_in_replay: bool
    n_answers_in_flight: int
    old_pid: int
    at: float = 0.0
    is_restart: bool = False
    back_seconds: float | None = None


def children_of(pid: int) -> list[int]:
    """The child processes of a process."""
    with suppress(OSError):
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def kill_now(kill: Kill, *, rng: random.Random) -> bool:
    """Kill -9; return whether the program itself must be started again."""
    children = children_of(kill.old_pid)
    # It may have ended by itself since the look.
    with suppress(ProcessLookupError):
        if kill.mode == "child" and children:
            os.kill(rng.choice(children), signal.SIGKILL)
            return False
        if kill.mode == "group":
            os.killpg(os.getpgid(kill.old_pid), signal.SIGKILL)
        else:
            os.kill(kill.old_pid, signal.SIGKILL)
    return True


def kills_do(
    run: Run, answerers: "list[Answerer]", *, n_kills: int, pause: float, rng: random.Random
) -> list[Kill]:
    """Kill each target in turn at random moments, without waiting for the others to be back."""
    from tutor.tracing.models import FitRun, FitStatus

    running = FitRun.objects.filter(status=FitStatus.RUNNING)
    assert until(running.exists, seconds=START_SECONDS), "no fit has begun"
    done: list[Kill] = []
    seen: set[tuple[str, int, int]] = set()
    for number in range(n_kills):
        target, mode = TARGETS[number % len(TARGETS)], rng.choice(MODES)
        comebacks_watch(run, done, seconds=rng.uniform(0.2, 2 * pause))
        assert until(partial(is_up, run, target), seconds=BACK_SECONDS), (
            f"{target} did not come back"
        )
        if target in LINGER_SECONDS:
            work_meet(target, seen=seen)
            time.sleep(rng.uniform(0, LINGER_SECONDS[target]))
        kill = Kill(
            target=target,
            mode=mode,
            is_in_fit=work_of("fit-worker").exists(),
            is_in_replay=work_of("replay-worker").exists(),
            n_answers_in_flight=sum(answerer.is_sending for answerer in answerers),
            old_pid=run.pid(target),
        )
        kill.is_restart = kill_now(kill, rng=rng)
        kill.at = time.monotonic()
        done.append(kill)
        print(f"  kill {number + 1} of {n_kills}: {target}, {mode}", flush=True)
    comebacks_watch(run, done, seconds=BACK_SECONDS)
    return done


def work_of(target: str) -> "QuerySet[Any]":
    """What a worker has in hand now: under way, and its lease is alive."""
    from tutor.common.clock import now_utc
    from tutor.tracing.models import FitRun, FitStatus, ReplayShard, ShardStatus

    if target == "fit-worker":
        return FitRun.objects.filter(status=FitStatus.RUNNING, lease_until__gt=now_utc())
    return ReplayShard.objects.filter(status=ShardStatus.RUNNING, lease_until__gt=now_utc())


def work_meet(target: str, *, seen: set[tuple[str, int, int]]) -> None:
    """Wait a little for work that a worker is to be killed in, and was not yet: a fit, a replay."""

    def is_met() -> bool:
        # A killed worker's lease is alive for a while: only another try is work again.
        new = {(target, row.pk, row.attempts) for row in work_of(target)} - seen
        seen.update(new)
        return bool(new)

    until(is_met, seconds=MEET_SECONDS)


def comebacks_watch(run: Run, kills: list[Kill], *, seconds: float) -> None:
    """Note for a while when what was killed is back; only the last kill of each program counts."""
    until_at = time.monotonic() + seconds
    while (left := until_at - time.monotonic()) > 0:
        waiting = [kill for kill in kills if kill.is_restart and kill.back_seconds is None]
        for kill in waiting:
            if run.pid(kill.target) != kill.old_pid and is_up(run, kill.target):
                kill.back_seconds = round(time.monotonic() - kill.at, 1)
        if not waiting and seconds == BACK_SECONDS:
            return
        time.sleep(min(left, 0.2))


def is_up(run: Run, target: str) -> bool:
    """Whether a program is there; of the web server and the broker, whether it answers."""
    if target == "web":
        return run.status("/login/") == 200
    if target == "broker":
        from tutor.common.clock import now_utc
        from tutor.operations.health import health_of_site

        return any(part.name == "broker" and part.is_well for part in health_of_site(now=now_utc()))
    pid = run.pid(target)
    # A worker's pool comes after its imports.
    return is_alive(pid) and (target == "beat" or bool(children_of(pid)))


def owed() -> dict[str, int]:
    """What is still to be done."""
    from tutor.common.models import OutboxEntry
    from tutor.tracing.fits import ACTIVE
    from tutor.tracing.models import FitRun, Promotion, PromotionStatus

    return {
        "outbox": OutboxEntry.objects.count(),
        "fits": FitRun.objects.filter(status__in=ACTIVE).count(),
        "promotions": Promotion.objects.filter(status=PromotionStatus.REPLAYING).count(),
    }


def figures(
    answerers: "list[Answerer]", *, kills: list[Kill], settle_seconds: float
) -> dict[str, Any]:
    """What happened, and what the checks found."""
    from django.core.management import CommandError, call_command
    from django.db import connection
    from django.db.models import Count, Max

    from benchmarks.kills_load import ledger_audit
    from tutor.responses.models import Response
    from tutor.tracing.models import (
        FitRun,
        LearnerState,
        ModelRole,
        Promotion,
        ReplayShard,
        VersionStatus,
    )

    ledger = [entry for answerer in answerers for entry in answerer.ledger]
    audit = ledger_audit(ledger, usernames=[answerer.username for answerer in answerers])
    said = StringIO()
    with suppress(CommandError):
        call_command("rebuild_states", "--verify", stdout=said)
    n_of = dict(
        Response.objects.filter(is_observation=True)
        .values_list("learner_id")
        .annotate(n=Count("id"))
    )
    prediction = LearnerState.objects.filter(
        version__role=ModelRole.PREDICTION, version__status=VersionStatus.SERVING
    )
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA integrity_check")
        integrity = cursor.fetchone()[0]
    waits = sorted(entry.seconds for entry in ledger if entry.is_acknowledged)
    return {
        "kills": [asdict(kill) for kill in kills],
        "answers": asdict(audit)
        | {
            "sent_again": sum(entry.n_sent > 1 for entry in ledger),
            "median_seconds": round(statistics.median(waits), 3),
            "longest_seconds": round(waits[-1], 1),
        },
        "troubles": dict(sum((answerer.troubles for answerer in answerers), Counter())),
        "fits": dict(Counter(FitRun.objects.values_list("status", flat=True))),
        "fit_attempts_most": FitRun.objects.aggregate(most=Max("attempts"))["most"],
        "fits_taken_up_again": FitRun.objects.filter(attempts__gt=1).count(),
        "promotions": dict(Counter(Promotion.objects.values_list("status", flat=True))),
        "shards": dict(Counter(ReplayShard.objects.values_list("status", flat=True))),
        "shards_taken_up_again": ReplayShard.objects.filter(attempts__gt=1).count(),
        "owed": owed(),
        "settle_seconds": round(settle_seconds),
        "verify": said.getvalue().splitlines()[-1],
        "prediction_states_behind": sum(
            n_of.get(learner_id, 0) != n
            for learner_id, n in prediction.values_list("learner_id", "n_observations")
        ),
        "integrity": integrity,
    }


def failed_checks(found: dict[str, Any]) -> list[str]:
    """The checks that do not hold, in words."""
    answers = found["answers"]
    checks = {
        "no acknowledged answer is lost": not answers["n_lost"],
        "no answer is there twice, none that was not sent": not answers["n_doubled"],
        "no answer is altered": not answers["n_altered"],
        "every answer was acknowledged in the end": not answers["n_unacknowledged"],
        "every fit is in a final state": not found["owed"]["fits"],
        "every promotion is in a final state": not found["owed"]["promotions"],
        "nothing is owed": not found["owed"]["outbox"],
        "states are what the log gives": found["verify"] == "0 differences",
        "prediction states are as far as the log": not found["prediction_states_behind"],
        "the database is whole": found["integrity"] == "ok",
    }
    return [name for name, is_so in checks.items() if not is_so]


def table(found: dict[str, Any]) -> str:
    """The kills by program, as text."""
    lines = [
        "killed      kills  in a fit  in a replay  answers in flight  back after s (median, max)"
    ]
    for target in TARGETS:
        kills = [Kill(**row) for row in found["kills"] if row["target"] == target]
        back = [kill.back_seconds for kill in kills if kill.back_seconds is not None]
        took = f"{statistics.median(back):.1f}, {max(back):.1f}" if back else "-"
        lines.append(
            f"{target:<10} {len(kills):>6} {sum(kill.is_in_fit for kill in kills):>9} "
            f"{sum(kill.is_in_replay for kill in kills):>12} "
            f"{sum(kill.n_answers_in_flight for kill in kills):>18}  {took:>26}"
        )
    return "\n".join(lines)


def load_start(
    run: Run, course: "Course", *, n_learners: int, rng: random.Random
) -> "tuple[list[Answerer], Operator]":
    """Start the learners and the operator."""
    from benchmarks.kills_load import Answerer, Operator

    answerers = [
        Answerer(
            username=f"answers{number}",
            port=run.port,
            course_uuid=str(course.uuid),
            rng=random.Random(rng.random()),
        )
        for number in range(n_learners)
    ]
    operator = Operator(course, rng=random.Random(rng.random()))
    for thread in (*answerers, operator):
        thread.start()
    return answerers, operator


def main() -> int:
    """Fill a site, kill, settle, check."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--learners", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pause", type=float, default=4.0, help="mean seconds between kills")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="sw-kills-", ignore_cleanup_errors=True) as directory:
        var = Path(directory, "var")
        var.mkdir()
        environment = environment_of(var)
        os.environ.clear()
        os.environ.update(environment)
        import django

        django.setup()
        from django.core.management import call_command

        from benchmarks.kills_load import site_fill
        from tutor.common.clock import now_utc

        call_command("migrate", verbosity=0)
        course = site_fill(n_learners=options.learners, now=now_utc(), rng=rng)
        call_command("rebuild_states", stdout=StringIO())
        with running_site(var) as run:
            answerers, operator = load_start(run, course, n_learners=options.learners, rng=rng)
            try:
                kills = kills_do(
                    run, answerers, n_kills=options.kills, pause=options.pause, rng=rng
                )
            finally:
                operator.stop()
                for answerer in answerers:
                    answerer.stop()
                for thread in (operator, *answerers):
                    thread.join()
            stopped = time.monotonic()
            until(lambda: not any(owed().values()), seconds=SETTLE_SECONDS)
            settle_seconds = time.monotonic() - stopped
            assert run.process.poll() is None, run.output
        found = figures(answerers, kills=kills, settle_seconds=settle_seconds)
    found["minutes"] = round((time.monotonic() - began) / 60, 1)
    found["machine"] = f"{platform.machine()}, {os.cpu_count()} cores"
    failed = failed_checks(found)
    print(table(found))
    print(json.dumps({name: value for name, value in found.items() if name != "kills"}, indent=1))
    print("\n".join(f"FAILED: {name}" for name in failed) or "all checks hold")
    if options.json:
        options.json.write_text(json.dumps(found | {"failed": failed}, indent=1) + "\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
