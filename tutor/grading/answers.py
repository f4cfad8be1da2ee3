"""Validate, read, grade and show answers: the door to every answer kind of the bundle.

Answers are dicts as docs/bundle.md writes them, with their templates already replaced
(variants.document_render). What learners post is always one text:

- typed kinds (number, fraction, expression, text, interval, list, tuple): as typed;
- choice: the choice id; multiple_choice and ordering: a JSON list of choice ids, or ids
  separated by commas or line ends;
- matching: a JSON object {left id: choice id}, or lines of `left=choice`.

`raw_from_form` builds that text from the fields of a form.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tutor.grading.errors import AnswerInvalidError, AnswerProblem
from tutor.grading.kinds_choice import choice_spec, matching_spec, ordering_spec
from tutor.grading.kinds_collection import collection_spec
from tutor.grading.kinds_expression import expression_spec
from tutor.grading.kinds_interval import interval_spec
from tutor.grading.kinds_number import fraction_spec, number_spec
from tutor.grading.kinds_text import text_spec
from tutor.grading.specs import (
    AnswerSpec,
    Document,
    Graded,
    Problems,
    Reading,
    SymbolicChecker,
    Unreadable,
)
from tutor.grading.symbolic import symbolic_shared

# The spec's own type differs by kind; nothing outside a kind looks into it.
AnySpec = AnswerSpec[Any]

_ELEMENTS: dict[str, Callable[[Document, Problems], AnySpec | None]] = {
    "number": number_spec,
    "fraction": fraction_spec,
    "expression": expression_spec,
    "text": text_spec,
}
_TYPED: dict[str, Callable[[Document, Problems], AnySpec | None]] = {
    **_ELEMENTS,
    "interval": interval_spec,
    "list": lambda answer, problems: collection_spec(answer, problems, _ELEMENTS),
    "tuple": lambda answer, problems: collection_spec(answer, problems, _ELEMENTS),
}
_PICKED: dict[str, Callable[[Document, Sequence[Document], Problems], AnySpec | None]] = {
    "choice": choice_spec,
    "multiple_choice": choice_spec,
    "ordering": lambda answer, choices, problems: ordering_spec(choices, problems),
    "matching": matching_spec,
}
KINDS = (*_TYPED, *_PICKED)


def answer_validate(answer: Document, *, choices: Sequence[Document] = ()) -> list[AnswerProblem]:
    """Everything that is wrong with an authored answer; nothing when it can be graded with."""
    return _spec(answer, choices)[1]


def answer_read(answer: Document, raw: str, *, choices: Sequence[Document] = ()) -> Reading[object]:
    """Read what a learner posted, without grading it.

    Raises: AnswerInvalidError when the authored answer itself cannot be used.
    """
    if len(raw) > 100_000:
        return Unreadable(f"We could not read an answer of {len(raw)} characters.")
    return _required(answer, choices).read(raw)


def answer_check(
    answer: Document,
    raw: str,
    *,
    choices: Sequence[Document] = (),
    feedback: Sequence[Document] = (),
    symbolic: SymbolicChecker | None = None,
) -> Graded:
    """Grade what a learner posted. Nothing that is posted raises.

    An unreadable answer is not wrong: it costs no attempt, and `message` says what was not
    understood. `message` may also say what is nearly right, or hold the author's feedback.

    Raises: AnswerInvalidError when the authored answer itself cannot be used.
    """
    if len(raw) > 100_000:
        message = f"We could not read an answer of {len(raw)} characters."
        return Graded(False, False, message, None, "")
    return _required(answer, choices).judge(
        raw, feedback=feedback, checker=symbolic or symbolic_shared()
    )


def answer_expected(answer: Document, choices: Sequence[Document] = ()) -> str:
    """The right answer as a learner is shown it, in Markdown and LaTeX.

    Raises: AnswerInvalidError
    """
    return _required(answer, choices).expected()


def raw_from_form(kind: str, fields: Mapping[str, Sequence[str]]) -> str:
    """The posted text from the fields of a form, each a list of values.

    `answer` (once, or once for each pick of multiple_choice), `match-<left id>` = choice id,
    `order-<choice id>` = place. Fields that are missing give an answer that reads as empty.
    """
    values = list(fields.get("answer", ()))
    if kind == "multiple_choice":
        return json.dumps(values) if len(values) != 1 else values[0]
    if kind == "matching":
        pairs = {
            name.removeprefix("match-"): posted[-1]
            for name, posted in fields.items()
            if name.startswith("match-") and posted
        }
        return json.dumps(pairs) if pairs else (values[-1] if values else "{}")
    if kind == "ordering":
        places = [
            (_place(posted[-1]), name.removeprefix("order-"))
            for name, posted in fields.items()
            if name.startswith("order-") and posted
        ]
        if not places:
            return values[0] if len(values) == 1 else json.dumps(values)
        taken = [place for place, _ in places if place is not None]
        if len(set(taken)) < len(taken):
            # Two lines on one place: repeat an id, so that the reader says so.
            places.append(places[0])
        ordered = sorted((place, id_) for place, id_ in places if place is not None)
        return json.dumps([id_ for _, id_ in ordered])
    return values[-1] if values else ""


def _place(text: str) -> int | None:
    digits = text.strip()
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else None


def _required(answer: Document, choices: Sequence[Document]) -> AnySpec:
    spec, problems = _spec(answer, choices)
    if spec is None:
        raise AnswerInvalidError(tuple(problems))
    return spec


def _spec(
    answer: Document, choices: Sequence[Document]
) -> tuple[AnySpec | None, list[AnswerProblem]]:
    problems = Problems(answer)
    kind = answer.get("kind")
    if isinstance(kind, str) and kind in _TYPED:
        return _TYPED[kind](answer, problems), problems.found
    if isinstance(kind, str) and kind in _PICKED:
        return _PICKED[kind](answer, choices, problems), problems.found
    problems.add("/kind", kind, f"one of {', '.join(KINDS)}")
    return None, problems.found
