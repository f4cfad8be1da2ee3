"""Promotions: replayed, switched once, superseded by newer ones, rolled back."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from kt_models.protocol import AnyFittedTracer
from tests.tutor.tracing.logs import log_make, response_of, serving, work_off
from tests.tutor.tracing.test_fits import execute
from tutor.accounts.models import User
from tutor.common.errors import TutorError
from tutor.common.outbox import outbox_due, outbox_take
from tutor.content.models import Course
from tutor.responses.models import Response
from tutor.tracing import engine, promotion
from tutor.tracing.models import (
    LearnerState,
    ModelVersion,
    Promotion,
    PromotionStatus,
)
from tutor.tracing.promotion import (
    promotion_finish,
    promotion_start,
    roll_back,
    shard_replay,
    shards_due,
    versions_check,
)
from tutor.tracing.selectors import beliefs_of_learners
from tutor.tracing.services import states_verify, version_serving


@pytest.fixture
def course(db: None, now: datetime) -> Course:
    return log_make(now=now)


def test_answers_given_during_the_replay_are_in_the_states_when_it_serves(
    course: Course, now: datetime
) -> None:
    run = execute(course, now)
    entries = outbox_due(now=now + timedelta(minutes=1))
    for entry_id in entries:
        outbox_take(entry_id, now=now, is_sweep=False)
    learner = User.objects.get(username="log3")
    some = Response.objects.filter(learner=learner).first()
    assert some is not None
    Response.objects.bulk_create(
        [response_of(course, learner, some.step_id, some.skill_ids[0], True, now)]
    )
    work_off(now)
    assert serving(course) == run.version
    assert LearnerState.objects.get(version=run.version, learner=learner).n_observations == 41


def test_of_two_promotions_at_one_moment_the_newer_one_serves_alone(
    course: Course, now: datetime
) -> None:
    older, newer = (
        ModelVersion.objects.create(course=course, model_name="bkt", role="mastery", created_at=now)
        for _ in range(2)
    )
    first = promotion_start(older, by=None, now=now)
    second = promotion_start(newer, by=None, now=now)
    first.refresh_from_db()
    assert (first.status, first.finished_at) == (PromotionStatus.SUPERSEDED, now)
    assert "A newer change" in first.reason
    for shard in first.shards.all():
        assert shard_replay(shard.pk, now=now) is False
    assert not LearnerState.objects.filter(version=older).exists()
    work_off(now)
    assert serving(course) == newer
    second.refresh_from_db()
    assert second.status == PromotionStatus.DONE
    # What was superseded can never switch, and leaves no states behind.
    assert promotion_finish(first.pk, now=now) is False
    assert not LearnerState.objects.filter(version=older).exists()


def test_a_replay_stops_in_its_middle_when_a_newer_promotion_comes(
    course: Course, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    older, newer = (
        ModelVersion.objects.create(course=course, model_name="bkt", role="mastery", created_at=now)
        for _ in range(2)
    )
    [shard] = promotion_start(older, by=None, now=now).shards.all()
    replayed: list[int] = []

    def overtaken(version: ModelVersion, learner_id: int, *, now: datetime) -> bool:
        replayed.append(learner_id)
        if len(replayed) == 3:
            promotion_start(newer, by=None, now=now)
        return True

    monkeypatch.setattr(promotion, "learner_replay", overtaken)
    assert shard_replay(shard.pk, now=now) is False
    assert len(replayed) == 3


def test_a_version_that_is_being_made_to_serve_is_not_superseded_by_itself(
    course: Course, now: datetime
) -> None:
    version = ModelVersion.objects.create(
        course=course, model_name="bkt", role="mastery", created_at=now
    )
    begun = promotion_start(version, by=None, now=now)
    with pytest.raises(TutorError) as refused:
        promotion_start(version, by=None, now=now)
    assert refused.value.code == "replaying_already"
    begun.refresh_from_db()
    assert begun.status == PromotionStatus.REPLAYING


def test_the_other_role_is_not_superseded(course: Course, now: datetime) -> None:
    for role in ("mastery", "prediction"):
        version = ModelVersion.objects.create(
            course=course, model_name="bkt", role=role, created_at=now
        )
        promotion_start(version, by=None, now=now)
    assert Promotion.objects.filter(status=PromotionStatus.REPLAYING).count() == 2


def test_a_shard_that_broke_off_goes_on_where_it_was(
    course: Course, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = ModelVersion.objects.create(
        course=course, model_name="bkt", role="mastery", created_at=now
    )
    [shard] = promotion_start(version, by=None, now=now).shards.all()
    replayed: list[int] = []
    real = promotion.learner_replay

    def killed_at_the_tenth(version: ModelVersion, learner_id: int, *, now: datetime) -> bool:
        replayed.append(learner_id)
        if len(replayed) == 10:
            raise SystemExit
        return real(version, learner_id, now=now)

    monkeypatch.setattr(promotion, "learner_replay", killed_at_the_tenth)
    with pytest.raises(SystemExit):
        shard_replay(shard.pk, now=now)
    assert shard_replay(shard.pk, now=now + timedelta(seconds=40)) is False
    later = now + timedelta(seconds=50)
    assert shards_due(now=later) == [shard.pk]
    assert shard_replay(shard.pk, now=later)
    assert len(replayed) == 41
    assert LearnerState.objects.filter(version=version, n_observations=40).count() == 40


def test_a_roll_back_brings_the_earlier_version_with_whole_states(
    course: Course, now: datetime
) -> None:
    cold = version_serving(course, now=now)
    version = execute(course, now).version
    work_off(now)
    assert serving(course) == version
    roll_back(course, role="mastery", by=None, now=now)
    work_off(now)
    assert serving(course) == cold
    assert states_verify(course, now=now, is_repairing=False).differing_state_ids == ()


def test_there_is_nothing_to_roll_back_to_at_the_start(course: Course, now: datetime) -> None:
    version_serving(course, now=now)
    with pytest.raises(TutorError) as refused:
        roll_back(course, role="mastery", by=None, now=now)
    assert refused.value.code == "nothing_before"


@pytest.mark.parametrize("damage", ["tampered", "missing", "newer"])
def test_a_broken_artifact_never_breaks_a_page_and_is_rolled_back(
    course: Course, now: datetime, tmp_path: Path, damage: str
) -> None:
    cold = version_serving(course, now=now)
    version = execute(course, now).version
    work_off(now)
    directory = tmp_path / "models" / version.artifact
    if damage == "tampered":
        data = next(path for path in directory.iterdir() if path.suffix != ".json")
        data.write_bytes(data.read_bytes()[:-1] + b"x")
    elif damage == "missing":
        (directory / "manifest.json").unlink()
    else:
        manifest = directory / "manifest.json"
        told = json.loads(manifest.read_text())
        manifest.write_text(json.dumps(told | {"model_version": told["model_version"] + 97}))
        ModelVersion.objects.filter(pk=version.pk).update(sha256="")
    engine._fitted.cache_clear()
    learners = list(User.objects.filter(username__startswith="log")[:2])
    beliefs = beliefs_of_learners(learners, course, now=now)
    assert beliefs.n_observations.sum() == 0
    assert versions_check(now=now) == [version]
    work_off(now)
    assert serving(course) == cold
    assert beliefs_of_learners(learners, course, now=now).n_observations.sum() > 0


def test_a_roll_back_by_itself_passes_over_what_whole_files_do_not_load(
    course: Course, now: datetime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cold = version_serving(course, now=now)
    versions = []
    for _ in range(2):
        # Each stands for a model of which this code reads the files and not what is in them.
        versions.append(execute(course, now).version)
        promotion_start_if_needed(versions[-1], now)
        work_off(now)
    assert serving(course) == versions[-1]
    unreadable = {version.artifact for version in versions}
    load = engine._artifact_load

    def refuse(artifact: str, sha256: str) -> AnyFittedTracer:
        if artifact in unreadable:
            raise engine.KTModelsError("written by other code than this")
        return load(artifact, sha256)

    monkeypatch.setattr(engine, "_artifact_load", refuse)
    assert versions_check(now=now) == [versions[-1]]
    work_off(now)
    assert serving(course) == cold


def test_a_worker_without_the_extra_demotes_nothing(
    course: Course, now: datetime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version_serving(course, now=now)
    version = execute(course, now).version
    work_off(now)

    def missing(directory: Path) -> AnyFittedTracer:
        raise ModuleNotFoundError("No module named 'torch'", name="torch")

    monkeypatch.setattr(engine, "load_fitted", missing)
    assert versions_check(now=now) == []
    work_off(now)
    assert serving(course) == version


def promotion_start_if_needed(version: ModelVersion, now: datetime) -> None:
    """Make a version serve that the rule left a candidate."""
    if not version.promotions.exists():
        promotion_start(version, by=None, now=now)
