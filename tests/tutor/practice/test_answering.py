"""Answering: what is recorded, once; how the belief moves; what is next."""

from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.world import World
from tutor.common.errors import TutorError
from tutor.common.outbox import outbox_due, outbox_take
from tutor.practice.models import Activity, Session
from tutor.practice.recording import Deed, activity_of
from tutor.practice.services import (
    activity_continue,
    answer_submit,
    dont_know,
    hint_open,
    scaffold_answer,
    session_end,
    session_start,
)
from tutor.responses.models import Response, ResponseKind
from tutor.scheduling.models import Plan
from tutor.tracing import engine
from tutor.tracing.models import LearnerState
from tutor.tracing.selectors import beliefs_of_learner
from tutor.tracing.services import states_verify


@pytest.fixture
def session(world: World, now: datetime) -> Session:
    return session_start(world.ada, world.course, now=now)


def activity(session: Session) -> Activity:
    found = activity_of(session)
    assert found is not None
    return found


def answer(session: Session, raw: str, now: datetime) -> Deed:
    token = activity(session).attempt_token
    return answer_submit(session, raw_answer=raw, attempt_token=token, now=now).deed


def test_a_right_answer_is_recorded_and_raises_the_belief(
    session: Session, world: World, now: datetime
) -> None:
    skill = world.skills["a"]
    before = beliefs_of_learner(world.ada, world.course, now=now).of(skill.pk)
    assert answer(session, "7", now + timedelta(seconds=9)) is Deed.RECORDED
    response = Response.objects.get()
    assert (response.is_observation, response.is_correct) == (True, True)
    assert response.skill_ids == [skill.pk]
    assert response.elapsed_ms == 9000
    assert response.plan_uuid == Plan.objects.earliest("id").uuid
    after = beliefs_of_learner(world.ada, world.course, now=now).of(skill.pk)
    assert after.p_correct > before.p_correct
    assert (before.n_observations, after.n_observations) == (0, 1)


def test_a_wrong_answer_says_which_misunderstanding_and_can_be_mended(
    session: Session, now: datetime
) -> None:
    assert answer(session, "12", now) is Deed.RECORDED
    shown = activity(session)
    assert shown.feedback["message"] == "You multiplied."
    assert (shown.is_solved, shown.tries) == (False, 1)
    assert answer(session, "7", now) is Deed.RECORDED
    first, second = Response.objects.order_by("id")
    assert (first.is_correct, first.misconception) == (False, "multiplies")
    assert (second.is_observation, second.is_correct, second.try_number) == (False, True, 2)
    assert activity(session).is_solved


def test_an_unreadable_answer_costs_nothing(session: Session, now: datetime) -> None:
    token = activity(session).attempt_token
    outcome = answer_submit(session, raw_answer="7+", attempt_token=token, now=now)
    assert outcome.deed is Deed.UNREADABLE
    assert "7+" in outcome.message
    assert not Response.objects.exists()
    assert activity(session).attempt_token == token


def test_a_double_click_counts_once(session: Session, now: datetime) -> None:
    token = activity(session).attempt_token
    deeds = [
        answer_submit(session, raw_answer="7", attempt_token=token, now=now).deed for _ in "ab"
    ]
    assert deeds == [Deed.RECORDED, Deed.REPEATED]
    assert Response.objects.count() == 1


def test_an_answer_to_a_question_that_is_gone_is_not_recorded(
    session: Session, now: datetime
) -> None:
    outcome = answer_submit(session, raw_answer="7", attempt_token=uuid4(), now=now)
    assert outcome.deed is Deed.OUTDATED
    assert not Response.objects.exists()


def test_a_hint_first_is_an_incorrect_observation_and_the_answer_after_it_is_none(
    session: Session, now: datetime
) -> None:
    hint_open(session, attempt_token=activity(session).attempt_token, now=now)
    hint_open(session, attempt_token=activity(session).attempt_token, now=now)
    assert activity(session).hints_opened == ["h1", "s1"]
    assert answer(session, "7", now) is Deed.RECORDED
    first, second = Response.objects.order_by("id")
    assert (first.kind, first.is_observation, first.is_correct) == (ResponseKind.HINT, True, False)
    assert (second.is_observation, second.is_correct, second.hints_opened) == (False, True, 2)


def test_a_scaffold_is_answered_without_moving_the_belief(
    session: Session, world: World, now: datetime
) -> None:
    for _ in range(2):
        hint_open(session, attempt_token=activity(session).attempt_token, now=now)
    blob = bytes(LearnerState.objects.get().blob)
    token = activity(session).attempt_token
    scaffold_answer(session, hint_key="s1", raw_answer="7", attempt_token=token, now=now)
    assert activity(session).scaffolds_solved == ["s1"]
    assert bytes(LearnerState.objects.get().blob) == blob
    assert Response.objects.latest("id").is_observation is False


def test_not_knowing_is_recorded_and_shows_the_way(session: Session, now: datetime) -> None:
    dont_know(session, attempt_token=activity(session).attempt_token, now=now)
    response = Response.objects.get()
    assert (response.kind, response.is_correct) == (ResponseKind.DONT_KNOW, False)
    assert activity(session).is_solved


def test_after_the_last_step_the_next_activity_is_planned_and_begun(
    session: Session, world: World, now: datetime
) -> None:
    first = activity(session).pk
    while activity(session).pk == first:
        answer(session, "7", now)
        token = activity(session).attempt_token
        assert activity_continue(session, attempt_token=token, now=now).deed is Deed.RECORDED
    begun = activity(session)
    plan = Plan.objects.get(uuid=begun.plan_uuid)
    assert plan.skill_id == begun.skill_id_aim
    assert plan.candidates[plan.taken]["reason"]
    assert 0 < plan.propensity <= 1
    assert abs(sum(c["propensity"] for c in plan.candidates) - 1) < 1e-9
    assert Plan.objects.earliest("id").response_id == Response.objects.earliest("id").pk


def test_going_on_without_an_answer_changes_nothing(session: Session, now: datetime) -> None:
    token = activity(session).attempt_token
    assert activity_continue(session, attempt_token=token, now=now).deed is Deed.REPEATED
    assert activity(session).attempt_token == token


def test_enough_right_answers_open_the_next_skill_and_it_stays_open(
    session: Session, world: World, now: datetime
) -> None:
    standing = world.ada.standings
    moment = now
    while standing.filter(skill__key="b", opened_at__isnull=False).count() == 0:
        moment += timedelta(minutes=1)
        answer(session, "7", moment)
        activity_continue(session, attempt_token=activity(session).attempt_token, now=moment)
    opened = standing.filter(opened_at__isnull=False).values_list("skill__key", flat=True)
    assert {"a", "b"} <= set(opened)
    for _ in range(6):
        if activity_of(session) is None:  # Nothing fresh is left to ask.
            break
        moment += timedelta(minutes=1)
        dont_know(session, attempt_token=activity(session).attempt_token, now=moment)
        activity_continue(session, attempt_token=activity(session).attempt_token, now=moment)
    assert {"a", "b"} <= set(
        standing.filter(opened_at__isnull=False).values_list("skill__key", flat=True)
    )


def test_starting_twice_resumes_the_same_sitting(
    session: Session, world: World, now: datetime
) -> None:
    later = now + timedelta(hours=1)
    assert session_start(world.ada, world.course, now=later).pk == session.pk
    assert Activity.objects.count() == 1


def test_a_sitting_that_lay_overnight_is_over(
    session: Session, world: World, now: datetime
) -> None:
    fresh = session_start(world.ada, world.course, now=now + timedelta(hours=20))
    assert fresh.pk != session.pk
    session.refresh_from_db()
    assert session.ended_at is not None


def test_a_choice_that_is_not_offered_is_refused(world: World, now: datetime) -> None:
    with pytest.raises(TutorError) as refused:
        session_start(world.ada, world.course, skill_id=world.skills["c"].pk, now=now)
    assert refused.value.code == "unknown_choice"
    assert not Plan.objects.exists()


def test_an_ended_sitting_takes_no_answer(session: Session, now: datetime) -> None:
    token = activity(session).attempt_token
    session_end(session, now=now)
    outcome = answer_submit(session, raw_answer="7", attempt_token=token, now=now)
    assert outcome.deed is Deed.OUTDATED


def test_a_model_that_fails_loses_no_response_and_the_state_is_rebuilt(
    session: Session, world: World, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(session, "12", now)

    def fail(*args: object) -> bytes:
        raise RuntimeError("a bug in a model")

    with monkeypatch.context() as broken:
        broken.setattr(engine, "state_advance", fail)
        assert answer(session, "12", now) is Deed.RECORDED
        activity_continue(session, attempt_token=activity(session).attempt_token, now=now)
        dont_know(session, attempt_token=activity(session).attempt_token, now=now)
        activity_continue(session, attempt_token=activity(session).attempt_token, now=now)
        assert answer(session, "7", now) is Deed.RECORDED
    state = LearnerState.objects.get()
    assert state.is_stale
    assert Response.objects.filter(is_observation=True).count() == 2
    for entry_id in outbox_due(now=now + timedelta(minutes=1)):
        outbox_take(entry_id, now=now + timedelta(minutes=1), is_sweep=True)
    state.refresh_from_db()
    assert not state.is_stale
    assert state.n_observations == 2
    assert states_verify(world.course, now=now, is_repairing=False).differing_state_ids == ()


def test_states_equal_a_replay_of_the_log(session: Session, world: World, now: datetime) -> None:
    for raw in ("7", "12", "7", "7"):
        answer(session, raw, now)
        activity_continue(session, attempt_token=activity(session).attempt_token, now=now)
    verification = states_verify(world.course, now=now, is_repairing=False)
    assert verification.n_states == 1
    assert verification.differing_state_ids == ()


def test_the_answer_makes_a_fixed_number_of_queries(
    session: Session, world: World, now: datetime
) -> None:
    answer(session, "7", now)
    activity_continue(session, attempt_token=activity(session).attempt_token, now=now)
    session = Session.objects.select_related("learner", "course").get(pk=session.pk)
    token = activity(session).attempt_token
    with CaptureQueriesContext(
        connection,
    ) as queries:
        answer_submit(session, raw_answer="7", attempt_token=token, now=now)
    assert len(queries) <= 18, "\n".join(query["sql"][:120] for query in queries)
