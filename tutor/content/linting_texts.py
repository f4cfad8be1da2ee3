"""Lint rules about what is read: friendly numbers, hints that keep the answer, length."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from tutor.content.bundles import Document
from tutor.grading.quantities import quantity_read
from tutor.grading.rationals import is_terminating
from tutor.grading.specs import Unreadable

_TEX_FRACTION = re.compile(r"\\frac\{(\d+)\}\{(\d+)\}")
_DECIMAL = re.compile(r"\d+(?:\.(\d+))?")
_FORMULA = re.compile(r"```.*?```|\$[^$]*\$", re.DOTALL)
_SLIPS = {
    "a template that was not replaced": re.compile(r"(?<!@)@\{"),
    "a division by 0": re.compile(r"/0(?!\d|\.\d)|\}\{0\}"),
    "two signs in a row": re.compile(r"[-+] ?[-+] ?\d|[-+] [-+]"),
    "the factor 1 before a letter": re.compile(r"\$[^$]*(?<![\d.}^])1[a-z](?![a-z])[^$]*\$"),
}


@dataclass(frozen=True, slots=True)
class Limits:
    """What still is friendly. Numbers above `largest` may have three digits before their zeros."""

    largest: int = 1000
    bottom: int = 60
    places: int = 3
    question_words: int = 90
    hint_words: int = 40
    feedback_words: int = 45
    lesson_words: int = 260
    variants: int = 6


@dataclass(frozen=True, slots=True)
class Told:
    """What a rule found, at a pointer below the step or lesson that it looked at."""

    pointer: str
    message: str


def words_shown(node: object) -> Iterator[str]:
    """Everything of a variant that somebody reads; what a mistake would give is left out."""
    yield from (text for _, text in _shown(node, ""))


def texts_lint(node: object, limits: Limits) -> Iterator[Told]:
    """No number that a learner would not want to work with, and no slip of a template."""
    for pointer, text in _shown(node, ""):
        fault = _ugly(text, limits)
        if fault:
            yield Told(pointer, f"There is {fault} in '{text}'.")


def numbers_lint(step: Document, limits: Limits) -> Iterator[Told]:
    """The step's texts hold friendly numbers only, and so does its answer."""
    yield from texts_lint(step, limits)
    answer = step["answer"]
    if answer["kind"] in {"number", "fraction"}:
        value = _value(str(answer["value"]))
        is_fraction = answer["kind"] == "fraction" or not is_terminating(value)
        if is_fraction and value.denominator > limits.bottom:
            yield Told("/answer/value", f"The answer {value} has a bottom above {limits.bottom}.")
        elif not is_fraction and 10**limits.places % value.denominator:
            yield Told(
                "/answer/value", f"The answer {value} has more than {limits.places} decimals."
            )


def hints_lint(step: Document, body: str) -> Iterator[Told]:
    """Only the last hint may come down to the answer; `body` is what the problem says first."""
    tells = _TELLS.get(step["answer"]["kind"])
    if tells is None:
        return
    given = f"{body} {step.get('prompt', '')}"
    for at, hint in enumerate(step.get("hints", ())[:-1]):
        if tells(step, hint["text"], given):
            yield Told(f"/hints/{at}/text", f"The hint gives the answer away: '{hint['text']}'.")


def reading_lint(step: Document, body: str, limits: Limits) -> Iterator[Told]:
    """The question, the hints and the feedback are short enough to be read."""
    question = f"{body} {step.get('prompt', '')}"
    yield from _too_long("/prompt", question, limits.question_words)
    for at, hint in enumerate(step.get("hints", ())):
        yield from _too_long(f"/hints/{at}/text", hint["text"], limits.hint_words)
    for at, entry in enumerate(step.get("feedback", ())):
        yield from _too_long(f"/feedback/{at}/text", entry["text"], limits.feedback_words)
    for at, choice in enumerate(step.get("choices", ())):
        told = choice.get("feedback", "")
        yield from _too_long(f"/choices/{at}/feedback", told, limits.feedback_words)


def lesson_lint(lesson: Document, limits: Limits) -> Iterator[Told]:
    """A lesson's text is short enough to be read at one go."""
    yield from _too_long("/body", lesson.get("body", ""), limits.lesson_words)


def _too_long(pointer: str, text: str, most: int) -> Iterator[Told]:
    words = len(_FORMULA.sub("x", text).split())
    if words > most:
        yield Told(pointer, f"{words} words, expected at most {most}.")


def _shown(node: object, pointer: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, str):
        yield pointer, node
    elif isinstance(node, list):
        for at, child in enumerate(node):
            yield from _shown(child, f"{pointer}/{at}")
    elif isinstance(node, Mapping):
        for key, child in node.items():
            if key == "feedback" and isinstance(child, list):
                for at, entry in enumerate(child):
                    yield f"{pointer}/feedback/{at}/text", entry["text"]
            elif key not in {"variables", "constraints", "id", "misconception", "licence"}:
                yield from _shown(child, f"{pointer}/{key}")


def _ugly(text: str, limits: Limits) -> str:
    for name, slip in _SLIPS.items():
        if slip.search(text):
            return name
    for _, bottom in _TEX_FRACTION.findall(text):
        if int(bottom) > limits.bottom and int(bottom) not in {100, 1000}:
            return f"a bottom number above {limits.bottom}, {bottom},"
    for found in _DECIMAL.finditer(text):
        if len(found[1] or "") > limits.places:
            return f"a number with more than {limits.places} decimals, {found[0]},"
        whole = found[0].partition(".")[0]
        if int(whole) > limits.largest and len(whole.rstrip("0")) > 3:
            return f"a long number, {whole},"
    return ""


def _value(text: str) -> Fraction:
    read = quantity_read(text)
    return Fraction(0) if isinstance(read, Unreadable) else read.value


def _fraction_told(step: Document, hint: str, given: str) -> bool:
    said = {Fraction(int(a), int(b)) for a, b in _TEX_FRACTION.findall(hint) if int(b)}
    known = {Fraction(int(a), int(b)) for a, b in _TEX_FRACTION.findall(given) if int(b)}
    return _value(str(step["answer"]["value"])) in said - known


def _number_told(step: Document, hint: str, _given: str) -> bool:
    value = re.escape(str(step["answer"]["value"]))
    return bool(re.search(rf"(=|\bis|\bare|\bget) \$?{value}(?![\w/]|\.\d)", hint))


def _text_told(step: Document, hint: str, _given: str) -> bool:
    words = re.findall(r"\w+|[<=>]", hint.casefold())
    return str(step["answer"]["accepted"][0]).casefold() in words


def _typed_told(step: Document, hint: str, given: str) -> bool:
    answer = step["answer"]
    value = _plain(answer["value"] if "value" in answer else ", ".join(answer["values"]))
    return len(value) > 1 and _holds(hint, value) and not _holds(given, value)


def _choice_told(step: Document, hint: str, given: str) -> bool:
    correct = step["answer"]["correct"]
    told = [choice["id"] for choice in step["choices"] if _holds(hint, _plain(choice["text"]))]
    return told == [correct] and not _holds(given, _plain(hint))


def _plain(text: object) -> str:
    bare = re.sub(r"[$*\\]+", "", str(text)).casefold()
    return re.sub(r"\s*([-+/=<>(),;:\[\]])\s*", r"\1", " ".join(bare.split()))


def _holds(text: str, value: str) -> bool:
    return bool(re.search(rf"(?<![\w.]){re.escape(value)}(?!\w|\.\d)", _plain(text)))


_TELLS: dict[str, Callable[[Document, str, str], bool]] = {
    "fraction": _fraction_told,
    "number": _number_told,
    "text": _text_told,
    "expression": _typed_told,
    "interval": _typed_told,
    "tuple": _typed_told,
    "list": _typed_told,
    "choice": _choice_told,
}
