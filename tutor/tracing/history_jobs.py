"""Imports of response logs as jobs: an upload is kept, a worker carries it out, whatever dies.

Everything is checked before anything is written. Writing goes in parts of some hundred
responses, each in a transaction of its own; a job that broke off is taken up again and adds what is
missing. The upload and the mapping, which name learners, are deleted when their job has ended for
good.
"""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.base import File
from django.utils.translation import gettext as _

from tutor.accounts.models import User
from tutor.common.clock import Clock, now_utc
from tutor.common.errors import TutorError
from tutor.common.leases import lease_kept
from tutor.common.outbox import REPLAY_QUEUE, handler
from tutor.content.job_running import (
    ATTEMPTS_MAX,
    LEASE,
    JobRun,
    LostLeaseError,
    UploadJobs,
    dry_run_check,
)
from tutor.content.models import ImportStatus
from tutor.roster.models import Classroom
from tutor.roster.selectors import learners_of_teacher
from tutor.tracing.history_import import history_import
from tutor.tracing.history_mapping import NO_MAPPING, IdMapping, mapping_read
from tutor.tracing.history_reach import import_course_check
from tutor.tracing.history_reading import HistoryOptions, history_read
from tutor.tracing.history_result import HistoryResult, result_write
from tutor.tracing.models import ResponseImport

TOPIC = "response-import"
RENEW_SECONDS = 15.0
KEPT = timedelta(days=7)
ROWS_MOST = 1000
READING_SHARE = 0.3
# A text packs to a tenth or so; what unpacks to more than this is no log of a school.
UNPACKED_TIMES = 20

JOBS = UploadJobs(ResponseImport, topic=TOPIC, audited_as="response_import")


def response_import_create(
    file: File[Any],
    *,
    course_key: str,
    options: HistoryOptions,
    mapping: IdMapping = NO_MAPPING,
    is_creating_content: bool = False,
    classroom: Classroom | None = None,
    by: User,
    is_dry_run: bool,
    now: datetime,
) -> ResponseImport:
    """Keep a log and promise its import.

    Raises:
        TutorError: code `class_needed`, `unknown_course` or `other_course`: a teacher brings in the
            history of a class of theirs, only administrators that of nobody's class.
    """
    import_course_check(
        by, course_key=course_key, classroom=classroom, is_creating_content=is_creating_content
    )
    job = ResponseImport(
        course_key=course_key,
        classroom=classroom,
        options=options_write(options),
        mapping=mapping.as_dict(),
        is_creating_content=is_creating_content,
        is_dry_run=is_dry_run,
    )
    return JOBS.keep(job, file, by=by, now=now)


def response_import_apply(job: ResponseImport, *, by: User, now: datetime) -> ResponseImport:
    """Start the real import of a log whose dry run went through.

    Raises:
        TutorError: code `import_not_clean` when there is no such dry run, or `upload_gone`.
    """
    dry_run_check(job)
    if not (job.file and job.file.storage.exists(job.file.name)):
        raise TutorError(_("The file is no longer kept; send it again."), code="upload_gone")
    again = ResponseImport(
        course_key=job.course_key,
        classroom=job.classroom,
        options=job.options,
        mapping=job.mapping,
        is_creating_content=job.is_creating_content,
    )
    return JOBS.apply(job, again, by=by, now=now)


def options_write(options: HistoryOptions) -> dict[str, Any]:
    """Return how a log is to be read as JSON has it."""
    start = options.start.isoformat() if options.start else None
    return asdict(options) | {"start": start}


def options_read(document: Mapping[str, Any]) -> HistoryOptions:
    """Return what `options_write` wrote."""
    start = document["start"]
    moment = datetime.fromisoformat(start) if start else None
    return HistoryOptions(**(dict(document) | {"start": moment}))


@handler(TOPIC, queue=REPLAY_QUEUE)
def response_import_handle(payload: Mapping[str, Any], *, now: datetime) -> None:
    """Carry out the job that an outbox entry names."""
    del now  # a long import needs the clock for its lease
    response_import_run(str(payload["job"]), clock=now_utc)


def response_import_run(job_uuid: str, *, clock: Clock) -> bool:
    """Claim a job and carry it out; return False when it is somebody else's or finished."""
    job = JOBS.claim(job_uuid, clock=clock)
    if job is None:
        return False
    _Run(job, clock).carry_out()
    return True


class _Run(JobRun[ResponseImport]):
    """One worker's attempt at one job."""

    def expected(self) -> str:
        """Say what the file should have been."""
        return _("a log that can be imported")

    def work(self, by: User) -> None:
        """Import; the lease is kept while a log of a million rows is read and checked."""
        with lease_kept(
            lambda: self.held.update(lease_until=self.clock() + LEASE),
            every_seconds=RENEW_SECONDS,
        ):
            result = self._import(by)
        if not self.end(ImportStatus.DONE, result=result_write(result), notes=list(result.notes)):
            raise LostLeaseError

    def _import(self, by: User) -> HistoryResult:
        job = self.job
        # Asked again: a class may have been taken from its teacher since.
        import_course_check(
            by,
            course_key=job.course_key,
            classroom=job.classroom,
            is_creating_content=job.is_creating_content,
        )
        history = history_read(
            Path(job.file.path),
            name=job.filename,
            options=options_read(job.options),
            now=self.clock(),
            faults_most=ROWS_MOST,
            bytes_most=UNPACKED_TIMES * settings.MAX_UPLOAD_BYTES,
            progress=lambda share, stage: self.tell(READING_SHARE * share, stage),
        )
        return history_import(
            history,
            course_key=job.course_key,
            is_creating_content=job.is_creating_content,
            classroom=job.classroom,
            mapping=mapping_read(job.mapping),
            learners_within=learners_of_teacher(by),
            by=by,
            now=self.clock(),
            is_dry_run=job.is_dry_run,
            progress=lambda share, stage: self.tell(
                READING_SHARE + (1 - READING_SHARE) * share, stage
            ),
        )

    def end(self, status: ImportStatus, **values: Any) -> bool:
        """End the job; what names learners goes, but for the dry run that may be applied."""
        has_ended = super().end(status, **values)
        if has_ended and not (self.job.is_dry_run and status == ImportStatus.DONE):
            upload_delete(self.job)
            names_forget(self.job)
        return has_ended


def upload_delete(job: ResponseImport) -> None:
    """Delete a job's file, which other jobs may have come from; safe to call twice."""
    name = job.file.name
    if name:
        job.file.storage.delete(name)


def names_forget(job: ResponseImport) -> None:
    """Forget whom the log's ids stood for: whoever is erased later must not stay named here."""
    ResponseImport.objects.filter(pk=job.pk).update(mapping={})


def response_imports_reap(*, now: datetime) -> int:
    """Promise again what a dead worker held, fail what broke too often; return how many."""
    message = _(
        "The import broke off {count} times, so it was given up. What it had written stays; the "
        "same log again adds the rest. Please ask whoever runs the site to look at the worker's "
        "log."
    ).format(count=ATTEMPTS_MAX)
    return JOBS.reap(message, now=now, on_fail=_given_up)


def _given_up(job: ResponseImport) -> None:
    upload_delete(job)
    names_forget(job)


def uploads_clear(*, now: datetime) -> int:
    """Delete the logs of dry runs that nobody applied within a week; return of how many jobs."""
    old = ResponseImport.objects.filter(finished_at__lt=now - KEPT).exclude(file="")
    count = 0
    for job in old.only("pk", "file"):
        upload_delete(job)
        names_forget(job)
        ResponseImport.objects.filter(pk=job.pk).update(file="")
        count += 1
    return count
