"""Which fit a refit begins with."""

import logging
from datetime import datetime

from tutor.content.models import Course
from tutor.tracing import engine, engine_fit
from tutor.tracing.models import FitRun, FitTrigger, ModelVersion, VersionStatus

logger = logging.getLogger(__name__)


def start_version(course: Course, model_name: str, role: str, trigger: str) -> ModelVersion | None:
    """Return the version that a refit which nobody asked for begins with; by hand it is afresh."""
    if trigger == FitTrigger.HAND or not engine_fit.can_start_from_fit(model_name):
        return None
    return (
        ModelVersion.objects.filter(
            course=course, role=role, model_name=model_name, status=VersionStatus.SERVING
        )
        .exclude(artifact="")
        .first()
    )


def start_of(run: FitRun, export: engine_fit.Export) -> engine_fit.AnyFittedTracer | None:
    """Return the fit that this one begins with, or None, which is then noted on the run.

    Where history came in late, what the earlier fit learned from can be among this one's test
    answers: it would be tested on what it has seen.
    """
    version = run.start_version
    if version is None:
        return None
    later_from = version.metrics.get("test", {}).get("later_from")
    if later_from and datetime.fromisoformat(later_from) <= export.later_from:
        try:
            return engine.tracer(version)
        except engine.KTModelsError:
            logger.exception("version %s cannot be loaded to start from", version.pk)
    logger.info("fit %s begins afresh, not from version %s", run.pk, version.pk)
    FitRun.objects.filter(pk=run.pk).update(start_version=None)
    return None
