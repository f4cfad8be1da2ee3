"""Response logs of simulated learners, written straight into the log, and workers' work by hand."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

import numpy as np

from tests.world import course_make
from tutor.accounts.models import User
from tutor.accounts.services import account_create
from tutor.common.models import OutboxEntry
from tutor.common.outbox import outbox_due, outbox_take
from tutor.content.models import Course
from tutor.responses.models import Response, ResponseSource
from tutor.tracing.models import ModelVersion, VersionStatus

SKILLS = ("a", "b", "c", "d")


def log_make(
    *,
    now: datetime,
    n_learners: int = 40,
    n_each: int = 40,
    seed: int = 5,
    is_noise: bool = False,
    key: str = "log",
) -> Course:
    """A course whose learners guess a lot and learn slowly, unlike the default parameters.

    With `is_noise` the outcomes are a coin's: nothing can be learned from them.
    """
    rng, who = np.random.default_rng(seed), np.random.default_rng([seed, *key.encode()])
    course = course_make(now=now, key=key, skills=SKILLS)
    steps = {step.skills.get().key: step for step in course.steps.filter(key__endswith="2a")}
    skill_pk = {skill.key: skill.pk for skill in course.skills.all()}
    rows = []
    for number in range(n_learners):
        learner = account_create(username=f"{key}{number}", display_name=f"L{number}")
        # Who is held out for testing hangs on it, and with it whether a fit is promoted.
        learner.uuid = UUID(int=int.from_bytes(who.bytes(16), "big"), version=4)
        learner.save(update_fields=["uuid"])
        known = dict.fromkeys(SKILLS, False) | {"a": bool(rng.random() < 0.3)}
        at = now - timedelta(days=60 + float(rng.random()))
        for _ in range(n_each):
            skill = str(rng.choice(SKILLS))
            at += timedelta(hours=float(rng.exponential(20)))
            p = 0.5 if is_noise else (0.97 if known[skill] else 0.45)
            rows.append(
                response_of(course, learner, steps[skill].pk, skill_pk[skill], rng.random() < p, at)
            )
            known[skill] = known[skill] or bool(rng.random() < 0.04)
    Response.objects.bulk_create(rows)
    return course


def response_of(
    course: Course, learner: User, step_id: int, skill_id: int, is_correct: object, at: datetime
) -> Response:
    """One imported observation."""
    return Response(
        learner=learner,
        course=course,
        step_id=step_id,
        skill_ids=[skill_id],
        session_uuid=uuid4(),
        source=ResponseSource.IMPORTED,
        is_observation=True,
        is_correct=bool(is_correct),
        answered_at=at,
        recorded_at=at,
    )


def work_off(now: datetime) -> None:
    """Do what the outbox holds, as beat's sweep would."""
    moment = now + timedelta(minutes=1)
    OutboxEntry.objects.filter(topic="fit").delete()
    while ids := outbox_due(now=moment):
        for entry_id in ids:
            outbox_take(entry_id, now=moment, is_sweep=True)
        # What a handler promised waits for its grace.
        moment += timedelta(minutes=1)


def serving(course: Course) -> ModelVersion:
    return ModelVersion.objects.get(course=course, status=VersionStatus.SERVING)
