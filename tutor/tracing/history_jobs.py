"""Imports of response logs as jobs: an upload is kept, a worker carries it out, whatever dies.

Everything is checked before anything is written. Writing goes in parts of some ten thousand
responses, each in a transaction of its own; a job that broke off is taken up again and adds what is
missing. The upload and the mapping, which name learners, are deleted when their job has ended for
good.
"""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.base import File
from django.db import transaction
from django.db.models import F, Q
from django.utils.translation import gettext as _

from tutor.accounts.models import User
from tutor.accounts.services import audit_record
from tutor.common.clock import Clock, now_utc
from tutor.common.errors import TutorError
from tutor.common.leases import lease_kept
from tutor.common.models import OutboxEntry
from tutor.common.outbox import REPLAY_QUEUE, handler, outbox_add
from tutor.content.errors import RowError
from tutor.content.models import ImportStatus
from tutor.roster.models import Classroom
from tutor.roster.selectors import learners_of_teacher
from tutor.tracing.history_import import HistoryResult, history_import
from tutor.tracing.history_mapping import NO_MAPPING, IdMapping, mapping_read
from tutor.tracing.history_reach import import_course_check
from tutor.tracing.history_reading import HistoryOptions, history_read
from tutor.tracing.models import ResponseImport

logger = logging.getLogger(__name__)

TOPIC = "response-import"
LEASE = timedelta(seconds=45)
RENEW_SECONDS = 15.0
TELL_EVERY = timedelta(seconds=1)
ATTEMPTS_MAX = 3
# Queued for so long that the outbox must have lost it.
QUEUE_GRACE = timedelta(minutes=2)
KEPT = timedelta(days=7)
ROWS_MOST = 1000
READING_SHARE = 0.3
# A text packs to a tenth or so; what unpacks to more than this is no log of a school.
UNPACKED_TIMES = 20


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
    digest = hashlib.sha256()
    for chunk in file.chunks():
        digest.update(chunk)
    file.seek(0)
    name = (file.name or "upload").rpartition("/")[2][-255:]
    with transaction.atomic():
        job = ResponseImport(
            created_by=by,
            created_at=now,
            course_key=course_key,
            classroom=classroom,
            options=options_write(options),
            mapping=mapping.as_dict(),
            is_creating_content=is_creating_content,
            is_dry_run=is_dry_run,
            filename=name,
            sha256=digest.hexdigest(),
        )
        # The stored name is ours: nothing of the uploader's reaches the file system.
        job.file.save(f"{job.uuid}.upload", file, save=False)
        job.save()
        _promise(job, by=by, now=now)
    return job


def response_import_apply(job: ResponseImport, *, by: User, now: datetime) -> ResponseImport:
    """Start the real import of a log whose dry run went through.

    Raises:
        TutorError: code `import_not_clean` when there is no such dry run, or `upload_gone`.
    """
    if not (job.is_dry_run and job.status == ImportStatus.DONE):
        raise TutorError(
            _("Only a dry run that went through can be applied; start a new import."),
            code="import_not_clean",
        )
    if not (job.file and job.file.storage.exists(job.file.name)):
        raise TutorError(_("The file is no longer kept; send it again."), code="upload_gone")
    with transaction.atomic():
        again = ResponseImport.objects.create(
            created_by=by,
            created_at=now,
            course_key=job.course_key,
            classroom=job.classroom,
            options=job.options,
            mapping=job.mapping,
            is_creating_content=job.is_creating_content,
            is_dry_run=False,
            filename=job.filename,
            file=job.file.name,
            sha256=job.sha256,
        )
        _promise(again, by=by, now=now)
    return again


def options_write(options: HistoryOptions) -> dict[str, Any]:
    """Return how a log is to be read as JSON has it."""
    start = options.start.isoformat() if options.start else None
    return asdict(options) | {"start": start}


def options_read(document: Mapping[str, Any]) -> HistoryOptions:
    """Return what `options_write` wrote."""
    start = document["start"]
    moment = datetime.fromisoformat(start) if start else None
    return HistoryOptions(**(dict(document) | {"start": moment}))


def _promise(job: ResponseImport, *, by: User, now: datetime) -> None:
    outbox_add(TOPIC, {"job": str(job.uuid)}, now=now)
    audit_record(
        by,
        action="response_import_start",
        object_kind="response_import",
        object_id=str(job.uuid),
        detail={"is_dry_run": job.is_dry_run, "sha256": job.sha256},
        now=now,
    )


@handler(TOPIC, queue=REPLAY_QUEUE)
def response_import_handle(payload: Mapping[str, Any], *, now: datetime) -> None:
    """Carry out the job that an outbox entry names."""
    del now  # a long import needs the clock for its lease
    response_import_run(str(payload["job"]), clock=now_utc)


def response_import_run(job_uuid: str, *, clock: Clock) -> bool:
    """Claim a job and carry it out; return False when it is somebody else's or finished."""
    now = clock()
    free = Q(status=ImportStatus.QUEUED) | Q(status=ImportStatus.RUNNING, lease_until__lte=now)
    claimed = ResponseImport.objects.filter(free, uuid=job_uuid, attempts__lt=ATTEMPTS_MAX).update(
        status=ImportStatus.RUNNING,
        lease_until=now + LEASE,
        attempts=F("attempts") + 1,
        stage="reading",
        progress=0.0,
    )
    if not claimed:
        return False
    job = ResponseImport.objects.select_related("classroom", "created_by").get(uuid=job_uuid)
    _Run(job, clock).carry_out()
    return True


class _LostLeaseError(Exception):
    """Another worker took the job over."""


class _Run:
    """One worker's attempt at one job."""

    def __init__(self, job: ResponseImport, clock: Clock) -> None:
        self.job = job
        self.clock = clock
        self.told_at = clock()
        # Only the attempt that holds the job may write to it.
        self.held = ResponseImport.objects.filter(
            pk=job.pk, status=ImportStatus.RUNNING, attempts=job.attempts
        )

    def carry_out(self) -> None:
        try:
            with lease_kept(
                lambda: self.held.update(lease_until=self.clock() + LEASE),
                every_seconds=RENEW_SECONDS,
            ):
                result = self._import()
        except _LostLeaseError:
            logger.warning("import %s was taken over; this attempt ends", self.job.uuid)
        except TutorError as error:
            rows: Sequence[RowError] = getattr(error, "rows", ()) or [self._row(error)]
            self._end(
                ImportStatus.REFUSED,
                result={"message": error.message, "code": error.code},
                errors=[row.as_dict() for row in rows],
            )
        except Exception:
            logger.exception("import %s broke off (attempt %s)", self.job.uuid, self.job.attempts)
            # What broke may be gone at the next try: a locked database, a full disk.
            self.held.update(lease_until=self.clock(), stage="waiting for another try")
        else:
            self._end(ImportStatus.DONE, result=result_write(result), notes=list(result.notes))

    def _import(self) -> HistoryResult:
        job = self.job
        if job.created_by is None:
            # Nobody's rights are left to act by.
            raise TutorError(
                _("Whoever started this has no account any more, so it was not carried out."),
                code="nobodys",
            )
        # Asked again: a class may have been taken from its teacher since.
        import_course_check(
            job.created_by,
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
            progress=lambda share, stage: self._tell(READING_SHARE * share, stage),
        )
        return history_import(
            history,
            course_key=job.course_key,
            is_creating_content=job.is_creating_content,
            classroom=job.classroom,
            mapping=mapping_read(job.mapping),
            learners_within=learners_of_teacher(job.created_by),
            by=job.created_by,
            now=self.clock(),
            is_dry_run=job.is_dry_run,
            progress=lambda share, stage: self._tell(
                READING_SHARE + (1 - READING_SHARE) * share, stage
            ),
        )

    def _tell(self, share: float, stage: str) -> None:
        """Write progress and renew the lease, at most once a second."""
        now = self.clock()
        if now - self.told_at < TELL_EVERY:
            return
        self.told_at = now
        if not self.held.update(progress=share, stage=stage, lease_until=now + LEASE):
            raise _LostLeaseError

    def _row(self, error: TutorError) -> RowError:
        return RowError(self.job.filename, "", "", _("a log that can be imported"), error.message)

    def _end(self, status: ImportStatus, **values: Any) -> None:
        ended = self.held.update(
            status=status,
            stage="",
            progress=1.0,
            finished_at=self.clock(),
            lease_until=None,
            **values,
        )
        if ended and not (self.job.is_dry_run and status == ImportStatus.DONE):
            upload_delete(self.job)
            names_forget(self.job)


def result_write(result: HistoryResult) -> dict[str, Any]:
    """Return what an import added, or would add, as JSON has it."""
    written = asdict(result)
    del written["notes"]
    return written | {
        "first_at": result.first_at.isoformat(),
        "last_at": result.last_at.isoformat(),
    }


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
    stale = ResponseImport.objects.filter(
        Q(status=ImportStatus.RUNNING, lease_until__lte=now)
        | Q(status=ImportStatus.QUEUED, created_at__lte=now - QUEUE_GRACE)
    )
    count = 0
    for job in stale.only("pk", "uuid", "attempts", "status", "file"):
        with transaction.atomic():
            if job.attempts >= ATTEMPTS_MAX:
                _fail(job, now=now)
            else:
                _promise_again(job, now=now)
        count += 1
    return count


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


def _fail(job: ResponseImport, *, now: datetime) -> None:
    message = _(
        "The import broke off {count} times, so it was given up. What it had written stays; the "
        "same log again adds the rest. Please ask whoever runs the site to look at the worker's "
        "log."
    ).format(count=ATTEMPTS_MAX)
    ended = ResponseImport.objects.filter(
        pk=job.pk, status=ImportStatus.RUNNING, attempts=job.attempts, lease_until__lte=now
    ).update(
        status=ImportStatus.FAILED,
        stage="",
        finished_at=now,
        lease_until=None,
        result={"message": message, "code": "broke_off"},
    )
    if ended:
        upload_delete(job)
        names_forget(job)


def _promise_again(job: ResponseImport, *, now: datetime) -> None:
    payload = {"job": str(job.uuid)}
    if not OutboxEntry.objects.filter(topic=TOPIC, payload=payload, attempts=0).exists():
        outbox_add(TOPIC, payload, now=now)
