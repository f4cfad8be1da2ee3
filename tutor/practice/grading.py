"""Grading on the site: the pure answer library with the site's symbolic checker."""

from functools import cache

from tutor.grading.answers import answer_check
from tutor.grading.specs import Document, Graded
from tutor.grading.symbolic import SymbolicHelper


@cache
def checker() -> SymbolicHelper:
    """Return this process's checker; its child starts with the first question put to it."""
    return SymbolicHelper()


def grade(
    answer: Document,
    raw: str,
    *,
    choices: tuple[Document, ...] = (),
    feedback: tuple[Document, ...] = (),
) -> Graded:
    """Grade a posted answer."""
    return answer_check(answer, raw, choices=choices, feedback=feedback, symbolic=checker())
