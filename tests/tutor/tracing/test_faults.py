"""What goes wrong around a fit and a promotion: nothing hangs, nothing is tried for ever."""

import threading
from contextlib import suppress
from datetime import datetime, timedelta

import pytest
from django.db import DatabaseError, InterfaceError, connection, transaction

from tests.tutor.tracing.logs import log_make, response_of
from tutor.accounts.models import User
from tutor.common.models import OutboxEntry
from tutor.common.outbox import outbox_due, outbox_take
from tutor.content.models import Course
from tutor.responses.models import Response
from tutor.tracing import fits, heartbeat, promotion, tasks
from tutor.tracing.fit_starting import VOLUME_RULE, fits_start_due
from tutor.tracing.models import (
    FitRun,
    FitStatus,
    LearnerState,
    ModelVersion,
    Promotion,
    PromotionStatus,
    ReplayShard,
    VersionStatus,
)
from tutor.tracing.promotion import FINISH_TOPIC, promotion_start, shard_replay
from tutor.tracing.services import learner_replay, version_serving


@pytest.fixture
def shards_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(promotion, "SHARD_LEARNERS", 2)


def candidate_of(course: Course, *, now: datetime) -> ModelVersion:
    """A version that the defaults give, to be made to serve."""
    version_serving(course, now=now)
    return ModelVersion.objects.create(
        course=course, model_name="bkt", role="mastery", created_at=now
    )


def work_off(now: datetime) -> None:
    for minute in (1, 2, 3):
        moment = now + timedelta(minutes=minute)
        for entry_id in outbox_due(now=moment):
            outbox_take(entry_id, now=moment, is_sweep=True)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("shards_of_two")
def test_of_two_last_shards_that_end_at_one_moment_one_finishes_the_promotion(
    now: datetime,
) -> None:
    version = candidate_of(log_make(now=now, n_learners=4, n_each=3), now=now)
    promotion_start(version, by=None, now=now)
    first, second = ReplayShard.objects.values_list("pk", flat=True)

    def other_worker() -> None:
        try:
            shard_replay(second, now=now)
        finally:
            connection.close()

    thread = threading.Thread(target=other_worker)
    with transaction.atomic():
        shard_replay(first, now=now)
        thread.start()
        # Either it waits for this transaction, or it ends without seeing what this one did.
        thread.join(timeout=0.5)
    thread.join()
    assert OutboxEntry.objects.filter(topic=FINISH_TOPIC).count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one lock for all writers")
def test_a_classmates_answer_does_not_wait_for_a_state_that_is_rebuilt(now: datetime) -> None:
    course = log_make(now=now, n_learners=2, n_each=3)
    version = version_serving(course, now=now)
    learner = User.objects.get(username="log1")
    some = Response.objects.filter(learner=learner)[0]

    def answer() -> None:
        try:
            response_of(course, learner, some.step_id, some.skill_ids[0], True, now).save()
        finally:
            connection.close()

    thread = threading.Thread(target=answer)
    with transaction.atomic():
        learner_replay(version, User.objects.get(username="log0").pk, now=now)
        thread.start()
        thread.join(timeout=10)
        assert not thread.is_alive()


@pytest.mark.usefixtures("db", "shards_of_two")
def test_a_shard_that_keeps_breaking_ends_its_promotion_and_holds_up_no_other(
    now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    course = log_make(now=now, n_learners=4, n_each=3)
    version = candidate_of(course, now=now)
    begun = promotion_start(version, by=None, now=now)
    unlucky = ReplayShard.objects.first()
    assert unlucky is not None

    def replay(version: ModelVersion, learner_id: int, *, now: datetime) -> None:
        if learner_id in unlucky.learner_ids:
            raise RuntimeError("a bug in a model")
        learner_replay(version, learner_id, now=now)

    def at_once(arguments: tuple[int], *, queue: str, retry: bool, expires: float) -> None:
        assert queue == "replay"
        with suppress(RuntimeError):
            tasks.shard_replay_task(*arguments)

    monkeypatch.setattr(tasks.shard_replay_task, "apply_async", at_once)
    monkeypatch.setattr(promotion, "learner_replay", replay)
    for tenth in range(1, 6):
        monkeypatch.setattr(
            tasks, "now_utc", lambda tenth=tenth: now + tenth * timedelta(minutes=10)
        )
        tasks.fits_reap_task()
    begun.refresh_from_db()
    assert begun.status == PromotionStatus.FAILED
    assert "3 times" in begun.reason
    assert [shard.status for shard in begun.shards.all()] == ["running", "done"]
    assert promotion_start(version, by=None, now=now).status == PromotionStatus.REPLAYING


@pytest.mark.usefixtures("db")
def test_an_answer_recorded_during_the_switch_is_in_the_new_state_right_after_it(
    now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    course = log_make(now=now, n_learners=2, n_each=3)
    version = candidate_of(course, now=now)
    promotion_start(version, by=None, now=now)
    learner = User.objects.get(username="log1")
    some = Response.objects.filter(learner=learner)[0]

    def answered_meanwhile(course: Course, *, now: datetime, role: str) -> ModelVersion:
        Response.objects.bulk_create(
            [response_of(course, learner, some.step_id, some.skill_ids[0], True, now)]
        )
        return version_serving(course, now=now, role=role)

    monkeypatch.setattr(promotion, "version_serving", answered_meanwhile)
    work_off(now)
    version.refresh_from_db()
    assert version.status == VersionStatus.SERVING
    assert LearnerState.objects.get(version=version, learner=learner).n_observations == 4


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize("status", [FitStatus.FAILED, FitStatus.CANCELLED])
def test_a_fit_that_did_not_end_well_is_not_asked_for_again_the_same_day(
    now: datetime, status: FitStatus
) -> None:
    log_make(now=now, n_learners=40, n_each=40)
    assert len(fits_start_due(VOLUME_RULE, trigger="volume", now=now)) == 2
    FitRun.objects.update(status=status, finished_at=now)
    soon, tomorrow = now + timedelta(minutes=10), now + timedelta(days=1)
    assert fits_start_due(VOLUME_RULE, trigger="volume", now=soon) == []
    assert len(fits_start_due(VOLUME_RULE, trigger="volume", now=tomorrow)) == 2


@pytest.mark.parametrize("lost", [DatabaseError, InterfaceError])
def test_a_heartbeat_goes_on_over_a_new_connection_when_the_database_was_away(
    now: datetime, monkeypatch: pytest.MonkeyPatch, lost: type[Exception]
) -> None:
    events: list[str] = []
    is_back = threading.Event()

    class Connection:
        def close(self) -> None:
            events.append("closed")

    def beat(self: heartbeat.Heartbeat) -> None:
        if not events:
            raise lost("the connection is closed")
        events.append("beat")
        is_back.set()

    monkeypatch.setattr(heartbeat, "BEAT_SECONDS", 0.001)
    monkeypatch.setattr(heartbeat, "connection", Connection())
    monkeypatch.setattr(heartbeat.Heartbeat, "beat", beat)
    with heartbeat.Heartbeat(FitRun(pk=1), clock=lambda: now):
        assert is_back.wait(timeout=10)
    assert events[:2] == ["closed", "beat"]


@pytest.mark.usefixtures("db")
def test_a_version_is_kept_together_with_the_beginning_of_its_promotion_or_not_at_all(
    now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    course = log_make(now=now, n_learners=2, n_each=3)
    version = candidate_of(course, now=now)
    run = FitRun.objects.create(
        course=course,
        model_name="bkt",
        role="mastery",
        trigger="hand",
        requested_at=now,
        cutoff=now,
        status=FitStatus.RUNNING,
        attempts=1,
    )
    fresh = ModelVersion(
        course=course, model_name="bkt", role="mastery", fit_run=run, created_at=now
    )
    fresh.artifact = "no/such"

    def killed(*args: object, **kwargs: object) -> None:
        raise SystemExit

    monkeypatch.setattr(fits, "promotion_start", killed)
    with pytest.raises(SystemExit):
        fits._version_keep(run, fresh, is_promotable=True, fit_seconds=1.0, peak_mib=1.0, now=now)
    run.refresh_from_db()
    assert run.status == FitStatus.RUNNING
    assert list(ModelVersion.objects.filter(status=VersionStatus.CANDIDATE)) == [version]
    assert not Promotion.objects.exists()
