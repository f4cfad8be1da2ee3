"""After each answer: every serving version's state of the learner brought up to the log."""

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from tutor.common.clock import clock_from, days_since_epoch
from tutor.common.outbox import PREDICT_QUEUE, handler
from tutor.responses.models import Response, ResponseSource
from tutor.tracing import engine
from tutor.tracing.lag import lag_note
from tutor.tracing.models import LearnerState, ModelRole, ModelVersion, VersionStatus
from tutor.tracing.predictions import forecasts_make
from tutor.tracing.services import RECORDED_TOPIC, learner_replay

logger = logging.getLogger(__name__)


@handler(RECORDED_TOPIC, queue=PREDICT_QUEUE)
def _recorded_handler(payload: Mapping[str, Any], *, now: datetime) -> None:
    clock = clock_from(now)
    response = Response.objects.filter(pk=payload["response_id"]).select_related("learner").first()
    if response is None or response.learner is None:
        return
    serving = ModelVersion.objects.select_related("course").defer("metrics")
    for version in serving.filter(course_id=response.course_id, status=VersionStatus.SERVING):
        try:
            state_catch_up(version, response.learner.pk, now=now)
        except engine.KTModelsError:
            # The other role's state must not wait for it; `versions_check` goes back from it.
            logger.exception("version %s cannot take response %s", version.pk, response.pk)
    # What came from elsewhere, or was played by a simulator, is dated back: nobody waits for it.
    if response.source != ResponseSource.IMPORTED and not response.learner.is_simulated:
        lag_note((clock() - response.recorded_at).total_seconds(), now=clock())


def state_catch_up(version: ModelVersion, learner_id: int, *, now: datetime) -> None:
    """Advance a state by what the log has and it has not; replay all where that is out of order."""
    if not _is_whole(version, learner_id):
        if _state_advance(version, learner_id, now=now):
            return
        # Or another worker came first.
        if not _is_whole(version, learner_id):
            learner_replay(version, learner_id, now=now)
    if version.role == ModelRole.PREDICTION:
        _forecasts_fill(version, learner_id)


def _is_whole(version: ModelVersion, learner_id: int) -> bool:
    return LearnerState.objects.filter(
        learner_id=learner_id,
        version=version,
        is_stale=False,
        n_observations=_observations(version, learner_id).count(),
    ).exists()


def _forecasts_fill(version: ModelVersion, learner_id: int) -> None:
    """Ask the model for what a replay left out; a page would wait for the next answer else."""
    state = LearnerState.objects.filter(
        learner_id=learner_id,
        version=version,
        is_stale=False,
        forecasts=b"",
        last_at__isnull=False,
    ).first()
    if state is None or state.last_at is None:
        return
    forecasts = forecasts_make(version, bytes(state.blob), learner_id=learner_id, at=state.last_at)
    LearnerState.objects.filter(
        pk=state.pk,
        is_stale=False,
        n_observations=state.n_observations,
        last_response_id=state.last_response_id,
        updated_at=state.updated_at,
    ).update(forecasts=forecasts)


def _observations(version: ModelVersion, learner_id: int) -> QuerySet[Response]:
    return Response.objects.filter(
        learner_id=learner_id, course_id=version.course_id, is_observation=True
    )


def _state_advance(version: ModelVersion, learner_id: int, *, now: datetime) -> bool:
    """Advance a state by the newest rows of the log; False where that is not all that it lacks.

    Written by one statement, if the state is still what the model was told to go on from: nothing
    is locked while the model works.
    """
    state, _made = LearnerState.objects.get_or_create(
        learner_id=learner_id, version=version, defaults={"blob": b"", "updated_at": now}
    )
    # By time, which the index by learner holds: a bound on the number would walk the course's log.
    late = _observations(version, learner_id).select_related("step").order_by("answered_at", "id")
    if state.last_at is not None:
        late = late.filter(answered_at__gte=state.last_at)
    new = [row for row in late if row.pk > state.last_response_id]
    n_observations = state.n_observations + len(new)
    # Rows from before the state's clock are not among them, and are missing in the count.
    if state.is_stale or not new or n_observations != _observations(version, learner_id).count():
        return False
    told = [
        engine.observation_make(
            row.skill_ids,
            item=row.step.key,
            is_correct=row.is_correct,
            at_days=days_since_epoch(row.answered_at),
        )
        for row in new
    ]
    try:
        blob = engine.state_advance(version, state.blob or None, told)
    except engine.StateError as error:
        # Written by other code than this: made anew from the log.
        logger.warning("state %s is made anew from the log: %s", state.pk, error)
        return False
    forecasts = b""
    if version.role == ModelRole.PREDICTION:
        forecasts = forecasts_make(version, blob, learner_id=learner_id, at=new[-1].answered_at)
    return bool(
        LearnerState.objects.filter(
            pk=state.pk,
            is_stale=False,
            n_observations=state.n_observations,
            last_response_id=state.last_response_id,
        ).update(
            blob=blob,
            forecasts=forecasts,
            n_observations=n_observations,
            last_response_id=max(row.pk for row in new),
            last_at=new[-1].answered_at,
            updated_at=now,
        )
    )
