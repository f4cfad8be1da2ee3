"""What goes on while kills.py kills: answers with a ledger, fits and replays without a pause.

Needs Django set up, with the settings of the site that is killed.
"""

import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from uuid import UUID, uuid4

from django.db import DatabaseError, connection

from tests.browser import Browser
from tutor.accounts.models import User
from tutor.accounts.services import account_create
from tutor.common.clock import now_utc
from tutor.common.errors import TutorError
from tutor.content.importing import course_import
from tutor.content.models import Course
from tutor.responses.models import Response, ResponseSource
from tutor.roster.services import classroom_create, classroom_join
from tutor.tracing.fits import ACTIVE, fit_request
from tutor.tracing.models import (
    FitRun,
    ModelRole,
    ModelVersion,
    Promotion,
    PromotionStatus,
    VersionStatus,
)
from tutor.tracing.promotion import promotion_start

PASSWORD = "correct horse battery"
N_SKILLS = 8
N_PROBLEMS = 40
N_HISTORIES = 240
N_EACH = 40
RIGHT = "7"
WRONG = "5"
# Small, so that several fits fit into a run; long enough to be met by a kill.
MODELS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("bkt_forgets", ModelRole.MASTERY, {}),
    ("dkt", ModelRole.PREDICTION, {"hidden": 64, "embedding": 32, "patience": 30}),
)


def _bundle() -> dict[str, Any]:
    skills = [f"s{number}" for number in range(N_SKILLS)]
    problems = [
        {
            "id": f"{skill}p{number}",
            "lesson": f"l-{skill}",
            "steps": [
                {
                    "id": f"{skill}p{number}a",
                    "prompt": f"What is $3 + 4$? ({skill}, {number})",
                    "skills": [skill],
                    "answer": {"kind": "number", "value": RIGHT},
                }
            ],
        }
        for skill in skills
        for number in range(N_PROBLEMS)
    ]
    return {
        "format": "stepwise-bundle",
        "format_version": 1,
        "course": {"id": "kills", "title": "Killed"},
        "skills": [{"id": skill, "title": skill} for skill in skills],
        "lessons": [{"id": f"l-{skill}", "title": skill, "skills": [skill]} for skill in skills],
        "problems": problems,
    }


def site_fill(*, n_learners: int, now: datetime, rng: random.Random) -> Course:
    """Make the course, a log long enough to fit on and to replay, and the learners who answer."""
    tess = account_create(username="tess", display_name="Tess", role="teacher", password=None)
    course = course_import(_bundle(), by=None, now=now, is_dry_run=False).course
    assert course is not None
    room = classroom_create(name="6b", course=course, teachers=[tess], now=now)
    for number in range(n_learners):
        learner = account_create(
            username=f"answers{number}", display_name=f"A{number}", password=PASSWORD
        )
        classroom_join(learner, join_code=room.join_code, now=now)
    steps = [
        (step.pk, [skill.pk for skill in step.skills.all()])
        for step in course.steps.prefetch_related("skills")
    ]
    rows = []
    for number in range(N_HISTORIES):
        learner = account_create(username=f"past{number}", display_name=f"P{number}")
        ability = rng.gauss(0.0, 0.2)
        at = now - timedelta(days=60 + rng.random())
        for position in range(N_EACH):
            at += timedelta(hours=rng.expovariate(1 / 20))
            step_id, skill_ids = rng.choice(steps)
            is_correct = rng.random() < 0.45 + 0.4 * position / N_EACH + ability
            rows.append(
                Response(
                    learner=learner,
                    course=course,
                    step_id=step_id,
                    skill_ids=skill_ids,
                    session_uuid=uuid4(),
                    source=ResponseSource.IMPORTED,
                    is_observation=True,
                    is_correct=is_correct,
                    answered_at=min(at, now),
                    recorded_at=now,
                )
            )
    Response.objects.bulk_create(rows)
    return course


@dataclass
class Sent:
    """One answer: what was sent, and whether the learner saw the page that follows it."""

    token: UUID
    learner: str
    answer: str
    is_acknowledged: bool = False
    n_sent: int = 0
    seconds: float = 0.0


@dataclass
class Answerer(threading.Thread):
    """A learner who answers without a pause, and sends again what got no page."""

    username: str
    port: int
    course_uuid: str
    rng: random.Random
    ledger: list[Sent] = field(default_factory=list)
    troubles: Counter[str] = field(default_factory=Counter)
    is_sending: bool = False

    def __post_init__(self) -> None:
        super().__init__(name=self.username)
        self._stopping = threading.Event()
        self._browser = Browser(self.port)
        self._browser.login(self.username, password=PASSWORD)

    # A thread is its own identity.
    __hash__ = threading.Thread.__hash__

    def stop(self) -> None:
        """Stop after the answer at hand."""
        self._stopping.set()

    def run(self) -> None:
        """Answer until told to stop."""
        sitting = ""
        while not self._stopping.is_set():
            try:
                sitting = sitting or self._browser.begin(self.course_uuid)
                self._browser.get(sitting)
                if "/continue/" in self._browser.page:
                    self._browser.post(f"{sitting}continue/", attempt_token=self._browser.token())
            except (OSError, HTTPException) as error:
                self._trouble(error)
                continue
            except AssertionError:
                # Nothing to do right now: the next look begins anew.
                sitting = ""
                self.troubles["no step offered"] += 1
                self._stopping.wait(0.5)
                continue
            if "/continue/" not in self._browser.page and "attempt_token" in self._browser.page:
                self._answer(sitting)
            elif "attempt_token" not in self._browser.page:
                sitting = ""

    def _answer(self, sitting: str) -> None:
        answer = RIGHT if self.rng.random() < 0.5 else WRONG
        sent = Sent(UUID(self._browser.token()), self.username, answer)
        self.ledger.append(sent)
        began = time.monotonic()
        while not sent.is_acknowledged:
            sent.n_sent += 1
            self.is_sending = True
            try:
                self._browser.post(
                    f"{sitting}answer/", attempt_token=str(sent.token), answer=answer
                )
                sent.is_acknowledged = True
            except (OSError, HTTPException) as error:
                self._trouble(error)
            finally:
                self.is_sending = False
        sent.seconds = time.monotonic() - began

    def _trouble(self, error: Exception) -> None:
        kind = f"page {error.code}" if isinstance(error, HTTPError) else "no connection"
        self.troubles[kind] += 1
        time.sleep(0.2)


class Operator(threading.Thread):
    """Keeps a fit of each model and a promotion under way, so that kills meet them."""

    def __init__(self, course: Course, *, rng: random.Random) -> None:
        super().__init__(name="operator")
        self._course = course
        self._rng = rng
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Ask for nothing more."""
        self._stopping.set()

    def run(self) -> None:
        """Look twice a second."""
        try:
            while not self._stopping.wait(0.5):
                try:
                    self._fits()
                    self._promotion()
                except (DatabaseError, TutorError):
                    continue
        finally:
            connection.close()

    def _fits(self) -> None:
        for model_name, role, config in MODELS:
            if not FitRun.objects.filter(model_name=model_name, status__in=ACTIVE).exists():
                fit_request(
                    self._course,
                    model_name=model_name,
                    role=role,
                    by=None,
                    config=config,
                    seed=self._rng.randrange(1000),
                    now=now_utc(),
                )

    def _promotion(self) -> None:
        if Promotion.objects.filter(status=PromotionStatus.REPLAYING).exists():
            return
        waiting = ModelVersion.objects.exclude(status=VersionStatus.SERVING).exclude(artifact="")
        versions = list(waiting.order_by("-id")[:4])
        if versions:
            promotion_start(self._rng.choice(versions), by=None, now=now_utc())


@dataclass(frozen=True)
class Audit:
    """The ledger held against the log."""

    n_acknowledged: int
    n_unacknowledged: int
    n_lost: int
    n_doubled: int
    n_altered: int


def ledger_audit(ledger: list[Sent], *, usernames: list[str]) -> Audit:
    """Compare what learners were told with what the database holds of them."""
    rows: dict[UUID, list[tuple[str, str]]] = {}
    learners = dict(User.objects.filter(username__in=usernames).values_list("pk", "username"))
    for token, learner_id, answer in Response.objects.filter(learner_id__in=learners).values_list(
        "attempt_token", "learner_id", "raw_answer"
    ):
        rows.setdefault(token, []).append((learners[learner_id], answer))
    sent = {entry.token: entry for entry in ledger}
    acknowledged = [entry for entry in ledger if entry.is_acknowledged]
    return Audit(
        n_acknowledged=len(acknowledged),
        n_unacknowledged=len(ledger) - len(acknowledged),
        n_lost=sum(entry.token not in rows for entry in acknowledged),
        n_doubled=len(ledger)
        - len(sent)
        + sum(len(found) - (token in sent) for token, found in rows.items()),
        n_altered=sum(
            (entry.learner, entry.answer)
            not in rows.get(entry.token, [(entry.learner, entry.answer)])
            for entry in ledger
        ),
    )
