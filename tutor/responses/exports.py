"""The response log as plain columns: what models are fitted on and states are replayed from."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from tutor.common.clock import days_since_epoch
from tutor.content.models import Course
from tutor.responses.models import Response
from tutor.responses.selectors import effective_correctness


@dataclass(frozen=True, slots=True)
class ObservationRow:
    """One observation. `at_days` is days since the Unix epoch (UTC); item is the step's id."""

    response_id: int
    learner_id: int
    item: str
    skill_ids: tuple[int, ...]
    is_correct: bool
    at_days: float
    at: datetime


def observations_export(
    course: Course,
    *,
    learner_ids: list[int] | None = None,
    until: datetime | None = None,
    recorded_until: datetime | None = None,
    chunk: int = 5000,
) -> Iterator[ObservationRow]:
    """Yield a course's observations by learner, then time, then the order of the log.

    `until` ends by when it was answered; `recorded_until` by what was known then, corrections too.
    Streams: memory does not grow with the log. Responses of erased learners have none to trace.
    """
    responses = Response.objects.filter(course=course, is_observation=True, learner__isnull=False)
    if learner_ids is not None:
        responses = responses.filter(learner_id__in=learner_ids)
    if until is not None:
        responses = responses.filter(answered_at__lte=until)
    if recorded_until is not None:
        responses = responses.filter(recorded_at__lte=recorded_until)
    rows = responses.order_by("learner_id", "answered_at", "id").values_list(
        "id",
        "learner_id",
        "step__key",
        "skill_ids",
        effective_correctness(until=recorded_until),
        "answered_at",
    )
    for response_id, learner_id, item, skill_ids, is_correct, at in rows.iterator(chunk):
        yield ObservationRow(
            response_id=response_id,
            learner_id=learner_id,
            item=item,
            skill_ids=tuple(skill_ids),
            is_correct=is_correct,
            at_days=days_since_epoch(at),
            at=at,
        )
