"""Erasing a learner: nothing of the person stays; the answers go, or stay without an owner."""

from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from axes.models import AccessAttempt
from django.apps import apps
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client, override_settings

from tests.tutor.tracing.logs import log_make
from tests.world import World
from tutor.accounts.models import AuditEvent, Scope, User
from tutor.accounts.services import token_create
from tutor.common.errors import TutorError
from tutor.common.models import OutboxEntry
from tutor.common.outbox import outbox_take
from tutor.content.models import Course
from tutor.practice.recording import activity_of
from tutor.practice.services import answer_submit, session_start
from tutor.responses.exports import erased_id, erased_keys, observations_export
from tutor.responses.models import Regrade, Response
from tutor.scheduling.goals import assignment_make
from tutor.scheduling.models import Assignment
from tutor.tracing import engine_fit
from tutor.tracing.erasure import fits_of_learner, learner_erase
from tutor.tracing.history_import import history_import
from tutor.tracing.history_reading import HistoryOptions, history_read
from tutor.tracing.models import FitRun, FitStatus, LearnerState, ModelVersion
from tutor.tracing.services import states_verify


def practise(learner: User, world: World, now: datetime) -> Response:
    session = session_start(learner, world.course, now=now)
    activity = activity_of(session)
    assert activity is not None
    answer_submit(session, raw_answer="7", attempt_token=activity.attempt_token, now=now)
    return Response.objects.get(learner=learner)


def fit_make(course: Course, *, cutoff: datetime, status: str = FitStatus.DONE) -> FitRun:
    return FitRun.objects.create(
        course=course,
        model_name=f"m{uuid4().hex[:8]}",
        role="mastery",
        trigger="hand",
        requested_at=cutoff,
        config_hash="",
        cutoff=cutoff,
        status=status,
        finished_at=cutoff if status == FitStatus.DONE else None,
    )


def cells_holding(*needles: str) -> list[str]:
    """Every table and column of the database that holds one of the texts."""
    found = []
    with connection.cursor() as cursor:
        for model in apps.get_models(include_auto_created=True):
            columns = [field.column for field in model._meta.concrete_fields]
            cursor.execute(
                f"SELECT {', '.join(map(connection.ops.quote_name, columns))} "
                f"FROM {connection.ops.quote_name(model._meta.db_table)}"
            )
            for row in cursor.fetchall():
                for column, value in zip(columns, row, strict=True):
                    if any(needle in str(value) for needle in needles):
                        found.append(f"{model._meta.db_table}.{column}")
    return found


def test_nothing_of_the_person_is_left(world: World, now: datetime) -> None:
    ada = User.objects.create_user("adalbert-quux", password="x", display_name="Adalbert Q")
    practise(ada, world, now)
    token_create(ada, name="mine", scopes=[Scope.READ], expires_at=now + timedelta(1), now=now)
    Client().force_login(ada, backend="django.contrib.auth.backends.ModelBackend")
    AccessAttempt.objects.create(username="Adalbert-Quux", failures_since_start=1)
    ben_client = Client()
    ben_client.force_login(world.ben, backend="django.contrib.auth.backends.ModelBackend")
    assert Session.objects.count() == 2
    pk = ada.pk
    learner_erase(ada, by=world.root, now=now, is_keeping_responses=False)
    assert cells_holding("dalbert") == []
    assert Session.objects.count() == 1
    for model in apps.get_models(include_auto_created=True):
        for field in model._meta.concrete_fields:
            if field.related_model is User:
                assert not model._default_manager.filter(**{field.name: pk}).exists(), field
    assert not Response.objects.exists()
    assert not LearnerState.objects.exists()


def test_kept_responses_have_no_owner_and_no_text(world: World, now: datetime) -> None:
    response = practise(world.ada, world, now)
    uuid = world.ada.uuid
    erasure = learner_erase(world.ada, by=world.root, now=now, is_keeping_responses=True)
    assert (erasure.n_responses, erasure.is_keeping_responses) == (1, True)
    kept = Response.objects.get()
    assert kept.pk == response.pk
    assert kept.learner is None
    assert isinstance(kept.erased_key, UUID)
    assert kept.erased_key != uuid
    assert (kept.raw_answer, kept.plan_uuid) == ("", None)
    assert kept.is_correct == response.is_correct
    assert str(kept.erased_key) not in str(list(AuditEvent.objects.values_list("detail")))


def test_kept_imported_responses_lose_the_tokens_made_from_the_old_id(
    world: World, now: datetime, tmp_path: Path
) -> None:
    log = tmp_path / "log.csv"
    log.write_text(
        "learner,timestamp,item,skill,correct\n8,1096470301,a1a,a,0\n8,1096470401,a1a,a,1\n"
    )
    history = history_read(log, options=HistoryOptions(), now=now)
    history_import(history, course_key="sums", by=None, now=now, is_dry_run=False)
    before = set(Response.objects.values_list("session_uuid", "attempt_token"))
    learner = User.objects.get(display_name="Learner 8")
    learner_erase(learner, by=None, now=now, is_keeping_responses=True)
    after = set(Response.objects.values_list("session_uuid", "attempt_token"))
    assert len(after) == 2
    assert {part for row in before for part in row}.isdisjoint(
        part for row in after for part in row
    )


@pytest.mark.parametrize(("setting", "n_left"), [("delete", 0), ("keep", 1)])
def test_the_schools_setting_decides(
    world: World, now: datetime, setting: str, n_left: int
) -> None:
    practise(world.ada, world, now)
    with override_settings(ERASURE=setting):
        learner_erase(world.ada, by=world.root, now=now)
    assert Response.objects.count() == n_left


def test_kept_responses_stay_on_their_side_of_the_test_of_fits(db: None, now: datetime) -> None:
    log_make(now=now, n_learners=30, n_each=1)
    for learner in User.objects.filter(username__startswith="log").order_by("pk"):
        is_held_out = engine_fit.is_held_out(learner.uuid)
        learner_erase(learner, by=None, now=now, is_keeping_responses=True)
        key = Response.objects.filter(erased_key__isnull=False).latest("pk").erased_key
        assert engine_fit.is_held_out(key) == is_held_out


def test_an_export_gives_kept_responses_last_and_only_when_asked(db: None, now: datetime) -> None:
    course = log_make(now=now, n_learners=3, n_each=5)
    learner = User.objects.get(username="log1")
    learner_erase(learner, by=None, now=now, is_keeping_responses=True)
    assert len(list(observations_export(course))) == 10
    rows = list(observations_export(course, is_with_erased=True))
    assert len(rows) == 15
    [key] = erased_keys(course)
    assert {row.learner_id for row in rows[10:]} == {erased_id(key)}
    assert erased_id(key) < 0
    times = [row.at_days for row in rows[10:]]
    assert times == sorted(times)


def test_the_next_fits_read_nothing_of_an_erased_learner(db: None, now: datetime) -> None:
    course = log_make(now=now, n_learners=3, n_each=5)
    learner = User.objects.get(username="log1")
    Regrade.objects.create(
        response=Response.objects.filter(learner=learner).earliest("pk"),
        is_correct=False,
        reason="",
        regraded_at=now,
    )
    learner_erase(learner, by=None, now=now, is_keeping_responses=False)
    rows = list(observations_export(course))
    assert len(rows) == 10
    assert learner.pk not in {row.learner_id for row in rows}


def test_the_fits_that_used_the_responses_are_named_and_noted(db: None, now: datetime) -> None:
    course = log_make(now=now, n_learners=3, n_each=5)
    learner = User.objects.get(username="log1")
    first, last = (
        Response.objects.filter(learner=learner).earliest("answered_at").answered_at,
        Response.objects.filter(learner=learner).latest("answered_at").answered_at,
    )
    fit_make(course, cutoff=first - timedelta(days=1))
    used = fit_make(course, cutoff=last)
    running = fit_make(course, cutoff=now, status=FitStatus.RUNNING)
    fit_make(course, cutoff=now, status=FitStatus.FAILED)
    version = ModelVersion.objects.create(
        course=course,
        model_name="bkt",
        role="mastery",
        status="serving",
        created_at=now,
        fit_run=used,
    )
    assert [fit.uuid for fit in fits_of_learner(learner)] == [running.uuid, used.uuid]
    erasure = learner_erase(learner, by=None, now=now, is_keeping_responses=False)
    assert [(fit.version_uuid, fit.is_serving) for fit in erasure.fits] == [
        (None, False),
        (version.uuid, True),
    ]
    event = AuditEvent.objects.get(action="learner_erase")
    assert event.detail["fits"] == [str(running.uuid), str(used.uuid)]
    assert event.detail["responses"] == 5


def test_history_imported_after_a_fit_was_not_used_by_it(db: None, now: datetime) -> None:
    course = log_make(now=now, n_learners=1, n_each=2)
    learner = User.objects.get(username="log0")
    fit_make(course, cutoff=now)
    Response.objects.update(recorded_at=now + timedelta(days=1))
    assert fits_of_learner(learner) == ()


@pytest.mark.parametrize("who", ["ben", "tess", "zoe"])
def test_strangers_and_teachers_erase_nobody(world: World, now: datetime, who: str) -> None:
    with pytest.raises(TutorError) as refusal:
        learner_erase(world.ada, by=getattr(world, who), now=now)
    assert refusal.value.code == "not_allowed"
    assert User.objects.filter(username="ada").exists()


def test_a_learner_may_erase_themselves(world: World, now: datetime) -> None:
    learner_erase(world.ada, by=world.ada, now=now)
    assert not User.objects.filter(username="ada").exists()
    assert AuditEvent.objects.get(action="learner_erase").detail["is_own_wish"]


def test_teachers_are_not_erased_as_learners(world: World, now: datetime) -> None:
    with pytest.raises(TutorError) as refusal:
        learner_erase(world.tess, by=world.root, now=now)
    assert refusal.value.code == "not_a_learner"


def test_work_promised_for_an_erased_learner_is_done_with(world: World, now: datetime) -> None:
    practise(world.ada, world, now)
    practise(world.ben, world, now)
    learner_erase(world.ada, by=world.root, now=now, is_keeping_responses=False)
    for entry_id in OutboxEntry.objects.values_list("pk", flat=True):
        assert outbox_take(entry_id, now=now)
    assert states_verify(world.course, now=now, is_repairing=False).differing_state_ids == ()
    assert Response.objects.get().learner == world.ben


def test_the_command_erases_once_the_name_is_typed(
    world: World, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    practise(world.ada, world, now)
    fit_make(world.course, cutoff=datetime(2030, 1, 1, tzinfo=UTC))
    monkeypatch.setattr("builtins.input", lambda _question: "no")
    with pytest.raises(CommandError, match="nothing was erased"):
        call_command("erase_learner", "ada")
    monkeypatch.setattr("builtins.input", lambda _question: "ada")
    said = StringIO()
    call_command("erase_learner", "ada", "--delete", "--by=root", stdout=said)
    assert "erased; 1 responses deleted" in said.getvalue()
    assert "used by fit" in said.getvalue()
    with pytest.raises(CommandError, match="'ada'"):
        call_command("erase_learner", "ada", "--yes")
    with pytest.raises(CommandError, match="Only an administrator"):
        call_command("erase_learner", "ben", "--yes", "--by=tess")


def test_what_was_set_to_the_learner_alone_is_not_set_to_the_class(
    world: World, now: datetime
) -> None:
    """An assignment that names nobody is the whole class's, with the teacher's words to it."""
    asked: dict[str, Any] = {
        "skill_ids": [world.skills["a"].pk],
        "due_at": now + timedelta(days=7),
        "by": world.tess,
        "now": now,
    }
    assignment_make(
        world.classroom, title="Ada", note="Ada, as we said", learners=[world.ada], **asked
    )
    assignment_make(world.classroom, title="Both", learners=[world.ada, world.ben], **asked)
    assignment_make(world.classroom, title="All", **asked)
    learner_erase(world.ada, by=world.root, now=now)
    left = Assignment.objects.order_by("title")
    assert [each.title for each in left] == ["All", "Both"]
    assert list(left[1].learners.all()) == [world.ben]
