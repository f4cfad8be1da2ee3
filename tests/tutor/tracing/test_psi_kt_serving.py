"""PSI-KT as the mastery model, from fit to roll-back, with real small fits."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.conf import LazySettings
from django.db import transaction

from kt_models.psi_kt.filter import FittedPSIKT
from tests.tutor.tracing.logs import log_make, response_of, serving, work_off
from tests.tutor.tracing.psi_kt import SMALL, psi_kt_run
from tutor.accounts.models import User
from tutor.accounts.services import account_create
from tutor.content.models import Course, Skill, Step
from tutor.env import BASE_DIR
from tutor.responses.models import Response
from tutor.tracing import engine
from tutor.tracing.fits import fit_cancel, fit_execute, fit_request
from tutor.tracing.heartbeat import Heartbeat
from tutor.tracing.models import FitRun, FitStatus, LearnerState, ModelVersion, VersionStatus
from tutor.tracing.promotion import roll_back
from tutor.tracing.selectors import beliefs_of_learner, beliefs_of_learners, states_of_learners
from tutor.tracing.services import (
    learner_replay,
    observation_apply,
    states_verify,
    tracing_hold,
    version_serving,
)
from tutor.tracing.traits import learner_traits


def psi_kt_of(version: ModelVersion) -> FittedPSIKT:
    model = engine.tracer(version)
    assert isinstance(model, FittedPSIKT)
    return model


def answer(
    course: Course, learner: User, step: Step, is_correct: bool, at: datetime
) -> LearnerState:
    """Record an answer and take it up in the learner's state, as the answer's transaction does."""
    skill_ids = list(step.skills.order_by("pk").values_list("pk", flat=True))
    response = response_of(course, learner, step.pk, skill_ids[0], is_correct, at)
    response.skill_ids = skill_ids
    response.save()
    with transaction.atomic():
        tracing = tracing_hold(learner, course, now=at)
        observation_apply(tracing, response, step=step, now=at)
    return tracing.state


def test_it_serves_states_of_the_whole_log_and_bkt_is_retired(
    psi_kt_course: Course, now: datetime
) -> None:
    version = serving(psi_kt_course)
    assert (version.model_name, version.role) == ("psi_kt_extended", "mastery")
    assert LearnerState.objects.filter(version=version, is_stale=False).count() == 40
    assert states_verify(psi_kt_course, now=now, is_repairing=False).differing_state_ids == ()
    retired = ModelVersion.objects.get(course=psi_kt_course, status=VersionStatus.RETIRED)
    assert retired.model_name == "bkt"
    names = {row["name"] for row in version.metrics["rows"]}
    assert names == {"candidate", "cold start", "learner_mean", "majority"}


def test_an_answer_moves_the_state_as_a_replay_of_the_log_does(
    psi_kt_course: Course, now: datetime
) -> None:
    learner = User.objects.get(username="log3")
    step = psi_kt_course.steps.get(key="a2a")
    skill = step.skills.get().pk
    before = beliefs_of_learner(learner, psi_kt_course, now=now).of(skill)
    for place, is_correct in enumerate([True, False, True]):
        at = now + timedelta(minutes=place)
        state = answer(psi_kt_course, learner, step, is_correct, at)
        assert not state.is_stale
    after = beliefs_of_learner(learner, psi_kt_course, now=now + timedelta(minutes=3)).of(skill)
    assert after.n_observations == before.n_observations + 3
    assert after.p_correct != before.p_correct
    verification = states_verify(psi_kt_course, now=now, is_repairing=False)
    assert verification.differing_state_ids == ()


def test_a_learner_who_comes_later_begins_at_the_population(
    psi_kt_course: Course, now: datetime
) -> None:
    new = account_create(username="new", display_name="New")
    nothing = beliefs_of_learner(new, psi_kt_course, now=now)
    assert nothing.n_observations.tolist() == [0] * 4
    answer(psi_kt_course, new, psi_kt_course.steps.get(key="a2a"), True, now)
    one = beliefs_of_learner(new, psi_kt_course, now=now)
    # What one answer tells of the learner bears on every skill.
    assert (one.p_correct > nothing.p_correct).all()
    assert states_verify(psi_kt_course, now=now, is_repairing=False).differing_state_ids == ()


def test_a_class_is_forecast_in_one_query(
    psi_kt_course: Course, now: datetime, django_assert_num_queries: Callable[..., Any]
) -> None:
    learners = list(User.objects.filter(username__startswith="log").order_by("pk"))
    beliefs_of_learners(learners[:1], psi_kt_course, now=now)
    with django_assert_num_queries(1):
        beliefs = beliefs_of_learners(learners, psi_kt_course, now=now)
    assert beliefs.p_mastery.shape == (40, 4)
    assert not beliefs.is_fallback
    for array in (beliefs.p_correct, beliefs.p_mastery, beliefs.lower, beliefs.upper):
        assert ((array >= 0.0) & (array <= 1.0)).all()
    assert (beliefs.lower <= beliefs.p_correct).all()
    assert (beliefs.p_correct <= beliefs.upper).all()


def test_a_skill_and_a_step_that_came_after_the_fit_are_followed_from_the_learner_s_level(
    psi_kt_course: Course, now: datetime
) -> None:
    skill = Skill.objects.create(course=psi_kt_course, key="new", title="New", position=9)
    old = psi_kt_course.steps.get(key="a2a")
    step = Step.objects.create(
        course=psi_kt_course,
        problem=old.problem,
        key="new-step",
        answer=old.answer,
        answer_kind=old.answer_kind,
        position=9,
    )
    step.skills.set([skill, old.skills.get()])
    psi_kt_course.version_number += 1
    psi_kt_course.save()
    learner = User.objects.get(username="log3")
    before = beliefs_of_learner(learner, psi_kt_course, now=now).of(skill.pk)
    assert before.n_observations == 0
    assert 0.0 < before.lower < before.p_correct < before.upper < 1.0
    for place in range(4):
        answer(psi_kt_course, learner, step, True, now + timedelta(minutes=place))
    after = beliefs_of_learner(learner, psi_kt_course, now=now + timedelta(minutes=4)).of(skill.pk)
    assert after.n_observations == 4
    assert after.p_correct > before.p_correct
    assert after.upper - after.lower < before.upper - before.lower
    assert states_verify(psi_kt_course, now=now, is_repairing=False).differing_state_ids == ()


def test_a_skill_that_is_retired_after_the_fit_leaves_the_page_and_not_the_state(
    psi_kt_course: Course, now: datetime
) -> None:
    gone = psi_kt_course.skills.get(key="d")
    gone.is_retired = True
    gone.save()
    psi_kt_course.version_number += 1
    psi_kt_course.save()
    learner = User.objects.get(username="log3")
    assert gone.pk not in beliefs_of_learner(learner, psi_kt_course, now=now).skill_ids
    state = LearnerState.objects.get(learner=learner, version=serving(psi_kt_course))
    loaded = psi_kt_of(serving(psi_kt_course)).load_state(bytes(state.blob))
    assert str(gone.pk) in loaded.index
    assert states_verify(psi_kt_course, now=now, is_repairing=False).differing_state_ids == ()


def test_an_answer_from_before_the_state_s_clock_is_replayed_in_its_place(
    psi_kt_course: Course, now: datetime
) -> None:
    learner = User.objects.get(username="log3")
    step = psi_kt_course.steps.get(key="b2a")
    state = answer(psi_kt_course, learner, step, True, now - timedelta(days=50))
    assert state.is_stale
    learner_replay(state.version, learner.pk, now=now)
    assert states_verify(psi_kt_course, now=now, is_repairing=False).differing_state_ids == ()
    state.refresh_from_db()
    assert (state.is_stale, state.n_observations) == (False, 41)


def test_a_roll_back_brings_bkt_with_what_was_answered_meanwhile(
    psi_kt_course: Course, now: datetime
) -> None:
    learner = User.objects.get(username="log3")
    answer(psi_kt_course, learner, psi_kt_course.steps.get(key="a2a"), True, now)
    roll_back(psi_kt_course, role="mastery", by=None, now=now)
    work_off(now)
    version = serving(psi_kt_course)
    assert version.model_name == "bkt"
    assert states_verify(psi_kt_course, now=now, is_repairing=False).differing_state_ids == ()
    assert LearnerState.objects.get(learner=learner, version=version).n_observations == 41
    held = states_of_learners([learner.pk], psi_kt_course, now=now)
    assert not learner_traits(held, learner).has_traits


FRESH = """
import json, sys
import django
django.setup()
from tutor.tracing import engine, engine_insight
from tutor.tracing.models import ModelVersion

told = json.loads(sys.stdin.read())
version = ModelVersion(model_name="psi_kt_extended", **told["version"])
blob = bytes.fromhex(told["blob"])
observation = engine.observation_make(
    told["skills"], item=told["item"], is_correct=True, at_days=told["at"]
)
blob = engine.state_advance(version, blob, [observation])
beliefs = engine.forecast(version, [blob], told["skills"], at_days=told["at"])
engine.first_below(version, blob, told["skills"], threshold=0.9, from_days=told["at"])
traits = engine_insight.traits(version, [blob])
edges = engine_insight.edges(version, always=(), at_least=0.0, most=10)
heavy = [name for name in ("torch", "pyro", "sklearn", "scipy") if name in sys.modules]
print(json.dumps([beliefs.p_correct.ravel().tolist(), len(traits), len(edges), heavy]))
"""


def test_a_web_process_updates_and_reads_it_without_torch(
    psi_kt_course: Course, now: datetime, psi_kt_artifacts: Path
) -> None:
    version = serving(psi_kt_course)
    learner = User.objects.get(username="log3")
    state = LearnerState.objects.get(learner=learner, version=version)
    skill = psi_kt_course.skills.get(key="a").pk
    at = now.timestamp() / 86400.0
    told = {
        "version": {"artifact": version.artifact, "sha256": version.sha256},
        "blob": bytes(state.blob).hex(),
        "skills": [skill],
        "item": "a2a",
        "at": at,
    }
    done = subprocess.run(
        [sys.executable, "-c", FRESH],
        input=json.dumps(told),
        cwd=BASE_DIR,
        env=os.environ
        | {"STEPWISE_VAR_DIR": str(psi_kt_artifacts), "DJANGO_SETTINGS_MODULE": "tutor.settings"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    p_correct, n_traits, n_edges, heavy = json.loads(done.stdout)
    assert heavy == []
    assert (n_traits, n_edges) == (1, 10)
    blob = engine.state_advance(
        version,
        state.blob,
        [engine.observation_make([skill], item="a2a", is_correct=True, at_days=at)],
    )
    here = engine.forecast(version, [blob], [skill], at_days=at).p_correct
    assert p_correct == pytest.approx(here.ravel().tolist(), abs=1e-12)


@pytest.fixture
def course(db: None, now: datetime) -> Course:
    return log_make(now=now, n_each=12, key="small")


def request(course: Course, now: datetime, **config: Any) -> FitRun:
    return fit_request(
        course, model_name="psi_kt_extended", by=None, now=now, config=SMALL | config
    )


def test_a_fit_that_is_killed_ends_as_if_it_had_never_stopped(
    course: Course, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = psi_kt_run(course, now)
    run = request(course, now)
    told: list[float] = []
    with monkeypatch.context() as killing:

        def die(self: Heartbeat, share: float, stage: str) -> None:
            if share > 0.5:
                raise SystemExit

        killing.setattr(Heartbeat, "progress", die)
        with pytest.raises(SystemExit):
            fit_execute(run.pk, clock=lambda: now, is_threaded=False)
    real = Heartbeat.progress

    def tell(self: Heartbeat, share: float, stage: str) -> None:
        told.append(share)
        real(self, share, stage)

    monkeypatch.setattr(Heartbeat, "progress", tell)
    later = now + timedelta(minutes=1)
    done = fit_execute(run.pk, clock=lambda: later, is_threaded=False)
    assert done is not None
    assert (done.status, done.attempts) == (FitStatus.DONE, 2)
    # After the log is read it goes on beyond where it was killed.
    assert told[0] == 0.0
    assert min(told[1:]) > 0.4
    one, other = (psi_kt_of(fit.version).parameters for fit in (whole, done))
    np.testing.assert_array_equal(one.skill_offset, other.skill_offset)
    np.testing.assert_array_equal(one.edges.weight, other.edges.weight)


def test_a_running_fit_stops_at_its_next_word_of_progress(
    course: Course, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = User.objects.create(username="root", display_name="Root", role="administrator")
    run = request(course, now)
    told: list[float] = []
    real = Heartbeat.progress

    def cancelled_midway(self: Heartbeat, share: float, stage: str) -> None:
        told.append(share)
        if len(told) == 3:
            assert fit_cancel(run, by=admin, now=now)
        real(self, share, stage)

    monkeypatch.setattr(Heartbeat, "progress", cancelled_midway)
    done = fit_execute(run.pk, clock=lambda: now, is_threaded=False)
    assert done is not None
    assert done.status == FitStatus.CANCELLED
    assert len(told) == 3


@pytest.mark.parametrize(
    ("limit", "words"),
    [("FIT_MEMORY_MB", "the limit is 1 MB"), ("FIT_MINUTES", "longer than the limit of")],
)
def test_a_fit_beyond_its_limits_ends_with_words(
    course: Course, now: datetime, settings: LazySettings, limit: str, words: str
) -> None:
    setattr(settings, limit, 1 if limit == "FIT_MEMORY_MB" else -1)
    run = request(course, now)
    done = fit_execute(run.pk, clock=lambda: now, is_threaded=False)
    assert done is not None
    assert done.status == FitStatus.FAILED
    assert words in done.reason


def test_a_fit_runs_where_kt_device_says(
    course: Course, now: datetime, settings: LazySettings
) -> None:
    import torch

    settings.KT_DEVICE = "cpu"
    assert psi_kt_of(psi_kt_run(course, now).version).parameters.config.device == "cpu"
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    settings.KT_DEVICE = "cuda"
    run = request(course, now)
    done = fit_execute(run.pk, clock=lambda: now, is_threaded=False)
    assert done is not None
    assert done.status == FitStatus.FAILED
    assert "torch sees no GPU here" in done.reason


def test_a_log_of_right_answers_only_is_fitted_and_served(course: Course, now: datetime) -> None:
    Response.objects.filter(course=course).update(is_correct=True)
    version = psi_kt_run(course, now).version
    # Who is always right tells nothing of who will be wrong.
    assert {row["auc"] for row in version.metrics["rows"]} == {None}
    learner = User.objects.filter(responses__course=course).first()
    assert learner is not None
    learner_replay(version, learner.pk, now=now)
    state = LearnerState.objects.get(learner=learner, version=version)
    skill_ids = list(course.skills.values_list("pk", flat=True))
    beliefs = engine.forecast(version, [state.blob], skill_ids, at_days=now.timestamp() / 86400.0)
    assert (beliefs.p_correct > 0.8).all()
    assert (beliefs.upper <= 1.0).all()
    assert version_serving(course, now=now).model_name == "bkt"
