"""Grading on the site: the pure answer library with this process's symbolic checker."""

from collections.abc import Sequence

from tutor.grading.answers import answer_check
from tutor.grading.specs import Document, Graded
from tutor.grading.symbolic import symbolic_shared


def grade(
    answer: Document,
    raw: str,
    *,
    choices: Sequence[Document] = (),
    feedback: Sequence[Document] = (),
) -> Graded:
    """Grade a posted answer; the symbolic checker's child starts with the first need of it."""
    return answer_check(answer, raw, choices=choices, feedback=feedback, symbolic=symbolic_shared())
