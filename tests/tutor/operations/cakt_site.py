"""A site where CAKT comes to serve: what the test has done in processes of their own.

    python -m tests.tutor.operations.cakt_site make
    python -m tests.tutor.operations.cakt_site serve MODEL

Both print one line of JSON. `make` fills the site's database before it runs; `serve` waits for the
running site's workers to fit and promote, then lets learners answer.
"""

import io
import json
import random
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

if TYPE_CHECKING:
    from tutor.content.models import Course

N_PAST, N_EACH, N_LEARNERS, N_ANSWERS = 30, 30, 4, 6
MODELS = {
    "cakt_plus": {"max_epochs": 1, "side": 5},
    "cakt_small": {"max_epochs": 1, "side": 5, "channels": [2, 1]},
}
# CI runs this beside everything else on two cores.
WAIT_SECONDS = 240.0


def bundle() -> dict[str, Any]:
    """Two skills with five problems of one step each."""
    skills = ("add", "sub")
    problems = [
        {
            "id": f"{skill}{number}",
            "lesson": f"l-{skill}",
            "steps": [
                {
                    "id": f"{skill}{number}a",
                    "prompt": f"What is $3 + {number}$?",
                    "skills": [skill],
                    "answer": {"kind": "number", "value": str(3 + number)},
                    "hints": [{"id": "h1", "text": "Count on."}],
                }
            ],
        }
        for skill in skills
        for number in range(5)
    ]
    return {
        "format": "stepwise-bundle",
        "format_version": 1,
        "course": {"id": "served", "title": "Served"},
        "skills": [{"id": skill, "title": skill} for skill in skills],
        "lessons": [
            {"id": f"l-{skill}", "title": skill, "skills": [skill], "body": "Read."}
            for skill in skills
        ],
        "problems": problems,
    }


def make() -> dict[str, Any]:
    """Import the course, give it a past whose later problems are harder, and ask for both fits."""
    from django.core.management import call_command

    from tutor.accounts.services import account_create
    from tutor.common.clock import now_utc
    from tutor.content.importing import course_import
    from tutor.responses.models import Response, ResponseSource
    from tutor.roster.services import classroom_create, classroom_join
    from tutor.tracing.fits import fit_request
    from tutor.tracing.models import ModelRole

    call_command("migrate", verbosity=0)
    rng, now = random.Random(7), now_utc()
    course = course_import(bundle(), by=None, now=now, is_dry_run=False).course
    assert course is not None
    tess = account_create(username="tess", display_name="Tess", role="teacher", password=None)
    room = classroom_create(name="6b", course=course, teachers=[tess], now=now)
    for name in MODELS:
        for number in range(N_LEARNERS):
            learner = account_create(username=f"{name}{number}", display_name=f"N{number}")
            classroom_join(learner, join_code=room.join_code, now=now)
    steps = list(course.steps.order_by("key"))
    skill_of = {step.pk: step.skills.get().pk for step in steps}
    rows = []
    for number in range(N_PAST):
        learner = account_create(username=f"past{number}", display_name=f"P{number}")
        at = now - timedelta(days=60 + rng.random())
        for _ in range(N_EACH):
            at += timedelta(hours=rng.expovariate(1 / 20))
            step = rng.choice(steps)
            p = 0.95 - 0.2 * int(step.key[-2])
            rows.append(
                Response(
                    learner=learner,
                    course=course,
                    step_id=step.pk,
                    skill_ids=[skill_of[step.pk]],
                    session_uuid=uuid4(),
                    source=ResponseSource.IMPORTED,
                    is_observation=True,
                    is_correct=rng.random() < p,
                    answered_at=min(at, now),
                    recorded_at=now,
                )
            )
    Response.objects.bulk_create(rows)
    call_command("rebuild_states", stdout=io.StringIO())
    for name, config in MODELS.items():
        fit_request(
            course, model_name=name, role=ModelRole.PREDICTION, by=None, config=config, now=now
        )
    return {"n_past": len(rows)}


def until(is_so: Callable[[], bool], *, what: str) -> None:
    """Wait for the site's workers; with other work to do they may take a while."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.2)


def serve(model_name: str) -> dict[str, Any]:
    """Make the fitted model serve, answer, and return what the workers made of it."""
    from tutor.common.clock import now_utc
    from tutor.content.models import Course
    from tutor.tracing.models import FitRun, FitStatus, ModelVersion, Promotion, VersionStatus
    from tutor.tracing.promotion import promotion_start

    course = Course.objects.get()
    runs = FitRun.objects.filter(model_name=model_name)
    until(lambda: not runs.filter(status__in=["queued", "running"]).exists(), what="the fit")
    assert runs.get().status == FitStatus.DONE, runs.get().reason
    # What passed the rule is on its way by itself; two at once would supersede each other.
    replaying = Promotion.objects.filter(status="replaying")
    until(lambda: not replaying.exists(), what="promotions under way")
    version = ModelVersion.objects.get(model_name=model_name)
    if version.status != VersionStatus.SERVING:
        promotion_start(version, by=None, now=now_utc())
    serving = ModelVersion.objects.filter(pk=version.pk, status=VersionStatus.SERVING)
    until(serving.exists, what=f"{model_name} to serve")
    return learners_answer(course, version)


def learners_answer(course: "Course", version: Any) -> dict[str, Any]:
    """Let the learners answer by the service that pages call; return what is kept of them then."""
    import redis
    from django.conf import settings

    from tutor.accounts.models import User
    from tutor.common.clock import now_utc
    from tutor.common.models import OutboxEntry
    from tutor.practice.recording import activity_of
    from tutor.practice.services import activity_continue, dont_know, session_start
    from tutor.tracing.lag import KEY
    from tutor.tracing.models import LearnerState
    from tutor.tracing.services import RECORDED_TOPIC

    client = redis.Redis.from_url(settings.REDIS_URL)
    client.delete(KEY)
    learners = list(User.objects.filter(username__startswith=version.model_name))
    n_answers = 0
    for learner in learners:
        session = session_start(learner, course, now=now_utc())
        while (activity := activity_of(session)) is not None:
            if activity.is_solved:
                activity_continue(session, attempt_token=activity.attempt_token, now=now_utc())
                continue
            dont_know(session, attempt_token=activity.attempt_token, now=now_utc())
            n_answers += 1
            if n_answers % N_ANSWERS == 0:
                break
    owed = OutboxEntry.objects.filter(topic=RECORDED_TOPIC)
    until(lambda: not owed.exists(), what="the states of all answers")
    states = LearnerState.objects.filter(version=version, learner__in=learners)
    return {
        "n_answers": n_answers,
        "n_observations": sum(state.n_observations for state in states),
        "n_lags": client.llen(KEY),
        "forecasts": [forecasts_seen(course, learner) for learner in learners],
    }


def forecasts_seen(course: "Course", learner: Any) -> dict[str, Any]:
    """Return a learner's forecasts, and which steps the scheduler takes with and without them."""
    from dataclasses import replace

    from tutor.common.clock import now_utc
    from tutor.content.graph import course_graph
    from tutor.scheduling.services import offer_for, target_choose

    offer = offer_for(learner, course, now=now_utc())
    graph = course_graph(course)
    key_of = {step.step_id: step.key for step in graph.step_of_key.values()}
    drawn = {}
    for skill_id in graph.skill_ids:
        # As if nothing had been seen yet: all problems of the skill are at hand.
        offers = (replace(offer, observations=[], rng_seed=seed) for seed in range(40))
        drawn[str(skill_id)] = sorted(
            {key_of[target_choose(one, graph, skill_id).step.step_id] for one in offers}
        )
    steps = {
        str(skill_id): [key_of[step.step_id] for step in graph.steps_by_skill[skill_id]]
        for skill_id in graph.skill_ids
    }
    return {
        "p": {key_of[step_id]: p for step_id, p in offer.forecasts.items()},
        "steps": steps,
        "drawn": drawn,
    }


if __name__ == "__main__":
    import django

    django.setup()
    part, *arguments = sys.argv[1:]
    sys.stdout.write(json.dumps({"make": make, "serve": serve}[part](*arguments)) + "\n")
