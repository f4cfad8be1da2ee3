"""Writing to the response log."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tutor.accounts.models import User
from tutor.responses.models import Response, ResponseKind, ResponseSource
from tutor.responses.observations import elapsed_capped, response_judge


@dataclass(frozen=True, slots=True)
class Given:
    """What the learner did, and on what: all that a response records but its judgement."""

    course_id: int
    step_id: int
    revision_id: int | None
    skill_ids: Sequence[int]
    session_uuid: UUID
    attempt_token: UUID
    kind: ResponseKind
    is_right: bool
    raw_answer: str = ""
    misconception: str = ""
    hint_key: str = ""
    variant_seed: int = 0
    try_number: int = 1
    hints_opened: int = 0
    elapsed_ms: int | None = None
    source: ResponseSource = ResponseSource.PRACTICE
    plan_uuid: UUID | None = None
    model_version_uuid: UUID | None = None


def response_record(
    learner: User,
    given: Given,
    *,
    is_step_observed: bool,
    answered_at: datetime,
    now: datetime,
) -> Response:
    """Append a response to the log; the database refuses a second with the same attempt token.

    Raises:
        IntegrityError: when this session recorded the attempt token before.
    """
    judgement = response_judge(
        kind=given.kind,
        is_right=given.is_right,
        is_step_observed=is_step_observed,
        hints_opened=given.hints_opened,
        is_repeat_of_variant=not is_step_observed
        and given.kind != ResponseKind.SCAFFOLD
        and _variant_seen(given),
    )
    return Response.objects.create(
        learner=learner,
        course_id=given.course_id,
        step_id=given.step_id,
        revision_id=given.revision_id,
        skill_ids=list(given.skill_ids),
        session_uuid=given.session_uuid,
        attempt_token=given.attempt_token,
        source=given.source,
        kind=given.kind,
        hint_key=given.hint_key,
        is_observation=judgement.is_observation,
        is_correct=judgement.is_correct,
        raw_answer=given.raw_answer,
        misconception=given.misconception,
        variant_seed=given.variant_seed,
        try_number=given.try_number,
        hints_opened=given.hints_opened,
        elapsed_ms=elapsed_capped(given.elapsed_ms),
        answered_at=answered_at,
        recorded_at=now,
        plan_uuid=given.plan_uuid,
        model_version_uuid=given.model_version_uuid,
    )


def _variant_seen(given: Given) -> bool:
    return Response.objects.filter(
        session_uuid=given.session_uuid,
        step_id=given.step_id,
        variant_seed=given.variant_seed,
        is_observation=True,
    ).exists()
