import json
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.db import IntegrityError, OperationalError, transaction

from tests.tutor.content.bundle_case import bundle_make, put
from tutor.common.errors import TutorError
from tutor.common.models import OutboxEntry
from tutor.common.outbox import outbox_take
from tutor.content import importing, jobs
from tutor.content.job_running import ATTEMPTS_MAX, LEASE, QUEUE_GRACE
from tutor.content.jobs import (
    import_job_apply,
    import_job_create,
    import_job_run,
    imports_reap,
)
from tutor.content.models import Course, CourseVersion, ImportFormat, ImportJob, ImportStatus

pytestmark = pytest.mark.django_db


class Clock:
    """A clock that moves by itself, so that every heartbeat is due."""

    def __init__(self, now, *, step=timedelta(seconds=2)):
        self.now, self.step = now, step

    def __call__(self):
        self.now += self.step
        return self.now


class KilledError(BaseException):
    """Stands for kill -9: nothing of the program catches it."""


@pytest.fixture
def clock(now):
    return Clock(now)


@pytest.fixture
def job_make(world, now):
    def make(document=None, **options):
        file = ContentFile(json.dumps(document or bundle_make()).encode(), name="my course.json")
        options = {"by": world.tess, "is_dry_run": False, "now": now} | options
        return import_job_create(file, **options)

    return make


def run(job, clock):
    done = import_job_run(str(job.uuid), clock=clock)
    job.refresh_from_db()
    return done


def versions():
    return CourseVersion.objects.filter(course__key="adding").count()


def test_an_upload_is_kept_and_promised(job_make):
    job = job_make()
    assert job.status == ImportStatus.QUEUED
    assert job.filename == "my course.json"
    assert "course" not in job.file.name
    assert [entry.payload for entry in OutboxEntry.objects.all()] == [{"job": str(job.uuid)}]


def test_a_worker_carries_the_job_out_through_the_outbox(job_make, now):
    job = job_make()
    assert outbox_take(OutboxEntry.objects.get().pk, now=now)
    job.refresh_from_db()
    assert job.status == ImportStatus.DONE
    assert job.course.key == "adding"
    assert job.result["counts"]["problems"]["created"] == 3
    assert job.result["version"] == 1
    assert versions() == 1
    assert not OutboxEntry.objects.exists()


def test_a_dry_run_writes_nothing_and_can_be_applied(job_make, clock, world, now):
    job = job_make(is_dry_run=True)
    run(job, clock)
    assert (job.status, versions()) == (ImportStatus.DONE, 0)
    assert job.result["counts"]["problems"]["created"] == 3
    again = import_job_apply(job, by=world.tess, now=now)
    run(again, clock)
    assert (again.status, versions()) == (ImportStatus.DONE, 1)
    with pytest.raises(TutorError, match="Only a dry run"):
        import_job_apply(again, by=world.tess, now=now)


def test_a_broken_bundle_is_refused_with_its_rows(job_make, clock):
    bundle = bundle_make()
    put(bundle, "/problems/1/lesson", "gone")
    job = job_make(bundle)
    run(job, clock)
    assert (job.status, versions()) == (ImportStatus.REFUSED, 0)
    assert [row["pointer"] for row in job.errors] == ["/problems/1/lesson"]
    assert "1 error" in job.result["message"]


def test_a_file_that_is_no_content_is_refused_in_words(job_make, clock):
    job = job_make({"hello": "world"})
    run(job, clock)
    assert job.status == ImportStatus.REFUSED
    assert "neither a bundle" in job.errors[0]["message"]


def test_a_graph_goes_to_the_course_that_was_chosen(job_make, clock, world):
    graph = {"nodes": [{"id": "a"}, {"id": "c"}], "edges": [{"from": "a", "to": "c"}]}
    job = job_make(graph, course=world.course)
    run(job, clock)
    assert job.status == ImportStatus.DONE
    assert world.course.prerequisites.filter(source="imported").count() == 1


def test_a_graph_without_a_course_is_refused_at_once_when_named_so(job_make, clock):
    with pytest.raises(TutorError, match="needs a course"):
        job_make({"nodes": [], "edges": []}, format=ImportFormat.GRAPH)
    job = job_make({"nodes": [], "edges": []})
    run(job, clock)
    assert job.status == ImportStatus.REFUSED


def test_a_job_is_carried_out_once_however_often_it_is_asked(job_make, clock):
    job = job_make()
    assert run(job, clock)
    assert not run(job, clock)
    assert (job.attempts, versions()) == (1, 1)


def test_a_job_that_runs_is_nobody_elses(job_make, clock, monkeypatch):
    job = job_make()
    others = []

    def checked(bundle, **options):
        others.append(import_job_run(str(job.uuid), clock=clock))
        return real_check(bundle, **options)

    real_check = importing.bundle_check
    monkeypatch.setattr(importing, "bundle_check", checked)
    run(job, clock)
    assert others == [False]
    assert job.status == ImportStatus.DONE


def test_a_dry_run_is_applied_once_at_a_time_and_again_when_that_failed(
    job_make, clock, world, now
):
    job = job_make(is_dry_run=True)
    run(job, clock)
    first = import_job_apply(job, by=world.tess, now=now)
    OutboxEntry.objects.all().delete()
    assert import_job_apply(job, by=world.tess, now=now) == first
    assert not OutboxEntry.objects.exists()
    with pytest.raises(IntegrityError), transaction.atomic():
        ImportJob.objects.create(created_at=now, dry_run_of=job)
    ImportJob.objects.filter(pk=first.pk).update(status=ImportStatus.FAILED)
    again = import_job_apply(job, by=world.tess, now=now)
    assert again != first
    assert OutboxEntry.objects.get().payload == {"job": str(again.uuid)}


def test_progress_is_written_while_it_runs_and_the_lease_renewed(job_make, clock, monkeypatch):
    job = job_make()
    seen = []

    def packed(bundle):
        job.refresh_from_db()
        seen.append((job.status, job.progress, job.stage, job.lease_until))
        return real_pack(bundle)

    real_pack = importing.bundle_pack
    monkeypatch.setattr(importing, "bundle_pack", packed)
    started = clock.now
    run(job, clock)
    ((status, progress, stage, lease_until),) = seen
    assert (status, stage) == (ImportStatus.RUNNING, "comparing")
    assert 0.5 < progress < 1.0
    assert lease_until > started + LEASE
    assert (job.progress, job.lease_until) == (1.0, None)


@pytest.mark.parametrize("moment", ["bundle_check", "bundle_pack", "plan_apply", "_version_store"])
def test_a_killed_worker_leaves_all_or_nothing_and_the_reap_finishes_once(
    job_make, clock, monkeypatch, moment
):
    job = job_make()

    def killed(*args, **options):
        raise KilledError

    with monkeypatch.context() as patched:
        patched.setattr(importing, moment, killed)
        with pytest.raises(KilledError):
            import_job_run(str(job.uuid), clock=clock)
    assert versions() == 0
    job.refresh_from_db()
    assert job.status == ImportStatus.RUNNING
    OutboxEntry.objects.all().delete()
    assert imports_reap(now=job.lease_until - timedelta(seconds=1)) == 0
    assert imports_reap(now=job.lease_until) == 1
    clock.now = job.lease_until
    assert outbox_take(OutboxEntry.objects.get().pk, now=clock.now) is True
    job.refresh_from_db()
    assert not run(job, clock)


def test_a_killed_worker_after_the_commit_leaves_a_finished_job(job_make, clock, monkeypatch):
    job = job_make()

    def killed(share, stage):
        if stage == "done":
            raise KilledError

    with monkeypatch.context() as patched:
        patched.setattr(jobs._Run, "_tell", lambda self, share, stage: killed(share, stage))
        with pytest.raises(KilledError):
            import_job_run(str(job.uuid), clock=clock)
    job.refresh_from_db()
    assert (job.status, versions()) == (ImportStatus.DONE, 1)
    assert imports_reap(now=clock.now + timedelta(days=1)) == 0


def test_a_slow_worker_whose_job_was_taken_over_writes_nothing(job_make, clock, monkeypatch):
    job = job_make()
    real_store = importing._version_store
    calls = []

    def overtaken(*args, **options):
        real_store(*args, **options)
        if not calls:
            calls.append(1)
            # Meanwhile the lease ended and another worker claimed the job.
            jobs.ImportJob.objects.filter(pk=job.pk).update(attempts=2)

    monkeypatch.setattr(importing, "_version_store", overtaken)
    run(job, clock)
    # In this one connection the other worker's claim is rolled back with the import.
    assert versions() == 0
    assert job.status == ImportStatus.RUNNING


def test_what_breaks_is_tried_again_and_given_up_in_words(job_make, clock, monkeypatch):
    job = job_make()

    def locked(*args, **options):
        raise OperationalError("database is locked")

    monkeypatch.setattr(importing, "plan_apply", locked)
    for attempt in range(1, ATTEMPTS_MAX + 1):
        assert run(job, clock)
        assert (job.status, job.attempts) == (ImportStatus.RUNNING, attempt)
        assert imports_reap(now=clock.now) == 1
    job.refresh_from_db()
    assert job.status == ImportStatus.FAILED
    assert "Nothing was changed" in job.result["message"]
    assert not run(job, clock)
    assert versions() == 0


def test_a_queued_job_that_the_outbox_lost_is_promised_again_once(job_make, now):
    job_make()
    OutboxEntry.objects.all().delete()
    assert imports_reap(now=now) == 0
    later = now + QUEUE_GRACE
    imports_reap(now=later)
    imports_reap(now=later + timedelta(minutes=1))
    assert OutboxEntry.objects.count() == 1


def test_the_course_of_the_bundle_is_left_alone_by_a_refusal(job_make, clock):
    run(job_make(), clock)
    bundle = bundle_make()
    put(bundle, "/skills/0/title", "Other")
    put(bundle, "/format_version", 9)
    run(job_make(bundle), clock)
    assert Course.objects.get(key="adding").skills.get(key="add").title == "Add"
