"""Own answers in words, as pages list them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.utils.html import conditional_escape, format_html_join
from django.utils.translation import gettext as _

from tutor.content.documents import problem_document
from tutor.content.models import Course
from tutor.content.text import text_inline
from tutor.grading.kinds_choice import ids_posted
from tutor.practice.answers import AnswerLine, duration_text
from tutor.responses.models import Response, ResponseKind


@dataclass(frozen=True, slots=True)
class ResponseRow:
    """An own response in words; `is_counted` says that the model was told of it."""

    at: datetime
    problem: str
    answer_html: str
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
    return tuple(
        ResponseRow(
            at=response.answered_at,
            problem=str(response.step.problem),
            answer_html=_answer_html(response, course),
            outcome=_outcome(response),
            is_correct=_is_correct(response),
            is_counted=response.is_observation,
            time_text=duration_text(lines[response.pk].seconds) if response.pk in lines else "",
        )
        for response in responses
    )


def _is_correct(response: Response) -> bool:
    return bool(getattr(response, "effective_is_correct", response.is_correct))


def _answer_html(response: Response, course: Course) -> str:
    """Return what was typed, or the words of what was picked, as they stood on the screen."""
    raw = response.raw_answer
    if not raw or response.revision is None or response.kind != ResponseKind.ANSWER:
        return conditional_escape(raw)
    problem = problem_document(response.revision, seed=response.variant_seed)
    step = next((step for step in problem.steps if step.key == response.step.key), None)
    if step is None or not step.choices or step.answer["kind"] == "matching":
        return conditional_escape(raw)
    texts = {choice["id"]: choice["text"] for choice in step.choices}
    picked = [texts[key] for key in ids_posted(raw) if key in texts]
    return format_html_join(
        "; ", "{}", ((text_inline(text, course_uuid=course.uuid),) for text in picked)
    )


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
