"""Fits: asked for, claimed by lease, run with a heartbeat, tested, saved as a version."""

import hashlib
import json
import logging
import platform
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import IntegrityError, InterfaceError, OperationalError, transaction
from django.db.models import Count, F, Q
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from tutor.accounts.models import User
from tutor.accounts.services import audit_record
from tutor.common.clock import Clock
from tutor.common.errors import TutorError
from tutor.common.outbox import outbox_add
from tutor.content.models import Course, EdgeKind, Prerequisite
from tutor.responses.exports import erased_id, erased_keys, observations_export
from tutor.responses.models import Response
from tutor.tracing import engine, engine_fit
from tutor.tracing.fit_warming import start_of, start_version
from tutor.tracing.heartbeat import LEASE, FitStopError, Heartbeat
from tutor.tracing.judging import promotion_judge
from tutor.tracing.models import (
    FitRun,
    FitStatus,
    FitTrigger,
    ModelRole,
    ModelVersion,
    VersionStatus,
)
from tutor.tracing.promotion import promotion_start

logger = logging.getLogger(__name__)

FIT_TOPIC = "fit"
OBSERVATIONS_MIN = 200
LEARNERS_MIN = 5
ATTEMPTS_MAX = 3
ACTIVE = (FitStatus.QUEUED, FitStatus.RUNNING)


@transaction.atomic
def fit_request(
    course: Course,
    *,
    model_name: str,
    role: str = ModelRole.MASTERY,
    trigger: str = FitTrigger.HAND,
    by: User | None,
    now: datetime,
    config: Mapping[str, Any] | None = None,
    seed: int = 0,
) -> FitRun:
    """Ask for a fit; a worker of the `fit` queue takes it.

    Raises:
        TutorError: code `unknown_model`, `too_little_data` or `fit_active`.
    """
    if model_name not in engine_fit.model_names():
        known = ", ".join(engine_fit.model_names())
        raise TutorError(
            _("No model is called '{name}'; known are {known}.").format(
                name=model_name, known=known
            ),
            code="unknown_model",
        )
    counts = Response.objects.filter(course=course, is_observation=True).aggregate(
        n=Count("id"),
        learners=Count("learner", distinct=True),
        erased=Count("erased_key", distinct=True),
    )
    n_learners = counts["learners"] + counts["erased"]
    if counts["n"] < OBSERVATIONS_MIN or n_learners < LEARNERS_MIN:
        raise TutorError(
            _(
                "A fit needs at least {n_min} first answers of {learners_min} learners; "
                "there are {n} of {learners} so far. Until then default parameters serve."
            ).format(
                n_min=OBSERVATIONS_MIN,
                learners_min=LEARNERS_MIN,
                n=counts["n"],
                learners=n_learners,
            ),
            code="too_little_data",
        )
    settled = dict(config or {})
    try:
        with transaction.atomic():
            run = FitRun.objects.create(
                course=course,
                model_name=model_name,
                role=role,
                trigger=trigger,
                requested_by=by,
                requested_at=now,
                config=settled,
                config_hash=_hash(settled),
                start_version=start_version(course, model_name, role, trigger),
                seed=seed,
                cutoff=now,
            )
    except IntegrityError as error:
        raise TutorError(
            _("A fit of {name} on this course is waiting or running already.").format(
                name=model_name
            ),
            code="fit_active",
        ) from error
    audit_record(
        by,
        action="fit_request",
        object_kind="fit",
        object_id=str(run.uuid),
        detail={"model": model_name, "trigger": trigger},
        now=now,
    )
    outbox_add(FIT_TOPIC, {"fit_id": run.pk}, now=now)
    return run


def _hash(config: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()


def fit_cancel(run: FitRun, *, by: User, now: datetime) -> bool:
    """Stop a fit: at once where it waits, at its next progress where it runs."""
    stopped = FitRun.objects.filter(pk=run.pk, status=FitStatus.QUEUED).update(
        status=FitStatus.CANCELLED, finished_at=now, reason=_("Cancelled while waiting.")
    )
    asked = FitRun.objects.filter(pk=run.pk, status=FitStatus.RUNNING).update(
        is_cancel_requested=True
    )
    if stopped or asked:
        audit_record(by, action="fit_cancel", object_kind="fit", object_id=str(run.uuid), now=now)
    return bool(stopped or asked)


def fits_due(*, now: datetime) -> list[int]:
    """Return the fits that no worker holds: lost messages, and leases that ran out."""
    waiting = Q(status=FitStatus.QUEUED, requested_at__lt=now - LEASE)
    lost = Q(status=FitStatus.RUNNING, lease_until__lt=now)
    return list(FitRun.objects.filter(waiting | lost).values_list("pk", flat=True))


def fits_give_up(*, now: datetime) -> int:
    """End the fits whose workers died too often."""
    return FitRun.objects.filter(
        status=FitStatus.RUNNING, lease_until__lt=now, attempts__gte=ATTEMPTS_MAX
    ).update(
        status=FitStatus.FAILED,
        finished_at=now,
        reason=_("Its worker died {n} times, so it is not tried again.").format(n=ATTEMPTS_MAX),
    )


def fit_claim(fit_id: int, *, now: datetime) -> FitRun | None:
    """Take a fit that nobody holds; None when somebody does or it has ended."""
    is_free = Q(status=FitStatus.QUEUED) | Q(status=FitStatus.RUNNING, lease_until__lt=now)
    free = FitRun.objects.filter(is_free, pk=fit_id, attempts__lt=ATTEMPTS_MAX)
    # To name the device, torch is loaded: not for an offer that comes twice.
    if not free.exists():
        return None
    taken = free.update(
        status=FitStatus.RUNNING,
        lease_until=now + LEASE,
        attempts=F("attempts") + 1,
        started_at=Coalesce(F("started_at"), now),
        worker=platform.node()[:120],
        device=engine.device_name()[:20],
        code_version=engine_fit.code_version()[:40],
    )
    return (
        FitRun.objects.select_related("course", "start_version").get(pk=fit_id) if taken else None
    )


def fit_execute(fit_id: int, *, clock: Clock, is_threaded: bool = True) -> FitRun | None:
    """Run a fit from claim to end; None when it is not to be had.

    Ends it DONE, FAILED or CANCELLED. What can pass later (a locked database, a full disk that is
    emptied) is left to its lease, and taken up again.
    """
    run = fit_claim(fit_id, now=clock())
    if run is None:
        return None
    with Heartbeat(run, clock=clock, is_threaded=is_threaded) as heart:
        try:
            _fit(run, heart, clock=clock)
        except FitStopError as stop:
            _end(run, stop.status, stop.reason, now=clock())
        except engine_fit.KTModelsError as error:
            _end(run, FitStatus.FAILED, str(error), now=clock())
        except (OperationalError, InterfaceError):
            logger.exception("fit %s is left to its lease", run.pk)
        except Exception as error:
            logger.exception("fit %s failed", run.pk)
            _end(run, FitStatus.FAILED, f"{type(error).__name__}: {error}", now=clock())
    checkpoints_clear()
    run.refresh_from_db()
    return run


def checkpoints_clear() -> int:
    """Delete what ended fits of this machine could have gone on from; return of how many."""
    n_deleted = 0
    for directory in _checkpoints_dir().glob("*"):
        # Looked up one by one: a fit that begins meanwhile is found.
        if not FitRun.objects.filter(uuid=directory.name, status__in=ACTIVE).exists():
            shutil.rmtree(directory, ignore_errors=True)
            n_deleted += 1
    return n_deleted


def _checkpoints_dir() -> Path:
    return models_dir() / "checkpoints"


def _end(run: FitRun, status: FitStatus, reason: str, *, now: datetime) -> None:
    FitRun.objects.filter(pk=run.pk, status=FitStatus.RUNNING, attempts=run.attempts).update(
        status=status, reason=reason[:500], finished_at=now, lease_until=None
    )


def _fit(run: FitRun, heart: Heartbeat, *, clock: Clock) -> None:
    heart.progress(0.0, _("Reading the responses"))
    learners = _learners(run.course)
    export = engine_fit.export_build(
        observations_export(run.course, until=run.cutoff, is_with_erased=True),
        held_out={pk for pk, learner in learners.items() if learner.is_held_out},
    )
    FitRun.objects.filter(pk=run.pk).update(
        n_learners=export.data.n_learners,
        n_observations=export.data.n_responses,
        last_response_id=export.last_response_id,
    )
    began = clock()
    fitted = engine_fit.model_fit(
        run.model_name,
        run.config,
        export,
        seed=run.seed,
        progress=lambda share, message: heart.progress(0.05 + 0.75 * share, message),
        checkpoint=_checkpoints_dir() / str(run.uuid),
        prerequisites=_prerequisites(run.course),
        start=start_of(run, export),
    )
    fit_seconds = (clock() - began).total_seconds()
    heart.progress(0.8, _("Testing beside the serving version"))
    metrics = engine_fit.backtest(
        fitted,
        export,
        against=_against(run),
        groups={pk: learner.group for pk, learner in learners.items()},
        seed=run.seed,
    )
    heart.progress(0.95, _("Saving"))
    version = ModelVersion(
        course=run.course,
        model_name=run.model_name,
        role=run.role,
        metrics=metrics,
        fit_run=run,
        created_at=clock(),
    )
    version.artifact = f"{run.course.uuid}/{version.uuid}"
    version.sha256 = engine_fit.model_save(fitted, models_dir() / version.artifact)
    verdict = promotion_judge(metrics)
    version.reason = verdict.reason[:500]
    _version_keep(
        run,
        version,
        is_promotable=verdict.is_promotable,
        fit_seconds=fit_seconds,
        peak_mib=heart.peak_mib,
        now=clock(),
    )


def _prerequisites(course: Course) -> list[tuple[int, int]]:
    """Return the course's (parent, child) pairs, which a model may take as a prior."""
    # A worker's course may be older than the content: what counts is what is there now.
    edges = Prerequisite.objects.filter(course=course, kind=EdgeKind.PREREQUISITE)
    return sorted(edges.values_list("from_skill_id", "to_skill_id"))


@dataclass(frozen=True, slots=True)
class _Learner:
    """How a fit treats a learner: kept for testing or not, and in which group of the test."""

    is_held_out: bool
    group: str


def _learners(course: Course) -> dict[int, _Learner]:
    """Return the learners of a course by the ids of its export, the erased ones too."""
    known = (
        User.objects.filter(responses__course=course)
        .distinct()
        .values_list("pk", "uuid", "is_simulated")
    )
    learners = {
        pk: _Learner(engine_fit.is_held_out(uuid), "simulated" if is_simulated else "people")
        for pk, uuid, is_simulated in known
    }
    for key in erased_keys(course):
        learners[erased_id(key)] = _Learner(engine_fit.is_held_out(key), "erased")
    return learners


def _against(run: FitRun) -> dict[str, Any]:
    """Return what to compare with: the version that serves the role, else the mastery version."""
    for role in (run.role, ModelRole.MASTERY):
        serving = ModelVersion.objects.filter(
            course=run.course, role=role, status=VersionStatus.SERVING
        ).first()
        if serving is not None:
            try:
                return {f"serving {serving.model_name}": engine.tracer(serving)}
            except engine.KTModelsError:
                logger.exception("version %s cannot be loaded to compare with", serving.pk)
    return {"cold start": None}


def _version_keep(
    run: FitRun,
    version: ModelVersion,
    *,
    is_promotable: bool,
    fit_seconds: float,
    peak_mib: float,
    now: datetime,
) -> None:
    """Store the version, end the fit and begin the promotion, if this worker still holds it."""
    try:
        with transaction.atomic():
            ended = FitRun.objects.filter(
                pk=run.pk, status=FitStatus.RUNNING, attempts=run.attempts
            ).update(
                status=FitStatus.DONE,
                progress=1.0,
                stage="",
                fit_seconds=fit_seconds,
                peak_mib=peak_mib,
                finished_at=now,
                lease_until=None,
            )
            if not ended:
                raise FitStopError(FitStatus.FAILED, _("Another worker took the fit."))
            version.save()
            # All or nothing: a worker killed in between would leave a good version unpromoted.
            if is_promotable:
                promotion_start(version, by=run.requested_by, now=now)
    except BaseException:
        shutil.rmtree(models_dir() / version.artifact, ignore_errors=True)
        raise


def models_dir() -> Path:
    """Return where artifacts are kept."""
    return Path(settings.VAR_DIR) / "models"
