"""Does a wrong answer say what the key says? Then the key is too strict, or was mended since."""

import re
from fractions import Fraction

from tutor.content.models import Step
from tutor.grading.answers import answer_check, answer_expected
from tutor.grading.errors import AnswerInvalidError

# What people write around a value, and what says nothing about it.
_NOISE = re.compile(r"[\s$\\{}*·,;:.!?'\"()]+")
_NUMBER = re.compile(r"^[+-]?\d+(\.\d+)?(/\d+)?$")
_MIXED = re.compile(r"^([+-]?)(\d+) (\d+)/(\d+)$")


def is_same_as_key(step: Step, text: str) -> bool:
    """Whether today's key accepts the text, or both are the same value or the same letters."""
    try:
        graded = answer_check(step.answer, text, choices=step.choices)
        expected = answer_expected(step.answer, step.choices)
    except AnswerInvalidError:
        return False
    if graded.is_correct:
        return True
    # Where a form is asked for, the same value in another form is wrong on purpose.
    if step.choices or step.answer.get("form", "any") != "any":
        return False
    value = str(step.answer.get("value", "")) or expected
    given, wanted = number_of(text), number_of(value)
    if given is not None and wanted is not None:
        return given == wanted
    letters = _NOISE.sub("", text).casefold()
    return bool(letters) and letters == _NOISE.sub("", value).casefold()


def number_of(text: str) -> Fraction | None:
    """Return the number that a plain text is: whole, decimal, a fraction, mixed or in per cent."""
    plain = " ".join(text.replace("−", "-").split())
    scale = 1
    if plain.endswith("%"):
        plain, scale = plain[:-1].strip(), 100
    mixed = _MIXED.match(plain)
    try:
        if mixed:
            sign = -1 if mixed[1] == "-" else 1
            return sign * (int(mixed[2]) + Fraction(int(mixed[3]), int(mixed[4]))) / scale
        compact = plain.replace(" ", "")
        return Fraction(compact) / scale if _NUMBER.match(compact) else None
    except (ValueError, ZeroDivisionError):
        return None
