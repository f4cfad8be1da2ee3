"""The response log as it looks from outside: a row each, corrections applied, ids that last."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import QuerySet

from tutor.content.models import Course, Skill
from tutor.responses.models import Response
from tutor.responses.selectors import effective_correctness

CHUNK = 2000
# What stands between several skills of a response where it is one cell; ids hold no blank.
SKILL_SEPARATOR = " "


class ResponseRow(NamedTuple):
    """A response; `is_correct` is what counts now, `is_regraded` that the log says otherwise.

    `learner` is None where the account was erased. A tuple, since exports make millions.
    """

    id: int
    learner: UUID | None
    answered_at: datetime
    step: str
    problem: str
    skills: tuple[str, ...]
    is_correct: bool
    is_observation: bool
    is_regraded: bool
    kind: str
    source: str
    raw_answer: str
    misconception: str
    hint: str
    hints_opened: int
    try_number: int
    elapsed_ms: int | None
    variant_seed: int
    session: UUID
    plan: UUID | None
    model_version: UUID | None
    recorded_at: datetime


_FIELDS = (
    *("id", "learner__uuid", "answered_at", "step__key", "step__problem__key", "skill_ids"),
    *("is_correct", "is_observation", "kind", "source", "raw_answer", "misconception", "hint_key"),
    *("hints_opened", "try_number", "elapsed_ms", "variant_seed", "session_uuid", "plan_uuid"),
    *("model_version_uuid", "recorded_at"),
)


def skill_keys(course: Course) -> dict[int, str]:
    """Return the authors' ids of a course's skills, retired ones too (one query)."""
    return dict(Skill.objects.filter(course=course).values_list("pk", "key"))


def rows_of(responses: QuerySet[Response]) -> QuerySet[Response, Any]:
    """Return named tuples of what `row_make` needs (one query)."""
    judged = responses.annotate(effective=effective_correctness())
    return judged.values_list(*_FIELDS, "effective", named=True)


def row_make(found: Any, keys: Mapping[int, str]) -> ResponseRow:
    """Return the row of what `rows_of` found."""
    return ResponseRow(
        id=found.id,
        learner=found.learner__uuid,
        answered_at=found.answered_at,
        step=found.step__key,
        problem=found.step__problem__key,
        # A skill whose row is gone is in no course any more; its number says nothing outside.
        skills=tuple(keys[pk] for pk in found.skill_ids if pk in keys),
        is_correct=found.effective,
        is_observation=found.is_observation,
        is_regraded=found.effective != found.is_correct,
        kind=found.kind,
        source=found.source,
        raw_answer=found.raw_answer,
        misconception=found.misconception,
        hint=found.hint_key,
        hints_opened=found.hints_opened,
        try_number=found.try_number,
        elapsed_ms=found.elapsed_ms,
        variant_seed=found.variant_seed,
        session=found.session_uuid,
        plan=found.plan_uuid,
        model_version=found.model_version_uuid,
        recorded_at=found.recorded_at,
    )


def rows_stream(
    responses: QuerySet[Response], course: Course, *, chunk: int = CHUNK
) -> Iterator[ResponseRow]:
    """Yield a course's responses in the order of the log; memory does not grow with it."""
    keys = skill_keys(course)
    for found in rows_of(responses.order_by("id")).iterator(chunk):
        yield row_make(found, keys)
