"""What is being typed, shown as maths while one types; nothing is graded or recorded."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.safestring import SafeString

from tutor.content.text import text_inline
from tutor.grading.answers import answer_read
from tutor.grading.printing import expression_tex
from tutor.grading.reading import expression_read
from tutor.grading.specs import Unreadable
from tutor.practice.models import Session
from tutor.practice.recording import Scene, scene_of

# Kinds whose typed text is mathematics; `text` is words, the others are picked.
MATHS_KINDS = frozenset({"number", "fraction", "expression", "interval", "list", "tuple"})
LONGEST = 400


@dataclass(frozen=True, slots=True)
class Preview:
    """The typed answer as maths, or what could not be read of it; both blank shows nothing."""

    maths: SafeString | None = None
    problem: SafeString | None = None


def answer_preview(session: Session, *, raw: str, hint_key: str = "") -> Preview:
    """Read what was typed so far for the step at hand, or for one of its helping questions."""
    scene = scene_of(session)
    if scene is None or not raw.strip() or len(raw) > LONGEST:
        return Preview()
    answer = _answer_at(scene, hint_key)
    if answer is None or answer["kind"] not in MATHS_KINDS:
        return Preview()
    reading = answer_read(answer, raw)
    if isinstance(reading, Unreadable):
        return Preview(problem=text_inline(reading.message))
    # As typed, never as normalised: 2/4 must not turn into 1/2 before the learner's eyes.
    tree = expression_read(raw)
    if isinstance(tree, Unreadable):
        return Preview()
    return Preview(maths=text_inline(f"${expression_tex(tree)}$"))


def _answer_at(scene: Scene, hint_key: str) -> Mapping[str, Any] | None:
    if not hint_key:
        return scene.step.answer
    return next((hint.answer for hint in scene.step.hints if hint.key == hint_key), None)
