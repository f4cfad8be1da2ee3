"""Drift: how well a serving version predicts the answers that came after its fit."""

import logging
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.cache import cache
from django.db import transaction
from django.db.models import Max

from tutor.accounts.models import User
from tutor.accounts.services import audit_record
from tutor.common.clock import days_since_epoch
from tutor.common.outbox import REPLAY_QUEUE, handler, outbox_add
from tutor.content.models import Course
from tutor.responses.exports import observations_export
from tutor.responses.models import Response
from tutor.tracing import engine, engine_fit
from tutor.tracing.models import ModelVersion, VersionStatus

logger = logging.getLogger(__name__)

TOPIC = "drift-measure"
WINDOWS_DAYS = (7, 28)
# Whoever answered last is measured; more would say little more and take minutes.
LEARNERS_MOST = 300
# With less a log loss says nothing.
RESPONSES_LEAST = 50
LEARNERS_LEAST = 5
KEPT_SECONDS = 60 * 86_400


@dataclass(frozen=True, slots=True)
class DriftWindow:
    """Log loss on the answers of the last days, with its 95 % interval over learners."""

    days: int
    n_responses: int
    n_learners: int
    log_loss: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Drift:
    """What a measurement of one version found."""

    measured_at: datetime
    is_sampled: bool
    windows: tuple[DriftWindow, ...]


def drift_measure(version: ModelVersion, *, now: datetime) -> Drift:
    """Predict each recent answer from those before it, score, and keep the figures for the page.

    Answers up to the fit's cutoff do not count: the version may have seen them.

    Raises:
        KTModelsError: when the version cannot be loaded.
    """
    since = now - timedelta(days=max(WINDOWS_DAYS))
    cutoff = version.fit_run.cutoff if version.fit_run is not None else None
    if cutoff is not None:
        since = max(since, cutoff)
    recent = list(
        Response.objects.filter(
            course_id=version.course_id,
            is_observation=True,
            learner__isnull=False,
            answered_at__gt=since,
            answered_at__lte=now,
        )
        .values("learner_id")
        .annotate(last=Max("answered_at"))
        .order_by("-last", "learner_id")
        .values_list("learner_id", flat=True)[: LEARNERS_MOST + 1]
    )
    windows: tuple[DriftWindow, ...] = ()
    if recent:
        scores = engine_fit.recent_scores(
            engine.tracer(version),
            observations_export(version.course, learner_ids=recent[:LEARNERS_MOST], until=now),
            from_days=[
                max(days_since_epoch(since), days_since_epoch(now - timedelta(days=days)))
                for days in WINDOWS_DAYS
            ],
            n_least=RESPONSES_LEAST,
            learners_least=LEARNERS_LEAST,
        )
        windows = tuple(
            DriftWindow(
                days=days,
                n_responses=score.n_responses,
                n_learners=score.n_learners,
                log_loss=score.log_loss,
                low=score.low,
                high=score.high,
            )
            for days, score in zip(WINDOWS_DAYS, scores, strict=True)
        )
    drift = Drift(measured_at=now, is_sampled=len(recent) > LEARNERS_MOST, windows=windows)
    cache.set(_key(version.pk), asdict(drift), KEPT_SECONDS)
    return drift


def drifts_measure(*, now: datetime, course_id: int | None = None) -> int:
    """Measure every serving version, or one course's; return how many could be."""
    serving = ModelVersion.objects.filter(status=VersionStatus.SERVING)
    if course_id is not None:
        serving = serving.filter(course_id=course_id)
    n_measured = 0
    for version in serving.select_related("course", "fit_run"):
        try:
            drift_measure(version, now=now)
        except engine.KTModelsError:
            logger.exception("version %s cannot be measured", version.pk)
        else:
            n_measured += 1
    return n_measured


@transaction.atomic
def drift_request(course: Course, *, by: User, now: datetime) -> None:
    """Have a worker measure the course's serving versions; a web process loads no torch."""
    audit_record(
        by, action="drift_measure", object_kind="course", object_id=str(course.uuid), now=now
    )
    outbox_add(TOPIC, {"course_id": course.pk}, now=now)


@handler(TOPIC, queue=REPLAY_QUEUE)
def _drift_handler(payload: Mapping[str, Any], *, now: datetime) -> None:
    drifts_measure(now=now, course_id=payload["course_id"])


def drifts_of(version_ids: Collection[int]) -> dict[int, Drift]:
    """Return the last measurements that are kept, by version."""
    kept = cache.get_many([_key(version_id) for version_id in version_ids])
    return {
        version_id: _drift_read(kept[_key(version_id)])
        for version_id in version_ids
        if _key(version_id) in kept
    }


def _drift_read(kept: Mapping[str, Any]) -> Drift:
    return Drift(
        measured_at=kept["measured_at"],
        is_sampled=kept["is_sampled"],
        windows=tuple(DriftWindow(**window) for window in kept["windows"]),
    )


def _key(version_id: int) -> str:
    return f"drift:{version_id}"
