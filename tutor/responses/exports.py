"""The response log as plain columns: what models are fitted on and states are replayed from."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from tutor.common.clock import days_since_epoch
from tutor.content.models import Course
from tutor.responses.models import Response
from tutor.responses.selectors import effective_correctness


@dataclass(frozen=True, slots=True)
class ObservationRow:
    """One observation. `at_days` is days since the Unix epoch (UTC); item is the step's id.

    `learner_id` is the account's, or the `erased_id` of one that was erased.
    """

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
    newer_than: int | None = None,
    is_with_erased: bool = False,
    chunk: int = 5000,
) -> Iterator[ObservationRow]:
    """Yield a course's observations by learner, then time, then the order of the log.

    `until` ends by when it was answered; `recorded_until` by what was known then, corrections too;
    `newer_than` leaves out that response and all that were recorded before it.
    Streams: memory does not grow with the log. Responses kept of erased learners come last and only
    when asked for: a fit uses them, but nobody is left to trace.
    """
    responses = Response.objects.filter(course=course, is_observation=True)
    if learner_ids is not None:
        responses = responses.filter(learner_id__in=learner_ids)
    if until is not None:
        responses = responses.filter(answered_at__lte=until)
    if recorded_until is not None:
        responses = responses.filter(recorded_at__lte=recorded_until)
    if newer_than is not None:
        responses = responses.filter(pk__gt=newer_than)
    known = responses.filter(learner__isnull=False).order_by("learner_id", "answered_at", "id")
    yield from _rows(known, recorded_until=recorded_until, chunk=chunk)
    if is_with_erased:
        erased = responses.filter(erased_key__isnull=False)
        yield from _rows(
            erased.order_by("erased_key", "answered_at", "id"),
            recorded_until=recorded_until,
            chunk=chunk,
        )


def _rows(
    responses: QuerySet[Response], *, recorded_until: datetime | None, chunk: int
) -> Iterator[ObservationRow]:
    rows = responses.values_list(
        "id",
        "learner_id",
        "erased_key",
        "step__key",
        "skill_ids",
        effective_correctness(until=recorded_until),
        "answered_at",
    )
    for response_id, learner_id, key, item, skill_ids, is_correct, at in rows.iterator(chunk):
        yield ObservationRow(
            response_id=response_id,
            learner_id=erased_id(key) if learner_id is None else learner_id,
            item=item,
            skill_ids=tuple(skill_ids),
            is_correct=is_correct,
            at_days=days_since_epoch(at),
            at=at,
        )


def erased_id(erased_key: UUID) -> int:
    """Return the number below zero that stands for an erased learner in exports."""
    return -1 - (erased_key.int >> 65)


def erased_keys(course: Course) -> list[UUID]:
    """Return the keys that stand for the erased learners whose responses a course kept."""
    keys = Response.objects.filter(course=course, erased_key__isnull=False)
    return [key for key in keys.values_list("erased_key", flat=True).distinct() if key is not None]
