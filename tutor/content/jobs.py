"""Imports as jobs: an upload is kept, a worker carries it out once, whatever dies in between.

A worker claims a job by a compare-and-set on its lease and renews the lease with the progress it
writes. Progress is written outside the import's transaction, which on SQLite would hide it and
keep every other writer out: reading, checking and planning only read, so the job's row can be
written meanwhile; the write transaction itself is short, and DONE is part of it. So a killed
worker leaves either no import and an ended lease, or the whole import and a finished job.
"""

import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.core.files.base import File
from django.db import transaction
from django.db.models import F, Q
from django.utils.translation import gettext as _

from tutor.accounts.models import User
from tutor.accounts.services import audit_record
from tutor.common.clock import now_utc
from tutor.common.errors import TutorError
from tutor.common.giving_way import at_leisure
from tutor.common.models import OutboxEntry
from tutor.common.outbox import handler, outbox_add
from tutor.content.access import author_check
from tutor.content.errors import ImportRefusedError, RowError
from tutor.content.formats import content_import, content_read
from tutor.content.importing import ImportResult, course_roll_back, version_of
from tutor.content.models import Course, ImportFormat, ImportJob, ImportStatus

logger = logging.getLogger(__name__)

TOPIC = "import"
LEASE = timedelta(seconds=45)
# Written before the write transaction, during which no heartbeat can be seen.
WRITING_LEASE = timedelta(minutes=3)
HEARTBEAT = timedelta(seconds=1)
MAX_ATTEMPTS = 3
# Queued for so long that the outbox must have lost it.
QUEUE_GRACE = timedelta(minutes=2)

Clock = Callable[[], datetime]


def import_job_create(
    file: File[Any],
    *,
    by: User,
    format: str = ImportFormat.AUTO,  # noqa: A002 - the word of the model and the API
    course: Course | None = None,
    is_dry_run: bool = True,
    is_partial: bool = False,
    now: datetime,
) -> ImportJob:
    """Keep an upload and promise its import; with `is_partial` faulty problems are left out.

    Raises:
        TutorError: code `course_missing` for a graph without a course, or `not_an_author`.
    """
    if format == ImportFormat.GRAPH and course is None:
        raise TutorError(_("A graph needs a course to go to; choose one."), code="course_missing")
    if course is not None:
        author_check(by, course)
    digest = hashlib.sha256()
    for chunk in file.chunks():
        digest.update(chunk)
    file.seek(0)
    name = (file.name or "upload").rpartition("/")[2][-255:]
    with transaction.atomic():
        job = ImportJob(
            created_by=by,
            created_at=now,
            format=format,
            course=course,
            is_dry_run=is_dry_run,
            is_partial=is_partial,
            filename=name,
            sha256=digest.hexdigest(),
        )
        # The stored name is ours: nothing of the uploader's reaches the file system.
        job.file.save(f"{job.uuid}.upload", file, save=False)
        job.save()
        _promise(job, by=by, now=now)
    return job


def import_job_apply(job: ImportJob, *, by: User, now: datetime) -> ImportJob:
    """Start the real import of a file whose dry run went through.

    Raises:
        TutorError: code `import_not_clean` when there is no such dry run.
    """
    if not (job.is_dry_run and job.status == ImportStatus.DONE):
        raise TutorError(
            _("Only a dry run that went through can be applied; start a new import."),
            code="import_not_clean",
        )
    with transaction.atomic():
        again = ImportJob.objects.create(
            created_by=by,
            created_at=now,
            format=job.format,
            # A dry run notes the course a bundle belongs to; only a graph is told where to go.
            course=job.course,
            is_dry_run=False,
            is_partial=job.is_partial,
            filename=job.filename,
            file=job.file.name,
            sha256=job.sha256,
        )
        _promise(again, by=by, now=now)
    return again


def roll_back_start(course: Course, number: int, *, by: User, now: datetime) -> ImportJob:
    """Promise to bring a course back to a version; the job shows how far it is.

    Raises:
        TutorError: code `unknown_version` or `not_an_author`.
    """
    author_check(by, course)
    version_of(course, number)
    with transaction.atomic():
        job = ImportJob.objects.create(
            created_by=by,
            created_at=now,
            format=ImportFormat.BUNDLE,
            course=course,
            is_dry_run=False,
            roll_back_to=number,
            filename=_("{course}, version {number}").format(course=course.key, number=number),
        )
        _promise(job, by=by, now=now)
    return job


def _promise(job: ImportJob, *, by: User, now: datetime) -> None:
    outbox_add(TOPIC, {"job": str(job.uuid)}, now=now)
    audit_record(
        by,
        action="import_start",
        object_kind="import",
        object_id=str(job.uuid),
        detail={"is_dry_run": job.is_dry_run, "sha256": job.sha256},
        now=now,
    )


@handler(TOPIC)
def import_handle(payload: Mapping[str, Any], *, now: datetime) -> None:
    """Carry out the job that an outbox entry names."""
    del now  # a long import needs the clock for its lease
    import_job_run(str(payload["job"]), clock=now_utc)


def import_job_run(job_uuid: str, *, clock: Clock) -> bool:
    """Claim a job and carry it out; return False when it is somebody else's or finished."""
    now = clock()
    free = Q(status=ImportStatus.QUEUED) | Q(status=ImportStatus.RUNNING, lease_until__lte=now)
    claimed = ImportJob.objects.filter(free, uuid=job_uuid, attempts__lt=MAX_ATTEMPTS).update(
        status=ImportStatus.RUNNING,
        lease_until=now + LEASE,
        attempts=F("attempts") + 1,
        stage="reading",
        progress=0.0,
    )
    if not claimed:
        return False
    job = ImportJob.objects.select_related("course", "created_by").get(uuid=job_uuid)
    _Run(job, clock).carry_out()
    return True


class _LostLeaseError(Exception):
    """Another worker took the job over."""


class _Run:
    """One worker's attempt at one job."""

    def __init__(self, job: ImportJob, clock: Clock) -> None:
        self.job = job
        self.clock = clock
        self.told_at = clock()
        # Only the attempt that holds the job may write to it.
        self.held = ImportJob.objects.filter(
            pk=job.pk, status=ImportStatus.RUNNING, attempts=job.attempts
        )
        self.notes: tuple[str, ...] = ()

    def carry_out(self) -> None:
        try:
            self._import()
        except _LostLeaseError:
            logger.warning("import %s was taken over; this attempt ends", self.job.uuid)
        except ImportRefusedError as refusal:
            self._refuse(refusal.message, refusal.rows)
        except TutorError as error:
            self._refuse(error.message, [_row(error, self.job.filename)])
        except Exception:
            logger.exception("import %s broke off (attempt %s)", self.job.uuid, self.job.attempts)
            self._break_off()

    def _import(self) -> None:
        job = self.job
        if job.created_by is None:
            # Nobody's rights are left to act by; without a name it would pass for the command line.
            message = _("Whoever started this has no account any more, so it was not carried out.")
            raise TutorError(message, code="not_an_author")
        result = self._roll_back(job.created_by) if job.roll_back_to else self._read(job.created_by)
        if job.is_dry_run:
            self._finish(result)

    def _roll_back(self, by: User) -> ImportResult:
        job = self.job
        if job.course is None or job.roll_back_to is None:
            raise TutorError(_("The course is gone."), code="course_missing")
        return course_roll_back(
            job.course,
            job.roll_back_to,
            by=by,
            now=self.clock(),
            progress=self._tell,
            on_apply=self._finish,
            is_patient=True,
        )

    def _read(self, by: User) -> ImportResult:
        job = self.job
        with job.file.open("rb") as opened:
            content = at_leisure(
                lambda tell: content_read(
                    opened.file, name=job.filename, wanted=job.format, progress=tell
                ),
                tell=lambda share, stage: self._tell(0.2 * share, stage),
            )
        self.notes = content.notes
        return content_import(
            content,
            course=job.course,
            by=by,
            now=self.clock(),
            is_dry_run=job.is_dry_run,
            is_partial=job.is_partial,
            progress=lambda share, stage: self._tell(0.2 + 0.8 * share, stage),
            on_apply=self._finish,
            is_patient=True,
        )

    def _tell(self, share: float, stage: str) -> None:
        """Write progress and renew the lease, at most once a second."""
        now = self.clock()
        is_writing = stage == "writing"
        if stage == "done" or (now - self.told_at < HEARTBEAT and not is_writing):
            return
        self.told_at = now
        lease = WRITING_LEASE if is_writing else LEASE
        if not self.held.update(progress=share, stage=stage, lease_until=now + lease):
            raise _LostLeaseError

    def _finish(self, result: ImportResult) -> None:
        """Mark the job done; inside the import's transaction, so that both happen or neither."""
        finished = self.held.update(
            status=ImportStatus.DONE,
            stage="",
            progress=1.0,
            course=result.course,
            finished_at=self.clock(),
            lease_until=None,
            result=result.as_dict(),
            errors=[row.as_dict() for row in result.warnings],
            notes=[*self.notes, *result.notes],
        )
        if not finished:
            raise _LostLeaseError

    def _refuse(self, message: str, rows: Sequence[RowError]) -> None:
        self.held.update(
            status=ImportStatus.REFUSED,
            stage="",
            finished_at=self.clock(),
            lease_until=None,
            result={"message": message},
            errors=[row.as_dict() for row in rows],
            notes=list(self.notes),
        )

    def _break_off(self) -> None:
        """Leave the job to the next reap; what broke may be gone by then (a locked database)."""
        self.held.update(lease_until=self.clock(), stage="waiting for another try")


def _row(error: TutorError, filename: str) -> RowError:
    return RowError(filename, "", "", _("a file that can be imported"), error.message)


def imports_reap(*, now: datetime) -> int:
    """Promise again what a dead worker held, fail what broke too often; return how many."""
    stale = ImportJob.objects.filter(
        Q(status=ImportStatus.RUNNING, lease_until__lte=now)
        | Q(status=ImportStatus.QUEUED, created_at__lte=now - QUEUE_GRACE)
    )
    count = 0
    for job in stale.only("pk", "uuid", "attempts", "status"):
        with transaction.atomic():
            if job.attempts >= MAX_ATTEMPTS:
                _fail(job, now=now)
            else:
                _promise_again(job, now=now)
        count += 1
    return count


def _fail(job: ImportJob, *, now: datetime) -> None:
    message = _(
        "The import broke off {count} times, so it was given up. Nothing was changed. "
        "Please ask whoever runs the site to look at the worker's log."
    ).format(count=MAX_ATTEMPTS)
    ImportJob.objects.filter(
        pk=job.pk, status=ImportStatus.RUNNING, attempts=job.attempts, lease_until__lte=now
    ).update(
        status=ImportStatus.FAILED,
        stage="",
        finished_at=now,
        lease_until=None,
        result={"message": message},
    )


def _promise_again(job: ImportJob, *, now: datetime) -> None:
    payload = {"job": str(job.uuid)}
    is_waiting = OutboxEntry.objects.filter(topic=TOPIC, payload=payload, attempts=0).exists()
    if not is_waiting:
        outbox_add(TOPIC, payload, now=now)
