"""The problem on the screen: a revision's document with its variant filled in, as typed parts."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any

from tutor.content.models import ProblemRevision
from tutor.grading.variants import document_render

VARIANTS_KEPT = 512


@dataclass(frozen=True, slots=True)
class HintDocument:
    """Help on a step: a hint tells, a scaffold asks back and has an answer of its own."""

    key: str
    title: str
    text: str
    answer: Mapping[str, Any] | None
    choices: tuple[Mapping[str, Any], ...]

    @property
    def is_scaffold(self) -> bool:
        """Whether it asks back."""
        return self.answer is not None


@dataclass(frozen=True, slots=True)
class StepDocument:
    """One gradable step with its help, in Markdown."""

    key: str
    prompt: str
    answer: Mapping[str, Any]
    choices: tuple[Mapping[str, Any], ...]
    feedback: tuple[Mapping[str, Any], ...]
    hints: tuple[HintDocument, ...]
    solution: str


@dataclass(frozen=True, slots=True)
class ProblemDocument:
    """A problem's variant as a learner sees it."""

    title: str
    body: str
    licence: str
    attribution: str
    steps: tuple[StepDocument, ...]


_kept: OrderedDict[tuple[str, int], ProblemDocument] = OrderedDict()
_lock = Lock()


def problem_document(revision: ProblemRevision, *, seed: int) -> ProblemDocument:
    """Return the variant of a revision that a seed draws; kept in the process."""
    key = (revision.checksum, seed)
    with _lock:
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key]
    document = problem_of(document_render(revision.document, seed))
    with _lock:
        _kept[key] = document
        while len(_kept) > VARIANTS_KEPT:
            _kept.popitem(last=False)
    return document


def problem_documents_forget() -> None:
    """Drop every kept variant, for code that changes a document under its checksum."""
    with _lock:
        _kept.clear()


def problem_of(document: Mapping[str, Any]) -> ProblemDocument:
    """Arrange a drawn document as typed parts."""
    return ProblemDocument(
        title=document.get("title", ""),
        body=document.get("body", ""),
        licence=document.get("licence", ""),
        attribution=document.get("attribution", ""),
        steps=tuple(_step(step) for step in document["steps"]),
    )


def _step(step: Mapping[str, Any]) -> StepDocument:
    return StepDocument(
        key=step["id"],
        prompt=step.get("prompt", ""),
        answer=step["answer"],
        choices=tuple(step.get("choices", ())),
        feedback=tuple(step.get("feedback", ())),
        hints=tuple(_hint(hint) for hint in step.get("hints", ())),
        solution=step.get("solution", ""),
    )


def _hint(hint: Mapping[str, Any]) -> HintDocument:
    return HintDocument(
        key=hint["id"],
        title=hint.get("title", ""),
        text=hint.get("text", ""),
        answer=hint.get("answer"),
        choices=tuple(hint.get("choices", ())),
    )
