"""The heartbeat of a running fit: keeps its lease, tells its progress, and stops what must stop."""

import logging
import os
import resource
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType

from django.conf import settings
from django.db import Error as DatabaseFailure
from django.db import connection
from django.utils.translation import gettext as _

from tutor.tracing.models import FitRun, FitStatus

logger = logging.getLogger(__name__)

# A killed worker's fit is taken up when this has passed and beat has looked: within a minute.
LEASE = timedelta(seconds=30)
BEAT_SECONDS = 5.0
# A fit that does not listen for so long after it was told to stop takes its process with it.
DEAF_SECONDS = 60.0


class FitStopError(Exception):
    """A fit is to end now, in a status and for a reason."""

    def __init__(self, status: FitStatus, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class Heartbeat:
    """Beats from a thread of its own while a fit runs, whatever the fit is busy with."""

    def __init__(
        self, run: FitRun, *, clock: Callable[[], datetime], is_threaded: bool = True
    ) -> None:
        self.peak_mib = 0.0
        self._run = run
        self._clock = clock
        self._began = time.monotonic()
        self._share, self._stage = 0.0, ""
        self._stop: FitStopError | None = None
        self._stopped_at = 0.0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._loop, daemon=True) if is_threaded else None

    def __enter__(self) -> "Heartbeat":
        if self._thread is not None:
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._done.set()
        if self._thread is not None:
            self._thread.join()

    def progress(self, share: float, stage: str) -> None:
        """Take word of progress from the fit. Raises: FitStopError when the fit is to end."""
        self._share, self._stage = share, stage[:120]
        if self._thread is None:
            self.beat()
        if self._stop is not None:
            raise self._stop

    def beat(self) -> None:
        """Keep the lease, write the progress, and look for a reason to stop."""
        now = self._clock()
        held = FitRun.objects.filter(
            pk=self._run.pk, status=FitStatus.RUNNING, attempts=self._run.attempts
        )
        if not held.update(
            lease_until=now + LEASE,
            progress=self._share,
            stage=self._stage,
            progress_at=now,
        ):
            self._stop_for(FitStatus.FAILED, _("Another worker took the fit, or it was deleted."))
        elif held.filter(is_cancel_requested=True).exists():
            self._stop_for(FitStatus.CANCELLED, _("Cancelled."))
        self._limits()

    def _limits(self) -> None:
        memory_mib = memory_used_mib()
        self.peak_mib = max(self.peak_mib, memory_mib)
        minutes = (time.monotonic() - self._began) / 60
        if memory_mib > settings.FIT_MEMORY_MB:
            self._stop_for(
                FitStatus.FAILED,
                _("It used {used:.0f} MB; the limit is {limit} MB.").format(
                    used=memory_mib, limit=settings.FIT_MEMORY_MB
                ),
            )
        if minutes > settings.FIT_MINUTES:
            self._stop_for(
                FitStatus.FAILED,
                _("It took longer than the limit of {limit} minutes.").format(
                    limit=settings.FIT_MINUTES
                ),
            )

    def _stop_for(self, status: FitStatus, reason: str) -> None:
        if self._stop is None:
            self._stop = FitStopError(status, reason)
            self._stopped_at = time.monotonic()

    def _loop(self) -> None:
        try:
            while not self._done.wait(BEAT_SECONDS):
                try:
                    self.beat()
                except DatabaseFailure:
                    logger.warning("fit %s missed a beat", self._run.pk, exc_info=True)
                    # No request ends here that would do it: a lost connection stays lost otherwise.
                    connection.close()
                self._leave_if_deaf()
        finally:
            connection.close()

    def _leave_if_deaf(self) -> None:
        if self._stop is None or time.monotonic() - self._stopped_at < DEAF_SECONDS:
            return
        try:
            FitRun.objects.filter(
                pk=self._run.pk, status=FitStatus.RUNNING, attempts=self._run.attempts
            ).update(
                status=self._stop.status, reason=self._stop.reason[:500], finished_at=self._clock()
            )
            logger.error("fit %s did not listen and is ended with its process", self._run.pk)
        finally:
            os._exit(1)


def memory_used_mib() -> float:
    """Return this process's memory now, in MiB; its peak where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * resource.getpagesize() / 2**20
    except (OSError, IndexError, ValueError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
