"""What every answer kind has in common: how it is read, compared, graded and shown."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Generic, Protocol, TypeVar

from tutor.grading.errors import AnswerProblem
from tutor.grading.syntax import Node

T = TypeVar("T")
Document = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Parsed(Generic[T]):
    """An answer that was read. `normalised` is one spelling for all that read alike."""

    value: T
    normalised: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An answer that was not read; the message says what was not understood."""

    message: str


Reading = Parsed[T] | Unreadable


@dataclass(frozen=True, slots=True)
class Graded:
    """The outcome of one answer. An unreadable one is not wrong and costs no attempt."""

    is_readable: bool
    is_correct: bool
    message: str
    misconception: str | None
    normalised: str


class Verdict(Enum):
    """What a comparison found; UNDECIDED is never reported as wrong."""

    SAME = "same"
    DIFFERENT = "different"
    UNDECIDED = "undecided"


class SymbolicChecker(Protocol):
    """Decides about expressions that exact arithmetic alone cannot compare."""

    def equivalent(self, left: Node, right: Node) -> Verdict:
        """Whether both are equal wherever both are real."""
        ...

    def factored(self, node: Node) -> Verdict:
        """SAME when the expression is a product of factors that split no further."""
        ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """Right or wrong, and what to say. UNDECIDED stands for "we cannot tell"."""

    verdict: Verdict
    message: str = ""
    misconception: str | None = None


RIGHT = Outcome(Verdict.SAME)
WRONG = Outcome(Verdict.DIFFERENT)
UNDECIDED_MESSAGE = (
    "We could not decide whether {shown} is right: it is too involved for us. "
    "Please simplify it and try again."
)


class AnswerSpec(ABC, Generic[T]):
    """One authored answer, ready to grade with."""

    @abstractmethod
    def read(self, raw: str, *, is_authored: bool = False) -> Reading[T]:
        """Read what was posted. An author's feedback entry may leave out units."""

    @abstractmethod
    def grade(self, parsed: Parsed[T], checker: SymbolicChecker) -> Outcome:
        """Right or wrong, without the author's feedback."""

    @abstractmethod
    def matches(self, given: Parsed[T], listed: Parsed[T], checker: SymbolicChecker) -> bool:
        """Whether the learner gave the answer that a feedback entry lists."""

    @abstractmethod
    def expected(self) -> str:
        """The right answer as a learner is shown it, in Markdown and LaTeX."""

    def judge(self, raw: str, *, feedback: Sequence[Document], checker: SymbolicChecker) -> Graded:
        """Read, grade, and look for the author's feedback."""
        parsed = self.read(raw)
        if isinstance(parsed, Unreadable):
            return Graded(False, False, parsed.message, None, "")
        outcome = self.grade(parsed, checker)
        if outcome.verdict is Verdict.UNDECIDED:
            message = outcome.message or UNDECIDED_MESSAGE.format(shown=f"`{parsed.normalised}`")
            return Graded(False, False, message, None, "")
        is_correct = outcome.verdict is Verdict.SAME
        message, misconception = outcome.message, outcome.misconception
        if not is_correct:
            for entry in feedback:
                listed = self.read(posted(entry.get("answer")), is_authored=True)
                if isinstance(listed, Parsed) and self.matches(parsed, listed, checker):
                    message = text_at(entry, "text") or message
                    misconception = text_at(entry, "misconception") or None
                    break
        return Graded(True, is_correct, message, misconception, parsed.normalised)


def text_at(document: Document, key: str) -> str:
    """The text under a key, or nothing."""
    value = document.get(key)
    return value if isinstance(value, str) else ""


def posted(value: object) -> str:
    """An authored value as the text that a form would post."""
    if isinstance(value, str):
        return value
    if isinstance(value, Sequence):
        return "\n".join(str(part) for part in value)
    if isinstance(value, Mapping):
        return "\n".join(f"{key}={part}" for key, part in value.items())
    return "" if value is None or isinstance(value, bool) else str(value)


class Problems:
    """Collects what is wrong with an authored answer, so that all of it is told at once."""

    def __init__(self, answer: Document) -> None:
        self.answer = answer
        self.found: list[AnswerProblem] = []

    def add(self, pointer: str, value: object, expected: str) -> None:
        self.found.append(AnswerProblem(pointer, value, expected))

    def keys(self, required: Sequence[str], optional: Sequence[str] = ()) -> None:
        """Note unknown and missing keys."""
        allowed = {"kind", *required, *optional}
        for key in self.answer:
            if key not in allowed:
                self.add(
                    f"/{key}", self.answer[key], f"one of the keys {', '.join(sorted(allowed))}"
                )
        for key in required:
            if key not in self.answer:
                self.add(f"/{key}", None, "a value")

    def one_of(self, key: str, default: str, allowed: Sequence[str]) -> str:
        value = self.answer.get(key, default)
        if not isinstance(value, str) or value not in allowed:
            self.add(f"/{key}", value, f"one of {', '.join(allowed)}")
            return default
        return value

    def texts(self, key: str, default: Sequence[str] = ()) -> tuple[str, ...]:
        value = self.answer.get(key, list(default))
        if not isinstance(value, Sequence) or isinstance(value, str):
            self.add(f"/{key}", value, "a list of texts")
            return ()
        for index, part in enumerate(value):
            if not isinstance(part, str):
                self.add(f"/{key}/{index}", part, "a text")
        return tuple(part for part in value if isinstance(part, str))

    def claim(self, key: str) -> bool:
        value = self.answer.get(key, False)
        if not isinstance(value, bool):
            self.add(f"/{key}", value, "true or false")
        return value is True
