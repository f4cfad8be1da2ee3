"""Imports of content as jobs: a file or a roll-back, carried out once, whatever dies in between.

Progress is written outside the import's transaction, which on SQLite would hide it and keep every
other writer out: reading, checking and planning only read, so the job's row can be written
meanwhile; the write transaction itself is short, and DONE is part of it. So a killed worker leaves
either no import and an ended lease, or the whole import and a finished job.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.core.files.base import File
from django.db import transaction
from django.utils.translation import gettext as _

from tutor.accounts.models import User
from tutor.common.clock import Clock, now_utc
from tutor.common.errors import TutorError
from tutor.common.giving_way import at_leisure
from tutor.common.outbox import handler
from tutor.content.access import author_check
from tutor.content.formats import content_import, content_read
from tutor.content.importing import ImportResult, course_roll_back, version_of
from tutor.content.job_running import ATTEMPTS_MAX, JobRun, LostLeaseError, UploadJobs
from tutor.content.models import Course, ImportFormat, ImportJob, ImportStatus

TOPIC = "import"
# Written before the write transaction, during which no heartbeat can be seen.
WRITING_LEASE = timedelta(minutes=3)

JOBS = UploadJobs(ImportJob, topic=TOPIC, audited_as="import")


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
    job = ImportJob(format=format, course=course, is_dry_run=is_dry_run, is_partial=is_partial)
    return JOBS.keep(job, file, by=by, now=now)


def import_job_apply(job: ImportJob, *, by: User, now: datetime) -> ImportJob:
    """Start the real import of a file whose dry run went through.

    Raises:
        TutorError: code `import_not_clean` when there is no such dry run.
    """
    # A dry run notes the course a bundle belongs to; only a graph is told where to go.
    again = ImportJob(format=job.format, course=job.course, is_partial=job.is_partial)
    return JOBS.apply(job, again, by=by, now=now)


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
        JOBS.promise(job, by=by, now=now)
    return job


@handler(TOPIC)
def import_handle(payload: Mapping[str, Any], *, now: datetime) -> None:
    """Carry out the job that an outbox entry names."""
    del now  # a long import needs the clock for its lease
    import_job_run(str(payload["job"]), clock=now_utc)


def import_job_run(job_uuid: str, *, clock: Clock) -> bool:
    """Claim a job and carry it out; return False when it is somebody else's or finished."""
    job = JOBS.claim(job_uuid, clock=clock)
    if job is None:
        return False
    _Run(job, clock).carry_out()
    return True


class _Run(JobRun[ImportJob]):
    """One worker's attempt at one job."""

    def expected(self) -> str:
        """Say what the file should have been."""
        return _("a file that can be imported")

    def work(self, by: User) -> None:
        """Import; what is written for real is DONE in the import's own transaction."""
        result = self._roll_back(by) if self.job.roll_back_to else self._read(by)
        if self.job.is_dry_run:
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
        if stage == "writing":
            self.tell(share, stage, lease=WRITING_LEASE, is_due=True)
        elif stage != "done":
            self.tell(share, stage)

    def _finish(self, result: ImportResult) -> None:
        """Mark the job done; inside the import's transaction, so that both happen or neither."""
        if not self.end(
            ImportStatus.DONE,
            course=result.course,
            result=result.as_dict(),
            errors=[row.as_dict() for row in result.warnings],
            notes=[*self.notes, *result.notes],
        ):
            raise LostLeaseError


def imports_reap(*, now: datetime) -> int:
    """Promise again what a dead worker held, fail what broke too often; return how many."""
    message = _(
        "The import broke off {count} times, so it was given up. Nothing was changed. "
        "Please ask whoever runs the site to look at the worker's log."
    ).format(count=ATTEMPTS_MAX)
    return JOBS.reap(message, now=now)
