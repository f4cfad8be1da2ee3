"""Fits end to end: refused with words, claimed once, tested, promoted or not, and never lost."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings

from tests.tutor.tracing.logs import log_make, serving, work_off
from tutor.accounts.models import User
from tutor.common.errors import TutorError
from tutor.content.models import Course
from tutor.responses.models import Response
from tutor.tracing import engine, engine_fit
from tutor.tracing.erasure import learner_erase
from tutor.tracing.fits import (
    checkpoints_clear,
    fit_cancel,
    fit_claim,
    fit_execute,
    fit_request,
    fits_due,
    fits_give_up,
)
from tutor.tracing.judging import promotion_judge
from tutor.tracing.models import (
    FitRun,
    FitStatus,
    LearnerState,
    ModelVersion,
    VersionStatus,
)
from tutor.tracing.selectors import beliefs_of_learners
from tutor.tracing.services import states_verify, version_serving


@pytest.fixture
def course(db: None, now: datetime) -> Course:
    return log_make(now=now)


def execute(course: Course, now: datetime, **request: Any) -> FitRun:
    run = fit_request(course, model_name="bkt", by=None, now=now, **request)
    done = fit_execute(run.pk, clock=lambda: now, is_threaded=False)
    assert done is not None
    return done


def test_a_fit_that_is_better_serves_after_its_replay(course: Course, now: datetime) -> None:
    cold = version_serving(course, now=now)
    run = execute(course, now)
    assert (run.status, run.reason) == (FitStatus.DONE, "")
    version = run.version
    assert version.status == VersionStatus.CANDIDATE
    rows = {row["name"]: row for row in version.metrics["rows"]}
    assert rows["candidate"]["log_loss"] < rows["serving bkt"]["log_loss"]
    assert set(rows) == {"candidate", "serving bkt", "learner_mean", "majority"}
    assert serving(course) == cold
    work_off(now)
    assert serving(course) == version
    cold.refresh_from_db()
    assert cold.status == VersionStatus.RETIRED
    assert LearnerState.objects.filter(version=version).count() == 40
    assert states_verify(course, now=now, is_repairing=False).differing_state_ids == ()
    learners = list(User.objects.filter(username__startswith="log")[:3])
    assert beliefs_of_learners(learners, course, now=now).version == version


def test_a_fit_on_noise_stays_a_candidate_and_says_why(db: None, now: datetime) -> None:
    noise = log_make(now=now, is_noise=True, key="noise")
    good = log_make(now=now, key="good")
    run = execute(good, now)
    fitted = engine.tracer(run.version)
    # The same noise that beats a wrong cold start does not beat the learners' own averages.
    export = engine_fit.export_build(list(_rows(noise)), held_out=set())
    metrics = engine_fit.backtest(fitted, export, against={"cold start": None}, groups={}, seed=0)
    verdict = promotion_judge(metrics)
    assert not verdict.is_promotable
    assert "does not beat each learner's own average" in verdict.reason


def _rows(course: Course) -> Any:
    from tutor.responses.exports import observations_export

    return observations_export(course)


def test_shuffled_labels_are_not_promoted_over_the_true_ones(course: Course, now: datetime) -> None:
    true = execute(course, now).version
    work_off(now)
    assert serving(course) == true
    outcomes = list(Response.objects.order_by("id").values_list("is_correct", flat=True))
    responses = list(Response.objects.order_by("id"))
    for response, is_correct in zip(responses, reversed(outcomes), strict=True):
        response.is_correct = is_correct
    worse_rows = [response.is_correct for response in responses]
    # Fitted on shuffled outcomes, tested on the true ones.
    export = engine_fit.export_build(list(_rows(course)), held_out=set())
    shuffled = export.data.from_columns(
        export.data.learners[export.data.learner],
        None,
        (export.data.skill_indptr, export.data.skills[export.data.skill_index]),
        [int(value) for value in worse_rows],
        export.data.time,
        time_unit="days",
        sort=True,
    )
    from kt_models.registry import load_tracer

    worse = load_tracer("bkt").fit(shuffled, seed=0)
    metrics = engine_fit.backtest(
        worse, export, against={"serving bkt": engine.tracer(true)}, groups={}, seed=0
    )
    assert not promotion_judge(metrics).is_promotable


@pytest.mark.parametrize("n", [0, 1, 50])
def test_too_little_data_is_refused_with_the_counts(db: None, now: datetime, n: int) -> None:
    course = log_make(now=now, n_learners=max(n // 10, 1), n_each=min(n, 10), key="few")
    with pytest.raises(TutorError, match=f"there are {n} of ") as refused:
        fit_request(course, model_name="bkt", by=None, now=now)
    assert refused.value.code == "too_little_data"
    assert not FitRun.objects.exists()


def test_an_unknown_model_is_refused_by_name(course: Course, now: datetime) -> None:
    with pytest.raises(TutorError, match="No model is called 'oracle'"):
        fit_request(course, model_name="oracle", by=None, now=now)


def test_one_fit_of_a_model_at_a_time(course: Course, now: datetime) -> None:
    fit_request(course, model_name="bkt", by=None, now=now)
    with pytest.raises(TutorError) as refused:
        fit_request(course, model_name="bkt", by=None, now=now)
    assert refused.value.code == "fit_active"


def test_a_fit_is_claimed_once_until_its_lease_ends(course: Course, now: datetime) -> None:
    run = fit_request(course, model_name="bkt", by=None, now=now)
    assert fit_claim(run.pk, now=now) is not None
    assert fit_claim(run.pk, now=now + timedelta(seconds=29)) is None
    assert fits_due(now=now + timedelta(seconds=29)) == []
    assert fits_due(now=now + timedelta(seconds=31)) == [run.pk]
    again = fit_claim(run.pk, now=now + timedelta(seconds=31))
    assert again is not None
    assert again.attempts == 2


def test_a_fit_whose_workers_keep_dying_ends_with_words(course: Course, now: datetime) -> None:
    run = fit_request(course, model_name="bkt", by=None, now=now)
    for minute in range(3):
        assert fit_claim(run.pk, now=now + timedelta(minutes=minute)) is not None
    assert fit_claim(run.pk, now=now + timedelta(minutes=9)) is None
    assert fits_give_up(now=now + timedelta(minutes=9)) == 1
    run.refresh_from_db()
    assert run.status == FitStatus.FAILED
    assert "died 3 times" in run.reason


def test_a_worker_killed_in_a_fit_leaves_it_to_the_next(
    course: Course, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = fit_request(course, model_name="bkt", by=None, now=now)

    def die(*args: object, **kwargs: object) -> None:
        raise SystemExit

    with monkeypatch.context() as killing:
        killing.setattr(engine_fit, "model_fit", die)
        with pytest.raises(SystemExit):
            fit_execute(run.pk, clock=lambda: now, is_threaded=False)
    run.refresh_from_db()
    assert run.status == FitStatus.RUNNING
    later = now + timedelta(minutes=1)
    done = fit_execute(run.pk, clock=lambda: later, is_threaded=False)
    assert done is not None
    assert (done.status, done.attempts) == (FitStatus.DONE, 2)
    assert ModelVersion.objects.filter(fit_run=run).count() == 1


def test_a_running_fit_listens_to_cancel(
    course: Course, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = User.objects.create(username="root", display_name="Root", role="administrator")
    run = fit_request(course, model_name="bkt", by=admin, now=now)
    real = engine_fit.model_fit

    def cancelled_midway(*args: Any, **kwargs: Any) -> Any:
        assert fit_cancel(run, by=admin, now=now)
        return real(*args, **kwargs)

    monkeypatch.setattr(engine_fit, "model_fit", cancelled_midway)
    done = fit_execute(run.pk, clock=lambda: now, is_threaded=False)
    assert done is not None
    assert (done.status, done.reason) == (FitStatus.CANCELLED, "Cancelled.")
    assert not ModelVersion.objects.filter(fit_run=run).exists()


def test_a_waiting_fit_is_cancelled_at_once(course: Course, now: datetime) -> None:
    admin = User.objects.create(username="root", display_name="Root", role="administrator")
    run = fit_request(course, model_name="bkt", by=admin, now=now)
    assert fit_cancel(run, by=admin, now=now)
    assert fit_execute(run.pk, clock=lambda: now, is_threaded=False) is None


def test_a_fit_over_its_memory_ends_with_words(
    course: Course, now: datetime, settings: LazySettings
) -> None:
    settings.FIT_MEMORY_MB = 1
    run = execute(course, now)
    assert run.status == FitStatus.FAILED
    assert "the limit is 1 MB" in run.reason


def test_a_full_disk_fails_the_fit_and_leaves_nothing_behind(
    course: Course, now: datetime, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "rename", full)
    run = execute(course, now)
    assert run.status == FitStatus.FAILED
    assert "No space left on device" in run.reason
    assert not ModelVersion.objects.filter(fit_run=run).exists()
    assert not [path for path in (tmp_path / "models").rglob("*") if path.is_file()]


def test_a_learner_deleted_during_a_fit_gets_no_state(course: Course, now: datetime) -> None:
    run = execute(course, now)
    gone = User.objects.get(username="log7")
    Response.objects.filter(learner=gone).delete()
    gone.delete()
    work_off(now)
    assert serving(course) == run.version
    assert LearnerState.objects.filter(version=run.version).count() == 39


def checkpoints(tmp_path: Path) -> list[str]:
    return [path.name for path in (tmp_path / "models" / "checkpoints").glob("*")]


def checkpoint_made(run: FitRun, tmp_path: Path) -> None:
    directory = tmp_path / "models" / "checkpoints" / str(run.uuid)
    directory.mkdir(parents=True)
    (directory / "training.safetensors").write_bytes(b"x")


@pytest.mark.parametrize("status", [FitStatus.FAILED, FitStatus.CANCELLED, FitStatus.DONE])
def test_what_an_ended_fit_could_have_gone_on_from_is_deleted(
    course: Course, now: datetime, tmp_path: Path, status: FitStatus
) -> None:
    run = fit_request(course, model_name="bkt", by=None, now=now)
    checkpoint_made(run, tmp_path)
    assert checkpoints_clear() == 0
    assert checkpoints(tmp_path) == [str(run.uuid)]
    FitRun.objects.update(status=FitStatus.RUNNING)
    assert checkpoints_clear() == 0
    FitRun.objects.update(status=status)
    assert checkpoints_clear() == 1
    assert checkpoints(tmp_path) == []


def test_a_fit_that_fails_leaves_no_checkpoint_and_a_killed_one_keeps_it(
    course: Course, now: datetime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = fit_request(course, model_name="bkt", by=None, now=now)
    deaths = iter([SystemExit, engine_fit.KTModelsError("the loss is not a number")])

    def broken(*args: object, checkpoint: Path, **kwargs: object) -> None:
        checkpoint.mkdir(parents=True, exist_ok=True)
        raise next(deaths)

    monkeypatch.setattr(engine_fit, "model_fit", broken)
    with pytest.raises(SystemExit):
        fit_execute(run.pk, clock=lambda: now, is_threaded=False)
    assert checkpoints(tmp_path) == [str(run.uuid)]
    later = now + timedelta(minutes=1)
    failed = fit_execute(run.pk, clock=lambda: later, is_threaded=False)
    assert failed is not None
    assert failed.status == FitStatus.FAILED
    assert checkpoints(tmp_path) == []


def test_a_fit_notes_the_newest_row_of_the_log_that_it_read(course: Course, now: datetime) -> None:
    run = execute(course, now)
    assert run.last_response_id == Response.objects.latest("pk").pk


def test_responses_kept_of_erased_learners_are_fitted_on_and_deleted_ones_are_not(
    course: Course, now: datetime
) -> None:
    kept, deleted = (User.objects.get(username=f"log{number}") for number in (3, 4))
    learner_erase(kept, by=None, now=now, is_keeping_responses=True)
    learner_erase(deleted, by=None, now=now, is_keeping_responses=False)
    run = execute(course, now)
    assert (run.status, run.n_learners, run.n_observations) == (FitStatus.DONE, 39, 39 * 40)
    assert "erased" in {part["name"] for part in run.version.metrics["by_group"]}
    # Nobody is left to whom a state of them would belong.
    work_off(now)
    assert LearnerState.objects.filter(version=run.version).count() == 38


def test_erased_learners_count_for_there_being_enough_data(db: None, now: datetime) -> None:
    course = log_make(now=now, n_learners=5, n_each=40, key="five")
    for learner in User.objects.filter(username__startswith="five"):
        learner_erase(learner, by=None, now=now, is_keeping_responses=True)
    assert fit_request(course, model_name="bkt", by=None, now=now).status == FitStatus.QUEUED
