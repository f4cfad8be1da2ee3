"""States: a cold start at once, one version serving, and equality with the log."""

from datetime import datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from tests.world import World
from tutor.practice.recording import activity_of
from tutor.practice.services import activity_continue, answer_submit, session_start
from tutor.tracing.models import LearnerState, ModelVersion
from tutor.tracing.selectors import beliefs_of_learner, beliefs_of_learners
from tutor.tracing.services import version_serving
from tutor.tracing.trails import belief_history


def practise(world: World, raws: list[str], now: datetime) -> None:
    session = session_start(world.ada, world.course, now=now)
    for place, raw in enumerate(raws):
        moment = now + timedelta(minutes=place)
        activity = activity_of(session)
        assert activity is not None
        answer_submit(session, raw_answer=raw, attempt_token=activity.attempt_token, now=moment)
        activity.refresh_from_db()
        activity_continue(session, attempt_token=activity.attempt_token, now=moment)


def test_a_course_without_a_fit_has_beliefs_at_once(world: World, now: datetime) -> None:
    beliefs = beliefs_of_learner(world.ada, world.course, now=now)
    assert beliefs.version.model_name == "bkt"
    assert len(beliefs.skill_ids) == 3
    assert beliefs.n_observations.tolist() == [0, 0, 0]
    assert not beliefs.of(world.skills["a"].pk).has_evidence
    assert version_serving(world.course, now=now) == beliefs.version


def test_one_version_serves_a_role(world: World, now: datetime) -> None:
    version_serving(world.course, now=now)
    with pytest.raises(IntegrityError), transaction.atomic():
        ModelVersion.objects.create(
            course=world.course, model_name="bkt", role="mastery", status="serving", created_at=now
        )


def test_a_class_is_forecast_in_one_query(world: World, now: datetime) -> None:
    practise(world, ["7", "7"], now)
    world.course.refresh_from_db()
    beliefs_of_learner(world.ada, world.course, now=now)
    with CaptureQueriesContext(connection) as queries:
        beliefs = beliefs_of_learners([world.ada, world.ben], world.course, now=now)
    assert len(queries) == 1
    assert beliefs.p_mastery.shape == (2, 3)
    assert beliefs.p_mastery[0, 0] > beliefs.p_mastery[1, 0]


def test_beliefs_fade_and_intervals_widen_without_practice(world: World, now: datetime) -> None:
    practise(world, ["7"] * 3, now)
    skill = world.skills["a"].pk
    today = beliefs_of_learner(world.ada, world.course, now=now).of(skill)
    later = beliefs_of_learner(world.ada, world.course, now=now + timedelta(days=90)).of(skill)
    assert later.p_correct < today.p_correct
    assert later.upper - later.lower > today.upper - today.lower


def test_the_history_ends_with_the_belief_of_now(world: World, now: datetime) -> None:
    practise(world, ["7", "12", "7"], now)
    moment = now + timedelta(hours=1)
    skill = world.skills["a"].pk
    points = belief_history(world.ada, world.course, skill_id=skill, now=moment, days_ahead=7)
    outcomes = [point.is_correct for point in points]
    assert outcomes[:2] == [True, False]
    assert outcomes[-8:] == [None] * 8
    belief = beliefs_of_learner(world.ada, world.course, now=moment).of(skill)
    assert points[-8].p_correct == pytest.approx(belief.p_correct)


def test_a_corrupted_state_is_found_and_rebuilt_by_the_command(world: World, now: datetime) -> None:
    practise(world, ["7", "7"], now)
    good = bytes(LearnerState.objects.get().blob)
    LearnerState.objects.update(blob=good[:-1] + bytes([good[-1] ^ 1]))
    with pytest.raises(CommandError):
        call_command("rebuild_states", verify=True, stdout=StringIO())
    call_command("rebuild_states", stdout=StringIO())
    assert bytes(LearnerState.objects.get().blob) == good
    out = StringIO()
    call_command("rebuild_states", verify=True, stdout=out)
    assert out.getvalue().splitlines()[-1] == "0 differences"


def test_the_command_names_an_unknown_course(world: World) -> None:
    with pytest.raises(CommandError, match="no course has the id 'nowhere'"):
        call_command("rebuild_states", course="nowhere")
