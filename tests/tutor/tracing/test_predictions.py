"""The prediction role: a worker keeps what the model says of the steps to come; pages read it."""

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.tutor.tracing.logs import log_make, response_of
from tutor.accounts.models import User
from tutor.common.outbox import outbox_add, outbox_due, outbox_take
from tutor.content.graph import course_graph
from tutor.content.models import Course
from tutor.responses.exports import observations_export
from tutor.responses.models import Response, ResponseSource
from tutor.scheduling.selectors import View
from tutor.scheduling.services import _predicted, offer_for
from tutor.scheduling.statuses import PolicyConfig
from tutor.tracing import engine, predictions
from tutor.tracing.lag import lag_read
from tutor.tracing.models import LearnerState, ModelVersion, VersionStatus
from tutor.tracing.predictions import forecasts_of_learner
from tutor.tracing.services import (
    RECORDED_TOPIC,
    learner_replay,
    replay,
    states_verify,
    version_serving,
)


@pytest.fixture
def course(db: None, now: datetime) -> Course:
    return log_make(now=now, n_learners=3, n_each=20)


@pytest.fixture
def version(course: Course, now: datetime) -> ModelVersion:
    """A version in the prediction role that lets its skills be asked for one by one."""
    version_serving(course, now=now)
    return ModelVersion.objects.create(
        course=course,
        model_name="bkt",
        role="prediction",
        status=VersionStatus.SERVING,
        created_at=now,
    )


@pytest.fixture
def learner(course: Course) -> User:
    return User.objects.get(username="log1")


def answer(course: Course, learner: User, now: datetime, *, is_told: bool = True) -> Response:
    some = Response.objects.filter(learner=learner)[0]
    response = response_of(course, learner, some.step_id, some.skill_ids[0], True, now)
    response.save()
    if is_told:
        outbox_add(RECORDED_TOPIC, {"response_id": response.pk}, now=now)
        for entry_id in outbox_due(now=now + timedelta(minutes=1)):
            assert outbox_take(entry_id, now=now, is_sweep=False)
    return response


def newest_of(learner: User) -> list[int]:
    return list(
        Response.objects.filter(learner=learner).order_by("-pk").values_list("pk", flat=True)[:5]
    )


def test_after_an_answer_the_model_s_word_on_each_step_is_read_with_one_query(
    course: Course, version: ModelVersion, learner: User, now: datetime
) -> None:
    answer(course, learner, now)
    newest = newest_of(learner)
    with CaptureQueriesContext(connection) as queries:
        forecasts = forecasts_of_learner(learner, course, newest=newest)
    assert len(queries) == 1
    steps = course_graph(course).step_of_key.values()
    assert forecasts.keys() == {step.step_id for step in steps}
    state = LearnerState.objects.get(version=version, learner=learner)
    model = engine.tracer(version)
    for step in steps:
        p = model.predict_next(
            model.load_state(bytes(state.blob)),
            [str(skill) for skill in step.skill_ids],
            item=step.key,
            at=now.timestamp() / 86_400,
        )
        assert forecasts[step.step_id] == pytest.approx(p, abs=1e-3)


def test_the_first_offer_of_a_sitting_is_told_what_the_model_says(
    course: Course, version: ModelVersion, learner: User, now: datetime
) -> None:
    answer(course, learner, now)
    offer = offer_for(learner, course, now=now + timedelta(hours=1))
    assert offer.forecasts == forecasts_of_learner(learner, course, newest=newest_of(learner))
    assert offer.forecasts
    states = LearnerState.objects.filter(version=version, learner=learner)
    kept = np.frombuffer(bytes(states.get().forecasts), dtype=predictions._KEPT).copy()
    kept["p"] = PolicyConfig().target_p_correct
    states.update(forecasts=kept.tobytes())
    told = offer_for(learner, course, now=now + timedelta(hours=1))
    states.update(forecasts=b"")
    untold = offer_for(learner, course, now=now + timedelta(hours=1))
    assert not untold.forecasts
    # By the model's word a problem at hand is just as hard as wanted.
    assert told.candidates[0].terms["fit"] == pytest.approx(0.0, abs=1e-3)
    assert untold.candidates[0].terms["fit"] < -1e-3


def test_what_sets_the_roles_apart_on_all_skills_alike_is_no_disagreement() -> None:
    steps = {skill: [SimpleNamespace(step_id=skill)] for skill in range(4)}
    view = SimpleNamespace(
        beliefs=SimpleNamespace(p_correct=np.array([0.5, 0.6, 0.7, 0.4])),
        arrays=SimpleNamespace(n=4, skill_ids=[0, 1, 2, 3]),
        many=SimpleNamespace(is_open=np.array([[True, True, True, True]])),
        graph=SimpleNamespace(steps_by_skill=steps),
    )
    forecasts = {0: 0.6, 1: 0.7, 2: 0.5}
    p_step, disagreement = _predicted(cast(View, view), forecasts, aim=0.8)
    assert p_step == pytest.approx([0.6, 0.7, 0.5, 0.4])
    assert disagreement == pytest.approx([0.0, 0.0, 0.3, 0.0])


def test_one_answer_late_is_the_answer_at_hand_and_two_are_late(
    course: Course, version: ModelVersion, learner: User, now: datetime
) -> None:
    answer(course, learner, now)
    answer(course, learner, now + timedelta(seconds=5), is_told=False)
    assert forecasts_of_learner(learner, course, newest=newest_of(learner))
    answer(course, learner, now + timedelta(seconds=9), is_told=False)
    assert forecasts_of_learner(learner, course, newest=newest_of(learner)) == {}


def test_there_is_none_without_a_version_an_answer_or_a_whole_state(
    course: Course, version: ModelVersion, learner: User, now: datetime
) -> None:
    assert forecasts_of_learner(learner, course, newest=[]) == {}
    answer(course, learner, now)
    LearnerState.objects.update(is_stale=True)
    assert forecasts_of_learner(learner, course, newest=[]) == {}
    LearnerState.objects.update(is_stale=False)
    ModelVersion.objects.filter(role="prediction").update(status=VersionStatus.RETIRED)
    assert forecasts_of_learner(learner, course, newest=[]) == {}


def test_a_replay_that_changes_the_state_takes_its_forecasts_back(
    course: Course, version: ModelVersion, learner: User, now: datetime
) -> None:
    answer(course, learner, now)
    Response.objects.filter(learner=learner).update(is_correct=False)
    learner_replay(version, learner.pk, now=now)
    assert forecasts_of_learner(learner, course, newest=newest_of(learner)) == {}


def test_an_answer_that_a_replay_was_quicker_to_take_in_still_ends_in_forecasts(
    course: Course, version: ModelVersion, learner: User, now: datetime
) -> None:
    answer(course, learner, now)
    response = answer(course, learner, now + timedelta(minutes=1), is_told=False)
    learner_replay(version, learner.pk, now=now)
    assert forecasts_of_learner(learner, course, newest=newest_of(learner)) == {}
    outbox_add(RECORDED_TOPIC, {"response_id": response.pk}, now=now)
    for entry_id in outbox_due(now=now + timedelta(minutes=1)):
        assert outbox_take(entry_id, now=now, is_sweep=False)
    forecasts = forecasts_of_learner(learner, course, newest=newest_of(learner))
    assert forecasts.keys() == {step.step_id for step in course_graph(course).step_of_key.values()}


def test_of_a_large_course_the_steps_near_the_learner_are_asked(
    course: Course,
    version: ModelVersion,
    learner: User,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(predictions, "STEPS_MOST", 2)
    skill = answer(course, learner, now).skill_ids[0]
    forecasts = forecasts_of_learner(learner, course, newest=newest_of(learner))
    assert len(forecasts) == 2
    steps = {step.step_id: step for step in course_graph(course).step_of_key.values()}
    assert all(skill in steps[step_id].skill_ids for step_id in forecasts)


def test_a_model_that_scores_all_at_once_is_told_items_and_skills(
    course: Course,
    version: ModelVersion,
    learner: User,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = engine.tracer(version)

    class ReadsItems:
        def load_state(self, blob: bytes) -> object:
            return real.load_state(blob)

        def score_all(self, state: object, asked: list[engine.Asked], *, at: float) -> list[float]:
            return [len(one.item) / 10 + (one.skills == ("7",)) for one in asked]

    state = LearnerState(blob=engine.state_advance(version, None, []))
    monkeypatch.setattr(engine, "tracer", lambda version: ReadsItems())
    asked = [("ab", [7]), ("abc", [8])]
    assert engine.steps_score(version, state.blob, asked, at_days=1.0) == [1.2, 0.3]


def test_a_prediction_model_that_is_broken_keeps_no_mastery_state_waiting(
    course: Course, version: ModelVersion, learner: User, now: datetime
) -> None:
    ModelVersion.objects.filter(pk=version.pk).update(artifact="gone", sha256="0" * 64)
    answer(course, learner, now)
    mastery = LearnerState.objects.get(version__role="mastery", learner=learner)
    assert mastery.n_observations == 21


def test_the_state_advances_without_a_walk_through_the_log_of_the_course(
    course: Course, version: ModelVersion, learner: User, now: datetime
) -> None:
    answer(course, learner, now)
    with CaptureQueriesContext(connection) as queries:
        answer(course, learner, now + timedelta(seconds=5))
    of_the_log = [row["sql"] for row in queries if 'FROM "responses_response"' in row["sql"]]
    assert of_the_log
    assert not [sql for sql in of_the_log if '"responses_response"."id" >' in sql]
    # Nothing is locked while the model works: one statement writes what it says.
    writes = [row["sql"] for row in queries if row["sql"].startswith('UPDATE "tracing_learner')]
    assert len(writes) == 2


def test_verifying_holds_the_states_of_both_roles_against_the_log(
    course: Course, version: ModelVersion, learner: User, now: datetime
) -> None:
    for one in ("log0", "log1", "log2"):
        answer(course, User.objects.get(username=one), now)
    found = states_verify(course, now=now, is_repairing=False)
    assert (found.n_states, found.differing_state_ids) == (6, ())
    # An answer whose worker has not come yet is late, not wrong.
    late = answer(course, learner, now + timedelta(seconds=5), is_told=False)
    owed = outbox_add(RECORDED_TOPIC, {"response_id": late.pk}, now=now)
    observations_of_mastery(learner, course, now=now)
    assert states_verify(course, now=now, is_repairing=False).differing_state_ids == ()
    # With nothing owed nobody would come, whatever others still wait for.
    owed.delete()
    other = Response.objects.exclude(learner=learner).latest("pk")
    outbox_add(RECORDED_TOPIC, {"response_id": other.pk}, now=now)
    state = LearnerState.objects.get(version=version, learner=learner)
    found = states_verify(course, now=now, is_repairing=True)
    assert found.differing_state_ids == (state.pk,)
    state.refresh_from_db()
    assert state.n_observations == 22


def test_a_state_of_other_code_is_made_anew_by_the_next_answer(
    course: Course, version: ModelVersion, learner: User, now: datetime
) -> None:
    answer(course, learner, now)
    LearnerState.objects.filter(version=version, learner=learner).update(blob=b"of version 0")
    answer(course, learner, now + timedelta(minutes=1))
    state = LearnerState.objects.get(version=version, learner=learner)
    assert state.n_observations == 22
    found = states_verify(course, now=now, is_repairing=False)
    assert state.pk not in found.differing_state_ids
    assert forecasts_of_learner(learner, course, newest=newest_of(learner))


def observations_of_mastery(learner: User, course: Course, *, now: datetime) -> None:
    """The state that the transaction of the answer itself would have advanced."""
    learner_replay(version_serving(course, now=now), learner.pk, now=now)


def test_an_answer_from_before_the_state_s_clock_is_replayed_in_its_place(
    course: Course, version: ModelVersion, learner: User, now: datetime
) -> None:
    answer(course, learner, now)
    answer(course, learner, now - timedelta(days=400))
    for state in LearnerState.objects.filter(learner=learner).select_related("version__course"):
        rows = observations_export(course, learner_ids=[learner.pk])
        assert bytes(state.blob) == replay(state.version, rows)
        assert (state.n_observations, state.is_stale) == (22, False)


@pytest.mark.parametrize(
    ("source", "is_simulated", "is_counted"),
    [
        (ResponseSource.PRACTICE, False, True),
        (ResponseSource.PLACEMENT, False, True),
        (ResponseSource.IMPORTED, False, False),
        (ResponseSource.PRACTICE, True, False),
    ],
)
def test_only_answers_that_somebody_waits_for_count_into_the_lag(
    course: Course,
    version: ModelVersion,
    learner: User,
    now: datetime,
    source: str,
    is_simulated: bool,
    is_counted: bool,
) -> None:
    User.objects.filter(pk=learner.pk).update(is_simulated=is_simulated)
    response = answer(course, learner, now, is_told=False)
    Response.objects.filter(pk=response.pk).update(
        source=source, recorded_at=now - timedelta(days=15)
    )
    outbox_add(RECORDED_TOPIC, {"response_id": response.pk}, now=now)
    for entry_id in outbox_due(now=now + timedelta(minutes=1)):
        assert outbox_take(entry_id, now=now, is_sweep=False)
    lag = lag_read(now=now)
    assert (lag is not None) == is_counted
