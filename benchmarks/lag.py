"""How far is the prediction role behind the answers? On a whole site, also during replays.

    python benchmarks/lag.py [--model dkt] [--rate 20] [--seconds 60] [--learners 60] [--seed 1]
                             [--phases nothing,replays,fit] [--json FILE]

Starts `manage.py run` in a directory of its own, fills a course with histories, fits a network (one
epoch: its size is what counts) and makes it serve the prediction role. Then learners answer at
random moments, `rate` a second, by the service that the page calls, in this process; the site's
workers advance the states. The lag is from an answer's record to the moment at which its worker had
advanced the prediction state and kept the forecasts of the steps to come. Measured three times:
with nothing else to do, while promotions replay the log of all learners, and while a fit runs. Ends
with 1 when a prediction state is not what the log gives. Needs Linux and the extra `fit`.
"""

import argparse
import json
import os
import platform
import random
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.running import environment_of, running_site, until  # noqa: E402

if TYPE_CHECKING:
    from tutor.content.models import Course
    from tutor.practice.models import Session

SETTLE_SECONDS = 300.0
# The replay of all histories before a version serves, on a machine that does other things too.
SERVE_SECONDS = 900.0
# Answers that wait for the database keep no other learner waiting.
THREADS = 4
MODEL_CONFIG = {"max_epochs": 1}
PHASES = ("nothing", "replays", "fit")


@dataclass
class Phase:
    """Lags of one phase, in seconds, and how it went."""

    name: str
    n_answers: int = 0
    rate: float = 0.0
    median: float = 0.0
    p95: float = 0.0
    longest: float = 0.0
    answer_median: float = 0.0
    n_replays: int = 0
    load_1min: float = 0.0


class Learners:
    """Learners with a sitting each, who answer in turn."""

    def __init__(self, course: "Course", *, numbers: range, seed: int) -> None:
        from tutor.accounts.models import User
        from tutor.common.clock import now_utc
        from tutor.practice.services import session_start

        self.rng = random.Random(seed)
        self._turn = 0
        users = [User.objects.get(username=f"answers{number}") for number in numbers]
        self._sittings: list[Session] = [
            session_start(user, course, now=now_utc()) for user in users
        ]

    def answer(self) -> bool:
        """Let the next learner answer what is on the screen; False when nothing is."""
        from benchmarks.kills_load import RIGHT
        from tutor.common.clock import now_utc
        from tutor.practice.recording import Deed, activity_of
        from tutor.practice.services import (
            activity_continue,
            answer_submit,
            dont_know,
            session_start,
        )

        place = self._turn % len(self._sittings)
        self._turn += 1
        session = self._sittings[place]
        activity = activity_of(session)
        if activity is not None and activity.is_solved:
            activity_continue(session, attempt_token=activity.attempt_token, now=now_utc())
            activity = activity_of(session)
        if activity is None:
            self._sittings[place] = session_start(session.learner, session.course, now=now_utc())
            return False
        token = activity.attempt_token
        if self.rng.random() < 0.6:
            outcome = answer_submit(session, raw_answer=RIGHT, attempt_token=token, now=now_utc())
        else:
            outcome = dont_know(session, attempt_token=token, now=now_utc())
        return outcome.deed is Deed.RECORDED


def lags_take() -> list[float]:
    """Return the kept lags and forget them."""
    import redis
    from django.conf import settings

    from tutor.tracing.lag import KEY

    with redis.Redis.from_url(settings.REDIS_URL) as client:
        lags = [float(line.split()[1]) for line in client.lrange(KEY, 0, -1)]
        client.delete(KEY)
    return lags


def answer_for(learners: Learners, *, rate: float, seconds: float) -> list[float]:
    """Let learners answer at random moments for a while; return how long each answer took."""
    took: list[float] = []
    began = due = time.monotonic()
    while (now := time.monotonic()) < began + seconds:
        if now < due:
            time.sleep(due - now)
        due += learners.rng.expovariate(rate)
        started = time.monotonic()
        if learners.answer():
            took.append(time.monotonic() - started)
    return took


def measured(name: str, groups: list[Learners], *, rate: float, seconds: float) -> Phase:
    """Answer from a thread for each group, and return how far the workers were behind."""
    from django.db import connection

    from tutor.common.models import OutboxEntry
    from tutor.tracing.models import Promotion, PromotionStatus
    from tutor.tracing.services import RECORDED_TOPIC

    lags_take()
    replays = Promotion.objects.filter(status=PromotionStatus.DONE)
    n_replays_before = replays.count()
    took: list[float] = []

    def thread(learners: Learners) -> None:
        try:
            took.extend(answer_for(learners, rate=rate / len(groups), seconds=seconds))
        finally:
            connection.close()

    threads = [threading.Thread(target=thread, args=(learners,)) for learners in groups]
    began = time.monotonic()
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    phase = Phase(name, n_answers=len(took))
    phase.rate = round(phase.n_answers / (time.monotonic() - began), 1)
    phase.load_1min = round(os.getloadavg()[0], 1)
    phase.n_replays = replays.count() - n_replays_before
    owed = OutboxEntry.objects.filter(topic=RECORDED_TOPIC)
    until(lambda: not owed.exists(), seconds=SETTLE_SECONDS)
    lags = np.array(lags_take())
    phase.median, phase.p95 = (round(float(q), 3) for q in np.quantile(lags, [0.5, 0.95]))
    phase.longest = round(float(lags.max()), 3)
    phase.answer_median = round(float(np.median(took)), 3)
    return phase


def site_make(*, model: str, n_learners: int, rng: random.Random) -> "Course":
    """Fill the site, and leave a fitted model to be made to serve."""
    from benchmarks.kills_load import site_fill
    from tutor.common.clock import now_utc
    from tutor.tracing.fits import fit_execute, fit_request
    from tutor.tracing.models import FitStatus, ModelRole

    course = site_fill(n_learners=n_learners, now=now_utc(), rng=rng)
    run = fit_request(
        course,
        model_name=model,
        role=ModelRole.PREDICTION,
        by=None,
        config=MODEL_CONFIG,
        now=now_utc(),
    )
    done = fit_execute(run.pk, clock=now_utc)
    assert done is not None
    assert done.status == FitStatus.DONE, done.reason
    return course


def prediction_serve(course: "Course") -> None:
    """Make the fitted model serve, by the site's workers."""
    from tutor.common.clock import now_utc
    from tutor.tracing.models import ModelRole, ModelVersion, Promotion, VersionStatus
    from tutor.tracing.promotion import promotion_start

    version = ModelVersion.objects.get(course=course, role=ModelRole.PREDICTION)
    if not Promotion.objects.filter(version=version).exists():
        promotion_start(version, by=None, now=now_utc())
    serving = ModelVersion.objects.filter(pk=version.pk, status=VersionStatus.SERVING)
    assert until(serving.exists, seconds=SERVE_SECONDS), f"{version.model_name} does not serve"


class Replays:
    """Keeps the replay of a promotion under way while a phase lasts."""

    def __init__(self, course: "Course") -> None:
        self._course = course
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._loop, daemon=True)

    def __enter__(self) -> "Replays":
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _loop(self) -> None:
        from django.db import DatabaseError, connection

        from tutor.common.clock import now_utc
        from tutor.common.errors import TutorError
        from tutor.tracing.models import ModelRole, ModelVersion, Promotion, PromotionStatus
        from tutor.tracing.promotion import promotion_start

        under_way = Promotion.objects.filter(status=PromotionStatus.REPLAYING)
        while not self._is_over.wait(0.2):
            try:
                if not under_way.exists():
                    version = ModelVersion.objects.create(
                        course=self._course,
                        model_name="bkt",
                        role=ModelRole.MASTERY,
                        created_at=now_utc(),
                    )
                    promotion_start(version, by=None, now=now_utc())
            except (DatabaseError, TutorError):
                continue
        connection.close()


def fit_begin(course: "Course") -> None:
    """Have the fit worker busy for longer than a phase."""
    from tutor.common.clock import now_utc
    from tutor.tracing.fits import fit_request
    from tutor.tracing.models import FitRun, FitStatus, ModelRole

    fit_request(
        course,
        model_name="dkt",
        role=ModelRole.PREDICTION,
        by=None,
        config={"max_epochs": 500, "patience": 500},
        now=now_utc(),
    )
    running = FitRun.objects.filter(status=FitStatus.RUNNING)
    assert until(running.exists, seconds=SETTLE_SECONDS), "no fit has begun"


def states_wrong(course: "Course") -> int:
    """How many prediction states are not what a replay of the log gives."""
    from tutor.responses.exports import observations_export
    from tutor.tracing.models import LearnerState, ModelRole, VersionStatus
    from tutor.tracing.services import replay

    states = LearnerState.objects.filter(
        version__course=course,
        version__role=ModelRole.PREDICTION,
        version__status=VersionStatus.SERVING,
        learner__username__startswith="answers",
    ).select_related("version")
    return sum(
        bytes(state.blob)
        != replay(state.version, observations_export(course, learner_ids=[state.learner_id]))
        for state in states
    )


def phases_run(course: "Course", options: argparse.Namespace, rng: random.Random) -> list[Phase]:
    """Measure quiet, during replays, during a fit, as far as asked for."""
    each = max(options.learners // THREADS, 1)
    groups = [
        Learners(course, numbers=range(place * each, (place + 1) * each), seed=rng.randrange(1000))
        for place in range(THREADS)
    ]
    how: dict[str, Any] = {"rate": options.rate, "seconds": options.seconds}
    measured("warming up", groups, rate=options.rate, seconds=options.seconds / 4)
    phases = []
    if "nothing" in options.phases:
        phases.append(measured("nothing else", groups, **how))
    if "replays" in options.phases:
        with Replays(course):
            phases.append(measured("replays of all learners", groups, **how))
    if "fit" in options.phases:
        fit_begin(course)
        phases.append(measured("a fit of DKT", groups, **how))
    return phases


def main() -> int:
    """Fill a site, answer, print the lags."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", default="dkt", choices=["dkt", "cakt_small", "cakt_plus"])
    parser.add_argument("--phases", type=lambda text: text.split(","), default=list(PHASES))
    parser.add_argument("--rate", type=float, default=20.0, help="answers a second")
    parser.add_argument("--seconds", type=float, default=60.0, help="of each phase")
    parser.add_argument("--learners", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    with tempfile.TemporaryDirectory(prefix="sw-lag-", ignore_cleanup_errors=True) as directory:
        var = Path(directory, "var")
        var.mkdir()
        environment = environment_of(var)
        os.environ.clear()
        os.environ.update(environment)
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        course = site_make(model=options.model, n_learners=options.learners, rng=rng)
        with running_site(var):
            prediction_serve(course)
            phases = phases_run(course, options, rng)
            n_wrong = states_wrong(course)
    print(
        "while                     answers/s  lag s: median    p95    max  answer s: median  load"
    )
    for phase in phases:
        print(
            f"{phase.name:<26}{phase.rate:>9}{phase.median:>15}{phase.p95:>7}{phase.longest:>7}"
            f"{phase.answer_median:>18}{phase.load_1min:>6}"
        )
    n_replays = sum(phase.n_replays for phase in phases)
    print(f"{options.model}: {n_replays} replays ended; {n_wrong} prediction states are wrong")
    if options.json:
        rows = [asdict(phase) for phase in phases]
        machine = f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}"
        content = {"machine": machine, "model": options.model, "rows": rows, "n_wrong": n_wrong}
        options.json.write_text(json.dumps(content, indent=1) + "\n")
    return 1 if n_wrong else 0


if __name__ == "__main__":
    sys.exit(main())
