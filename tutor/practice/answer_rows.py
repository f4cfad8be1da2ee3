"""Own answers in words, as pages list them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.utils.html import conditional_escape
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from tutor.content.documents import problem_document
from tutor.content.models import Course
from tutor.content.showing import Renderer, picked_words
from tutor.practice.answers import AnswerLine, duration_text
from tutor.responses.models import Response, ResponseKind


@dataclass(frozen=True, slots=True)
class ResponseRow:
    """An own response in words; `is_counted` says that the model was told of it."""

    at: datetime
    problem: str
    answer_html: str
    is_typed: bool
    outcome: str
    is_correct: bool
    is_counted: bool
    time_text: str


def response_rows(
    responses: Iterable[Response],
    course: Course,
    *,
    lines: Mapping[int, AnswerLine] | None = None,
) -> tuple[ResponseRow, ...]:
    """Return responses in words; with their times where the lines of a period are at hand."""
    lines = lines or {}
    html = Renderer(course)
    return tuple(
        _row(response, html, seconds=lines[response.pk].seconds if response.pk in lines else None)
        for response in responses
    )


def _row(response: Response, html: Renderer, *, seconds: int | None) -> ResponseRow:
    picked = _picked(response, html)
    return ResponseRow(
        at=response.answered_at,
        problem=str(response.step.problem),
        answer_html=conditional_escape(response.raw_answer) if picked is None else picked,
        is_typed=picked is None,
        outcome=_outcome(response),
        is_correct=_is_correct(response),
        is_counted=response.is_observation,
        time_text="" if seconds is None else duration_text(seconds),
    )


def _is_correct(response: Response) -> bool:
    return bool(getattr(response, "effective_is_correct", response.is_correct))


def _picked(response: Response, html: Renderer) -> SafeString | None:
    """Return the words of what was picked, as they stood on the screen; None where it was typed."""
    raw = response.raw_answer
    if not raw or response.revision is None:
        return None
    problem = problem_document(response.revision, seed=response.variant_seed)
    step = next((step for step in problem.steps if step.key == response.step.key), None)
    if step is None:
        return None
    if response.kind == ResponseKind.ANSWER:
        return picked_words(step.answer, step.choices, raw=raw, html=html)
    hint = next((hint for hint in step.hints if hint.key == response.hint_key), None)
    if hint is None or hint.answer is None:
        return None
    return picked_words(hint.answer, hint.choices, raw=raw, html=html)


def _outcome(response: Response) -> str:
    is_correct = _is_correct(response)
    if response.kind == ResponseKind.HINT:
        return _("opened a hint")
    if response.kind == ResponseKind.DONT_KNOW:
        return _("did not know it yet")
    if response.kind == ResponseKind.SCAFFOLD:
        return _("helping question right") if is_correct else _("helping question not right")
    if not response.is_observation:
        return _("right, a later try") if is_correct else _("not right, a later try")
    return _("right") if is_correct else _("not right")
