"""Small PSI-KT fits through the service: real ones, of a few steps."""

from datetime import datetime
from typing import Any

from tests.tutor.tracing.logs import serving, work_off
from tutor.content.models import Course
from tutor.tracing.fits import fit_execute, fit_request
from tutor.tracing.models import FitRun, FitStatus, ModelVersion, VersionStatus
from tutor.tracing.promotion import promotion_start

# Enough to move from the start, and done within a second.
SMALL = {"steps": 8, "fit_particles": 4, "embedding": 4}


def psi_kt_run(
    course: Course, now: datetime, *, name: str = "psi_kt_extended", **config: Any
) -> FitRun:
    """Fit PSI-KT as a worker would, from claim to end."""
    run = fit_request(course, model_name=name, by=None, now=now, config=SMALL | config)
    done = fit_execute(run.pk, clock=lambda: now, is_threaded=False)
    assert done is not None
    assert done.status == FitStatus.DONE, done.reason
    return done


def psi_kt_serving(course: Course, now: datetime, **settings: Any) -> ModelVersion:
    """Fit PSI-KT and make it serve, whatever the rule says of so small a fit."""
    version = psi_kt_run(course, now, **settings).version
    work_off(now)
    version.refresh_from_db()
    if version.status != VersionStatus.SERVING:
        promotion_start(version, by=None, now=now)
        work_off(now)
    assert serving(course) == version
    return serving(course)
