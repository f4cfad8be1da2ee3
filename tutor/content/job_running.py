"""What every import of a file shares: it is kept, promised, claimed by one worker, and ends once.

A worker claims a job by a compare-and-set on its lease and renews the lease with the progress it
writes; only the attempt that holds the job may write to it. A job whose worker died is promised
again, and given up after three attempts.
"""

import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from django.core.files.base import File
from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext as _

from tutor.accounts.models import User
from tutor.accounts.services import audit_record
from tutor.common.clock import Clock
from tutor.common.errors import TutorError
from tutor.common.models import OutboxEntry
from tutor.common.outbox import outbox_add
from tutor.content.errors import RowError
from tutor.content.models import ImportStatus, UploadJob

logger = logging.getLogger(__name__)

Job = TypeVar("Job", bound=UploadJob)

LEASE = timedelta(seconds=45)
HEARTBEAT = timedelta(seconds=1)
ATTEMPTS_MAX = 3
# Queued for so long that the outbox must have lost it.
QUEUE_GRACE = timedelta(minutes=2)
NAME_LENGTH = 255
OPEN = (ImportStatus.QUEUED, ImportStatus.RUNNING)


class LostLeaseError(Exception):
    """Another worker took the job over."""


class UploadJobs(Generic[Job]):
    """The jobs of one kind: their model, the outbox's topic, and their name in the audit log."""

    def __init__(self, model: type[Job], *, topic: str, audited_as: str) -> None:
        self._model = model
        self._topic = topic
        self._audited_as = audited_as

    @property
    def _rows(self) -> QuerySet[Job]:
        return self._model._default_manager.all()

    def keep(self, job: Job, file: File[Any], *, by: User, now: datetime) -> Job:
        """Keep an upload with a new job, and promise the job."""
        digest = hashlib.sha256()
        for chunk in file.chunks():
            digest.update(chunk)
        file.seek(0)
        job.created_by, job.created_at = by, now
        job.filename = (file.name or "upload").rpartition("/")[2][-NAME_LENGTH:]
        job.sha256 = digest.hexdigest()
        with transaction.atomic():
            # The stored name is ours: nothing of the uploader's reaches the file system.
            job.file.save(f"{job.uuid}.upload", file, save=False)
            job.save()
            self.promise(job, by=by, now=now)
        return job

    def apply(self, dry_run: Job, again: Job, *, by: User, now: datetime) -> Job:
        """Promise `again`, the real import of a dry run's file; or give the one under way.

        Raises:
            TutorError: code `import_not_clean` when the dry run is none, or did not go through;
                `import_under_way` when somebody else's import of it runs.
        """
        dry_run_check(dry_run)
        again.created_by, again.created_at, again.is_dry_run = by, now, False
        again.dry_run_of = dry_run
        again.filename, again.sha256 = dry_run.filename, dry_run.sha256
        again.file = dry_run.file.name
        try:
            with transaction.atomic():
                again.save()
                self.promise(again, by=by, now=now)
        except IntegrityError:
            # Somebody was quicker by a click.
            first = self._rows.filter(dry_run_of=dry_run).order_by("-pk").first()
            if first is None:
                raise
            if first.created_by_id != by.pk and not by.is_administrator:
                # Their page would not show it.
                raise TutorError(
                    _("Somebody else is applying this already."), code="import_under_way"
                ) from None
            return first
        return again

    def promise(self, job: Job, *, by: User, now: datetime) -> None:
        """Have a worker carry a job out; call in the transaction that makes the job."""
        outbox_add(self._topic, {"job": str(job.uuid)}, now=now)
        audit_record(
            by,
            action=f"{self._audited_as}_start",
            object_kind=self._audited_as,
            object_id=str(job.uuid),
            detail={"is_dry_run": job.is_dry_run, "sha256": job.sha256},
            now=now,
        )

    def claim(self, job_uuid: str, *, clock: Clock) -> Job | None:
        """Take a job that nobody else has; None when it is somebody else's or has ended."""
        now = clock()
        free = Q(status=ImportStatus.QUEUED) | Q(status=ImportStatus.RUNNING, lease_until__lte=now)
        claimed = self._rows.filter(free, uuid=job_uuid, attempts__lt=ATTEMPTS_MAX).update(
            status=ImportStatus.RUNNING,
            lease_until=now + LEASE,
            attempts=F("attempts") + 1,
            stage="reading",
            progress=0.0,
        )
        return self._rows.select_related("created_by").get(uuid=job_uuid) if claimed else None

    def reap(
        self, message: str, *, now: datetime, on_fail: Callable[[Job], None] | None = None
    ) -> int:
        """Promise again what a dead worker held, fail what broke too often; return how many.

        `message` says that the job was given up, and what became of its work.
        """
        stale = self._rows.filter(
            Q(status=ImportStatus.RUNNING, lease_until__lte=now)
            | Q(status=ImportStatus.QUEUED, created_at__lte=now - QUEUE_GRACE)
        )
        count = 0
        for job in stale.only("pk", "uuid", "attempts", "status", "file"):
            with transaction.atomic():
                if job.attempts < ATTEMPTS_MAX:
                    self._promise_again(job, now=now)
                elif self._fail(job, message, now=now) and on_fail is not None:
                    on_fail(job)
            count += 1
        return count

    def _fail(self, job: Job, message: str, *, now: datetime) -> bool:
        held = self._rows.filter(
            pk=job.pk, status=ImportStatus.RUNNING, attempts=job.attempts, lease_until__lte=now
        )
        ended = held.update(
            status=ImportStatus.FAILED,
            stage="",
            finished_at=now,
            lease_until=None,
            result={"message": message, "code": "broke_off"},
        )
        return bool(ended)

    def _promise_again(self, job: Job, *, now: datetime) -> None:
        payload: Mapping[str, Any] = {"job": str(job.uuid)}
        if not OutboxEntry.objects.filter(topic=self._topic, payload=payload, attempts=0).exists():
            outbox_add(self._topic, payload, now=now)


def dry_run_check(job: UploadJob) -> None:
    """Refuse to apply what is no dry run that went through.

    Raises:
        TutorError: code `import_not_clean`.
    """
    if not (job.is_dry_run and job.status == ImportStatus.DONE):
        raise TutorError(
            _("Only a dry run that went through can be applied; start a new import."),
            code="import_not_clean",
        )


class JobRun(Generic[Job]):
    """One worker's attempt at one job; a kind of import says how it works and what it expects."""

    def __init__(self, job: Job, clock: Clock) -> None:
        self.job = job
        self.clock = clock
        self.notes: tuple[str, ...] = ()
        self._told_at = clock()
        attempt = type(job)._default_manager.filter(pk=job.pk, attempts=job.attempts)
        # Only the attempt that holds the job may write to it.
        self.held: QuerySet[Job] = attempt.filter(status=ImportStatus.RUNNING)

    def work(self, by: User) -> None:
        """Import with the rights of whoever started it, and end the job."""
        raise NotImplementedError

    def expected(self) -> str:
        """Say what the file should have been."""
        raise NotImplementedError

    def carry_out(self) -> None:
        """Work; leave the job refused, done, or for another try."""
        try:
            by = self.job.created_by
            if by is None:
                # Nobody's rights are left; without a name it would pass for the command line.
                raise TutorError(
                    _("Whoever started this has no account any more, so it was not carried out."),
                    code="nobodys",
                )
            self.work(by)
        except LostLeaseError:
            logger.warning("import %s was taken over; this attempt ends", self.job.uuid)
        except TutorError as error:
            rows: Sequence[RowError] = getattr(error, "rows", ()) or [
                RowError(self.job.filename, "", "", self.expected(), error.message)
            ]
            self.refuse(error, rows)
        except Exception:
            logger.exception("import %s broke off (attempt %s)", self.job.uuid, self.job.attempts)
            # What broke may be gone at the next try: a locked database, a full disk.
            self.held.update(lease_until=self.clock(), stage="waiting for another try")

    def tell(
        self, share: float, stage: str, *, lease: timedelta = LEASE, is_due: bool = False
    ) -> None:
        """Write progress and renew the lease, at most once a second but where `is_due`.

        Raises:
            LostLeaseError: when another worker has the job.
        """
        now = self.clock()
        if now - self._told_at < HEARTBEAT and not is_due:
            return
        self._told_at = now
        if not self.held.update(progress=share, stage=stage, lease_until=now + lease):
            raise LostLeaseError

    def refuse(self, error: TutorError, rows: Sequence[RowError]) -> None:
        """End the job with what is wrong, and with what was noted until then."""
        self.end(
            ImportStatus.REFUSED,
            result={"message": error.message, "code": error.code},
            errors=[row.as_dict() for row in rows],
            notes=list(self.notes),
        )

    def end(self, status: ImportStatus, **values: Any) -> bool:
        """End the job; False when another worker has it."""
        ended = self.held.update(
            status=status,
            stage="",
            progress=1.0,
            finished_at=self.clock(),
            lease_until=None,
            **values,
        )
        return bool(ended)
