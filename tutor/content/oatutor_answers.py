"""OATutor's answers to ours, each read back by its own checker before it is believed."""

import re
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Any

from tutor.content.bundles import Document
from tutor.content.oatutor_text import formula_strip, text_convert
from tutor.grading.answers import answer_check, answer_expected, answer_validate
from tutor.grading.errors import GradingError

_WHOLE_OR_DECIMAL = re.compile(r"-?\d+(?:\.\d+)?")
_FRACTION = re.compile(r"(-?)\\frac\{(-?\d+)\}\{(-?\d+)\}|(-?)\(?(-?\d+)\)?/\(?(-?\d+)\)?")
_IS_VARIABLE = re.compile(r"\s*[A-Za-z]\s*=\s*")
_PERCENT = re.compile(r"(-?\d+(?:\.\d+)?)\s*\\?%")
_CURRENCY = re.compile(r"[$€£]\s*(-?\d[\d,]*(?:\.\d+)?)")
_POLYNOMIAL = re.compile(r"[\d.+\-\s]*[A-Za-z][\dA-Za-z.+\-\s]*")
_INTERVAL = re.compile(r"(?:\\left)?[\[(].*,.*(?:\\right)?[\])]")

Note = Callable[[str], None]


def answer_convert(
    asked: Document, answers: Sequence[str], *, note: Note
) -> tuple[Document, list[Document]]:
    """Convert the answer of a step or scaffold; gives the answer and its choices.

    Raises:
        ValueError: when nothing can be made of it, with the reason.
    """
    given = [text for text in map(str, answers) if text.strip()]
    if not given:
        raise ValueError("it has no answer")
    choices = [text for text in map(str, asked.get("choices") or []) if text.strip()]
    is_picked = asked.get("problemType") == "MultipleChoice"
    if not is_picked and _place_of(given[0], choices) is not None:
        note("asks for typed text but lists choices: made a choice")
        is_picked = True
    if is_picked:
        return _choice_convert(choices, given[0], note=note)
    wants_text = asked.get("answerType") == "string"
    if len(given) > 1:
        note(f"has {len(given)} answers; a typed one is compared with the first")
    for candidate in _typed(given[0], wants_text=wants_text):
        if _reads_itself(candidate, _posted(candidate)):
            if candidate["kind"] == "text" and not wants_text:
                note(f"answer {given[0]!r} is read as text: no other kind reads it")
            return candidate, []
    raise ValueError(f"no answer kind reads its own answer {given[0]!r}")


def _typed(raw: str, *, wants_text: bool) -> Iterator[Document]:
    """Kinds to try, the most particular first."""
    bare = formula_strip(raw)
    if not wants_text:
        value = _IS_VARIABLE.sub("", bare, count=1) if _IS_VARIABLE.match(bare) else bare
        yield from _numbers(value)
        if _INTERVAL.fullmatch(bare) and "infty" in bare:
            yield {"kind": "interval", "value": bare}
        if _POLYNOMIAL.fullmatch(bare):
            # Else whoever copies the unsimplified question would be right.
            yield {"kind": "expression", "value": bare, "form": "expanded"}
        yield {"kind": "expression", "value": bare}
    amount = _CURRENCY.fullmatch(bare)
    accepted = [bare, amount[1]] if amount else [bare]
    yield {"kind": "text", "accepted": list(dict.fromkeys(accepted))}


def _numbers(value: str) -> Iterator[Document]:
    compact = (
        value.replace(",", "") if re.fullmatch(r"-?\d{1,3}(,\d{3})+(\.\d+)?", value) else value
    )
    if _WHOLE_OR_DECIMAL.fullmatch(compact):
        yield {"kind": "number", "value": compact}
    percent = _PERCENT.fullmatch(value)
    if percent:
        yield {"kind": "number", "value": percent[1], "units": ["%"]}
    fraction = _FRACTION.fullmatch(value.replace(" ", ""))
    if fraction:
        sign, over, under = fraction.group(1, 2, 3) if fraction[2] else fraction.group(4, 5, 6)
        if int(under) != 0:
            number = Fraction(int(over), int(under)) * (-1 if sign else 1)
            kind = "number" if number.denominator == 1 else "fraction"
            yield {"kind": kind, "value": str(number)}


def _posted(candidate: Document) -> str:
    if candidate["kind"] == "text":
        return str(candidate["accepted"][0])
    return str(candidate["value"]) + "".join(candidate.get("units", [])[:1])


def _reads_itself(answer: Document, raw: str) -> bool:
    try:
        if answer_validate(answer):
            return False
        answer_expected(answer)
        return answer_check(answer, raw).is_correct
    except GradingError:
        return False


def _choice_convert(
    choices: Sequence[str], answer: str, *, note: Note
) -> tuple[Document, list[Document]]:
    texts: list[str] = []
    for text in choices:
        if _place_of(text, texts) is None:
            texts.append(text)
        else:
            note(f"choice {text!r} stands twice: the second was left out")
    at = _place_of(answer, texts)
    if at is None:
        note(f"the answer {answer!r} is not among the choices: it was added")
        texts.append(answer)
        at = len(texts) - 1
    if len(texts) < 2:
        raise ValueError("it has only one choice")
    rows: list[dict[str, Any]] = [
        {"id": f"c{number}", "text": text_convert(text)}
        for number, text in enumerate(texts, start=1)
    ]
    return {"kind": "choice", "correct": rows[at]["id"]}, rows


def _place_of(text: str, texts: Sequence[str]) -> int | None:
    wanted = _plain(text)
    return next((at for at, other in enumerate(texts) if _plain(other) == wanted), None)


def _plain(text: str) -> str:
    return re.sub(r"\s+|\$\$|\\left|\\right", "", text)
