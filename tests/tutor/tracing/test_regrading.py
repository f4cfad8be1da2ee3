"""Regrading reaches the states of those concerned, and the author sees who they are."""

from datetime import datetime, timedelta
from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from tests.world import World
from tutor.accounts.models import AuditEvent, User
from tutor.common.errors import TutorError
from tutor.common.models import OutboxEntry
from tutor.common.outbox import outbox_add, outbox_take
from tutor.content.models import ProblemRevision, Step
from tutor.practice.recording import activity_of
from tutor.practice.services import answer_submit, session_start
from tutor.responses.models import Regrade, Response, ResponseKind
from tutor.responses.services import Given, response_record
from tutor.tracing.models import LearnerState
from tutor.tracing.regrading import responses_regrade
from tutor.tracing.services import RECORDED_TOPIC, states_verify


def answer_first(learner: User, world: World, raw: str, now: datetime) -> Response:
    session = session_start(learner, world.course, now=now)
    activity = activity_of(session)
    assert activity is not None
    answer_submit(session, raw_answer=raw, attempt_token=activity.attempt_token, now=now)
    return Response.objects.get(learner=learner)


def key_correct(step: Step, value: str, now: datetime) -> None:
    revision = step.problem.revision
    assert revision is not None
    document = revision.document
    for part in document["steps"]:
        part["answer"] = {"kind": "number", "value": value}
    step.problem.revision = ProblemRevision.objects.create(
        problem=step.problem, number=2, document=document, checksum=value, created_at=now
    )
    step.problem.save()


def outbox_work(now: datetime) -> None:
    for entry_id in OutboxEntry.objects.order_by("id").values_list("pk", flat=True):
        outbox_take(entry_id, now=now)


@pytest.fixture
def step(world: World, now: datetime) -> Step:
    """A step that ada answered 8 (wrong by its key, which is then corrected) and ben 9."""
    first = answer_first(world.ada, world, "8", now)
    same = Given(
        course_id=first.course_id,
        step_id=first.step_id,
        revision_id=first.revision_id,
        skill_ids=first.skill_ids,
        session_uuid=uuid4(),
        attempt_token=uuid4(),
        kind=ResponseKind.ANSWER,
        is_right=False,
        raw_answer="9",
    )
    response = response_record(world.ben, same, is_step_observed=False, answered_at=now, now=now)
    outbox_add(RECORDED_TOPIC, {"response_id": response.pk}, now=now)
    outbox_work(now)
    step = first.step
    key_correct(step, "8", now)
    return step


def test_the_states_of_those_concerned_follow(world: World, now: datetime, step: Step) -> None:
    before = {state.learner_id: bytes(state.blob) for state in LearnerState.objects.all()}
    report = responses_regrade(
        step, by=world.tess, reason="The key was wrong.", now=now, is_dry_run=False
    )
    assert (report.n_now_right, report.n_now_wrong) == (1, 0)
    assert [one.learner for one in report.affected] == [world.ada]
    stale = LearnerState.objects.filter(is_stale=True)
    assert [state.learner_id for state in stale] == [world.ada.pk]
    outbox_work(now + timedelta(minutes=1))
    after = {state.learner_id: bytes(state.blob) for state in LearnerState.objects.all()}
    assert after[world.ada.pk] != before[world.ada.pk]
    assert after[world.ben.pk] == before[world.ben.pk]
    assert not LearnerState.objects.filter(is_stale=True).exists()
    assert states_verify(world.course, now=now, is_repairing=False).differing_state_ids == ()
    assert AuditEvent.objects.filter(action="step_regrade", actor=world.tess).count() == 1


def test_a_dry_run_tells_and_changes_nothing(world: World, now: datetime, step: Step) -> None:
    report = responses_regrade(step, by=world.tess, reason="", now=now, is_dry_run=True)
    assert [one.n_now_right for one in report.affected] == [1]
    assert not Regrade.objects.exists()
    assert not LearnerState.objects.filter(is_stale=True).exists()
    assert not OutboxEntry.objects.exists()


def test_learners_do_not_regrade(world: World, now: datetime, step: Step) -> None:
    with pytest.raises(TutorError) as refusal:
        responses_regrade(step, by=world.ada, reason="Mine!", now=now, is_dry_run=True)
    assert refusal.value.code == "not_a_teacher"


def test_the_command_names_those_concerned(world: World, now: datetime, step: Step) -> None:
    said = StringIO()
    call_command("regrade_step", "sums", step.key, "--dry-run", stdout=said)
    assert "2 answers: 1 right now, 0 wrong now" in said.getvalue()
    assert "ada: 1 right now" in said.getvalue()
    assert "ben" not in said.getvalue()
    call_command("regrade_step", "sums", step.key, "--reason=Key.", "--by=tess", stdout=said)
    assert Regrade.objects.get().regraded_by == world.tess
    for arguments, words in (
        (("sums", "zz"), "has no step 'zz'"),
        (("sums", step.key), "Say why"),
        (("sums", step.key, "--by=nobody"), "'nobody'"),
    ):
        with pytest.raises(CommandError, match=words):
            call_command("regrade_step", *arguments, stdout=said)
