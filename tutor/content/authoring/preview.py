"""A problem as its learners will see it, with what they see only later; nothing is recorded."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

from tutor.content.bundles import Document
from tutor.content.documents import HintDocument, ProblemDocument, StepDocument, problem_of
from tutor.content.models import Course, Skill
from tutor.content.showing import AnswerField, Renderer, answer_field
from tutor.grading.answers import answer_check, answer_expected
from tutor.grading.errors import GradingError
from tutor.grading.variants import document_render, variant_draw

MOST_SEED = 9_999
SEEDS_TRIED = 60
# What looking for another variant may cost: of a heavy problem, not every seed is tried.
LOOKING_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Attempt:
    """An answer that the author tries: to which step, or to which of its helping questions."""

    step: int
    hint: str
    raw: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a learner would be told."""

    is_readable: bool
    is_right: bool
    message_html: str
    misconception: str


@dataclass(frozen=True, slots=True)
class HintShown:
    """A hint, or a helping question with its field and answer."""

    key: str
    title: str
    html: str
    field: AnswerField | None
    answer_html: str
    parent: str
    verdict: Verdict | None = None


@dataclass(frozen=True, slots=True)
class FeedbackShown:
    """What is said to a known mistake."""

    answer: str
    html: str
    misconception: str


@dataclass(frozen=True, slots=True)
class StepShown:
    """A step with everything that belongs to it, opened."""

    number: int
    key: str
    skills: tuple[str, ...]
    prompt_html: str
    field: AnswerField
    answer_html: str
    feedback: tuple[FeedbackShown, ...]
    hints: tuple[HintShown, ...]
    solution_html: str
    verdict: Verdict | None = None


@dataclass(frozen=True, slots=True)
class ProblemShown:
    """A variant of a problem. `values` are those of its variables; `problem` says what is wrong."""

    seed: int
    next_seed: int | None
    previous_seed: int | None
    values: tuple[tuple[str, str], ...]
    title: str
    body_html: str
    steps: tuple[StepShown, ...]
    licence: str
    attribution: str
    problem: str = ""


def problem_shown(
    course: Course, document: Document, *, seed: int, attempt: Attempt | None = None
) -> ProblemShown:
    """Show the variant that a seed draws; an attempt is graded as a learner's would be."""
    is_varied = bool(document.get("variables"))
    titles = dict(Skill.objects.filter(course=course, is_retired=False).values_list("key", "title"))
    try:
        drawn = problem_of(document_render(document, seed))
        values = _values(document, seed)
        html = Renderer(course)
        steps = tuple(
            _step(step, document, titles, at=at, seed=seed, html=html, attempt=attempt)
            for at, step in enumerate(drawn.steps)
        )
    except (GradingError, KeyError, TypeError, ValueError, AttributeError) as error:
        return _broken(document, seed, error)
    return ProblemShown(
        seed=seed,
        next_seed=_other_seed(document, drawn, seed, 1) if is_varied else None,
        previous_seed=_other_seed(document, drawn, seed, -1) if is_varied else None,
        values=values,
        title=drawn.title,
        body_html=html.block(drawn.body),
        steps=steps,
        licence=drawn.licence,
        attribution=drawn.attribution,
    )


def _broken(document: Document, seed: int, error: Exception) -> ProblemShown:
    said = str(error) if isinstance(error, GradingError) else ""
    title = document.get("title", "")
    return ProblemShown(seed, None, None, (), title, "", (), "", "", said or " ")


def _values(document: Document, seed: int) -> tuple[tuple[str, str], ...]:
    if not document.get("variables"):
        return ()
    drawn = variant_draw(document["variables"], document.get("constraints", []), seed=seed)
    return tuple(
        (name, value if isinstance(value, str) else str(getattr(value, "value", value)))
        for name, value in drawn.items()
    )


def _other_seed(
    document: Document,
    drawn: ProblemDocument,
    seed: int,
    way: int,
    *,
    seconds: Callable[[], float] = time.thread_time,
) -> int | None:
    """Find the next seed whose variant looks different, within a bounded time of this thread."""
    ends = seconds() + LOOKING_SECONDS
    for away in range(1, SEEDS_TRIED):
        if seconds() > ends:
            return None
        other = seed + way * away
        if not 0 <= other <= MOST_SEED:
            return None
        if problem_of(document_render(document, other)) != drawn:
            return other
    return None


def seed_drawn(rng: Random) -> int:
    """Draw a variant to begin with."""
    return rng.randrange(MOST_SEED)


def _step(
    step: StepDocument,
    document: Document,
    titles: Mapping[str, str],
    *,
    at: int,
    seed: int,
    html: Renderer,
    attempt: Attempt | None,
) -> StepShown:
    tried = attempt if attempt and attempt.step == at else None
    own = tried if tried and not tried.hint else None
    return StepShown(
        number=at + 1,
        key=step.key,
        skills=tuple(titles.get(key, key) for key in document["steps"][at].get("skills", ())),
        prompt_html=html.block(step.prompt),
        field=answer_field(
            step.answer, step.choices, raw=own.raw if own else "", seed=seed, html=html
        ),
        answer_html=html.inline(answer_expected(step.answer, step.choices)),
        feedback=_feedback(step, html),
        hints=tuple(
            _hint(hint, document, at, seed=seed, html=html, tried=tried) for hint in step.hints
        ),
        solution_html=html.block(step.solution),
        verdict=_verdict(step, own.raw, html) if own else None,
    )


def _feedback(step: StepDocument, html: Renderer) -> tuple[FeedbackShown, ...]:
    typed = [
        FeedbackShown(_plain(entry["answer"]), html.inline(entry["text"]), _named(entry))
        for entry in step.feedback
    ]
    picked = [
        FeedbackShown(choice["id"], html.inline(choice["feedback"]), _named(choice))
        for choice in step.choices
        if choice.get("feedback")
    ]
    return (*typed, *picked)


def _named(entry: Mapping[str, object]) -> str:
    return str(entry.get("misconception", ""))


def _plain(answer: object) -> str:
    return answer if isinstance(answer, str) else str(answer)


def _hint(
    hint: HintDocument,
    document: Document,
    at: int,
    *,
    seed: int,
    html: Renderer,
    tried: Attempt | None,
) -> HintShown:
    own = tried if tried and tried.hint == hint.key else None
    field, answer = None, ""
    if hint.answer is not None:
        raw = own.raw if own else ""
        field = answer_field(hint.answer, hint.choices, raw=raw, seed=seed, html=html)
        answer = html.inline(answer_expected(hint.answer, hint.choices))
    written = {row["id"]: row for row in document["steps"][at]["hints"]}
    return HintShown(
        key=hint.key,
        title=hint.title,
        html=html.block(hint.text),
        field=field,
        answer_html=answer,
        parent=written.get(hint.key, {}).get("parent", ""),
        verdict=_verdict(hint, own.raw, html) if own else None,
    )


def _verdict(asked: StepDocument | HintDocument, raw: str, html: Renderer) -> Verdict:
    graded = answer_check(
        asked.answer or {},
        raw,
        choices=asked.choices,
        feedback=asked.feedback if isinstance(asked, StepDocument) else (),
    )
    return Verdict(
        is_readable=graded.is_readable,
        is_right=graded.is_correct,
        message_html=html.inline(graded.message),
        misconception=graded.misconception or "",
    )
