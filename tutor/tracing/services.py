"""Keeping learner states: advanced with every observation, rebuilt from the log at will."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Count, Max

from tutor.accounts.models import User
from tutor.common.clock import days_since_epoch
from tutor.common.models import OutboxEntry
from tutor.common.outbox import REPLAY_QUEUE, handler, outbox_add
from tutor.content.models import Course, Step
from tutor.responses.exports import ObservationRow, observations_export
from tutor.responses.models import Response
from tutor.tracing import engine
from tutor.tracing.models import LearnerState, ModelRole, ModelVersion, VersionStatus

logger = logging.getLogger(__name__)

REBUILD_TOPIC = "state-rebuild"
RECORDED_TOPIC = "response-recorded"
# Told when the log gave a learner another mastery state than pages went by; rooms above listen.
REPLAYED_TOPIC = "mastery-replayed"
# After so many replays that an answer overtook, the next one holds the learner's answers back.
REPLAYS_UNLOCKED = 3
# Of the answers that a late state lacks, so many are looked for among what is promised.
OWED_MOST = 200


def version_serving(
    course: Course, *, now: datetime, role: str = ModelRole.MASTERY
) -> ModelVersion:
    """Return the version that serves a role; a course with no fit gets BKT's defaults at once."""
    # The back-test is large, and only the models page reads it.
    serving = ModelVersion.objects.defer("metrics").filter(
        course=course, role=role, status=VersionStatus.SERVING
    )
    version = serving.first()
    if version is not None:
        return version
    try:
        with transaction.atomic():
            return ModelVersion.objects.create(
                course=course,
                model_name=engine.DEFAULT_MODEL,
                role=role,
                status=VersionStatus.SERVING,
                created_at=now,
                served_from=now,
            )
    except IntegrityError:
        # Another request made it first.
        return serving.get()


@dataclass(frozen=True, slots=True)
class Tracing:
    """A learner's state under the serving version, held for one transaction."""

    version: ModelVersion
    state: LearnerState


def tracing_hold(learner: User, course: Course, *, now: datetime) -> Tracing:
    """Return the learner's state, locked until the transaction ends, made when there is none."""
    state = (
        LearnerState.objects.select_for_update(of=("self",))
        .select_related("version")
        .defer("version__metrics")
        .filter(
            learner=learner,
            version__course=course,
            version__role=ModelRole.MASTERY,
            version__status=VersionStatus.SERVING,
        )
        .first()
    )
    if state is None:
        version = version_serving(course, now=now)
        try:
            blob = engine.state_advance(version, None, [])
        except engine.KTModelsError:
            # Told to advance an empty blob, the version fails again, and the state turns stale.
            logger.exception("version %s cannot begin a state", version.pk)
            blob = b""
        try:
            with transaction.atomic():
                state = LearnerState.objects.create(
                    learner=learner, version=version, blob=blob, updated_at=now
                )
        except IntegrityError:
            state = LearnerState.objects.select_for_update().get(learner=learner, version=version)
    return Tracing(version=state.version, state=state)


def observation_apply(tracing: Tracing, response: Response, *, step: Step, now: datetime) -> None:
    """Advance the held state by one response, in place and in the database.

    A model that fails, or a response from before the state's clock, never loses the response: the
    state is marked stale, and a worker rebuilds it from the log.
    """
    state = tracing.state
    if not response.is_observation:
        return
    try:
        if state.last_at is not None and response.answered_at < state.last_at:
            raise engine.KTModelsError(
                f"response {response.pk} at {response.answered_at} is before the state's clock"
            )
        state.blob = engine.state_advance(
            tracing.version,
            state.blob,
            [
                engine.observation_make(
                    response.skill_ids,
                    item=step.key,
                    is_correct=response.is_correct,
                    at_days=days_since_epoch(response.answered_at),
                )
            ],
        )
    except Exception:
        logger.warning("state %s is stale after response %s", state.pk, response.pk, exc_info=True)
        state_mark_stale(state, now=now)
        return
    state.n_observations += 1
    state.last_response_id = response.pk
    state.last_at = response.answered_at
    state.updated_at = now
    state.save(
        update_fields=["blob", "n_observations", "last_response_id", "last_at", "updated_at"]
    )


def state_mark_stale(state: LearnerState, *, now: datetime) -> None:
    """Have a worker rebuild the state from the log."""
    state.is_stale = True
    state.updated_at = now
    state.save(update_fields=["is_stale", "updated_at"])
    outbox_add(REBUILD_TOPIC, {"state_id": state.pk}, now=now)


def learner_replay(version: ModelVersion, learner_id: int, *, now: datetime) -> bool:
    """Replay the log into a learner's state under a version; return whether that changed it.

    The state is made when there is none. Safe to run twice. The model is asked before anything is
    locked: on SQLite every answer would wait for it. What is answered meanwhile is noticed.
    """
    for _ in range(REPLAYS_UNLOCKED):
        replayed = _replay_log(version, learner_id)
        with transaction.atomic():
            state = _state_held(version, learner_id, now=now)
            if log_mark(version.course_id, learner_id) == replayed.mark:
                return _state_write(state, replayed, now=now)
    with transaction.atomic():
        state = _state_held(version, learner_id, now=now)
        return _state_write(state, _replay_log(version, learner_id), now=now)


@dataclass(frozen=True, slots=True)
class _Replayed:
    """What a replay gave, and the mark of the log that it read."""

    mark: tuple[int, int, int]
    blob: bytes
    n_observations: int
    last_response_id: int
    last_at: datetime | None


def log_mark(course_id: int, learner_id: int) -> tuple[int, int, int]:
    """Return what changes with the learner's log: its length, its newest row and correction."""
    found = Response.objects.filter(
        learner_id=learner_id, course_id=course_id, is_observation=True
    ).aggregate(n=Count("id", distinct=True), newest=Max("id"), correction=Max("regrades__id"))
    return found["n"], found["newest"] or 0, found["correction"] or 0


def _replay_log(version: ModelVersion, learner_id: int) -> _Replayed:
    mark = log_mark(version.course_id, learner_id)
    rows = list(observations_export(version.course, learner_ids=[learner_id]))
    return _Replayed(
        mark=mark,
        blob=replay(version, rows),
        n_observations=len(rows),
        last_response_id=max((row.response_id for row in rows), default=0),
        last_at=rows[-1].at if rows else None,
    )


def _state_held(version: ModelVersion, learner_id: int, *, now: datetime) -> LearnerState:
    """Return the state, locked until the transaction ends, made when there is none."""
    state, _made = LearnerState.objects.select_for_update(of=("self",)).get_or_create(
        learner_id=learner_id,
        version=version,
        defaults={"blob": b"", "updated_at": now},
    )
    return state


def _state_write(state: LearnerState, replayed: _Replayed, *, now: datetime) -> bool:
    is_changed = (
        bytes(state.blob) != replayed.blob or state.n_observations != replayed.n_observations
    )
    state.blob = replayed.blob
    if is_changed:
        state.forecasts = b""
    state.n_observations = replayed.n_observations
    state.last_response_id = replayed.last_response_id
    state.last_at = replayed.last_at
    state.is_stale = False
    state.updated_at = now
    state.save()
    is_served = ModelVersion.objects.filter(
        pk=state.version_id, role=ModelRole.MASTERY, status=VersionStatus.SERVING
    )
    if is_changed and is_served.exists():
        outbox_add(
            REPLAYED_TOPIC,
            {"learner_id": state.learner_id, "version_id": state.version_id},
            now=now,
        )
    return is_changed


def state_rebuild(state_id: int, *, now: datetime) -> bool:
    """Replay the log into a state that is there; return whether that changed it."""
    state = LearnerState.objects.select_related("version__course").filter(pk=state_id).first()
    if state is None:
        return False
    return learner_replay(state.version, state.learner_id, now=now)


@dataclass(frozen=True, slots=True)
class Verification:
    """How many states were compared with a replay of the log, and which differed."""

    n_states: int
    differing_state_ids: tuple[int, ...]


def states_verify(course: Course, *, now: datetime, is_repairing: bool) -> Verification:
    """Compare each serving state with a replay of the log, and mend those that differ if asked.

    Of both roles, where both are served.
    """
    version_serving(course, now=now)
    serving = ModelVersion.objects.select_related("course").defer("metrics")
    parts = [
        _version_verify(version, now=now, is_repairing=is_repairing)
        for version in serving.filter(course=course, status=VersionStatus.SERVING).order_by("pk")
    ]
    return Verification(
        n_states=sum(part.n_states for part in parts),
        differing_state_ids=tuple(pk for part in parts for pk in part.differing_state_ids),
    )


def _version_verify(version: ModelVersion, *, now: datetime, is_repairing: bool) -> Verification:
    course = version.course
    states = {
        state.learner_id: state
        for state in LearnerState.objects.filter(version=version).only(
            "id", "learner_id", "blob", "n_observations"
        )
    }
    differing = []
    replayed = set()
    for learner_id, rows in groupby(observations_export(course), key=lambda row: row.learner_id):
        observations = list(rows)
        replayed.add(learner_id)
        state = states.get(learner_id)
        if state is None:
            # An answer may have made it since the states were read.
            state, _made = LearnerState.objects.get_or_create(
                learner_id=learner_id,
                version=version,
                defaults={"blob": b"", "is_stale": True, "updated_at": now},
            )
        if not _is_right(version, state, observations):
            differing.append(state.pk)
    empty = engine.state_advance(version, None, [])
    differing += [
        state.pk
        for learner_id, state in states.items()
        if learner_id not in replayed and bytes(state.blob) != empty
    ]
    if is_repairing:
        for state_id in differing:
            state_rebuild(state_id, now=now)
    return Verification(
        n_states=len(states.keys() | replayed), differing_state_ids=tuple(differing)
    )


def _is_right(
    version: ModelVersion, state: LearnerState, observations: Sequence[ObservationRow]
) -> bool:
    blob = bytes(state.blob)
    if blob == replay(version, observations):
        return True
    if version.role != ModelRole.PREDICTION or state.n_observations >= len(observations):
        return False
    # What a worker still owes is late, not wrong.
    owed = [row.response_id for row in observations[state.n_observations :]]
    promised = OutboxEntry.objects.filter(
        topic=RECORDED_TOPIC, payload__response_id__in=owed[:OWED_MOST]
    )
    return promised.exists() and blob == replay(version, observations[: state.n_observations])


def replay(version: ModelVersion, rows: Iterable[ObservationRow]) -> bytes:
    """Return the state that a version gives a learner with these observations, in order."""
    return engine.state_advance(
        version,
        None,
        (
            engine.observation_make(
                row.skill_ids, item=row.item, is_correct=row.is_correct, at_days=row.at_days
            )
            for row in rows
        ),
    )


@handler(REBUILD_TOPIC, queue=REPLAY_QUEUE)
def _rebuild_handler(payload: Mapping[str, Any], *, now: datetime) -> None:
    state_rebuild(payload["state_id"], now=now)
