"""The kind `interval`: sets of numbers between ends, as intervals or inequalities."""

from dataclasses import dataclass

from tutor.grading.intervals import Piece, intervals_read, set_tex, set_text
from tutor.grading.specs import (
    RIGHT,
    WRONG,
    AnswerSpec,
    Document,
    Outcome,
    Parsed,
    Problems,
    Reading,
    SymbolicChecker,
    Unreadable,
    Verdict,
)

Pieces = tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class IntervalSpec(AnswerSpec[Pieces]):
    """An interval, or several joined by `or`."""

    value: Pieces

    def read(self, raw: str, *, is_authored: bool = False) -> Reading[Pieces]:
        found = intervals_read(raw)
        return found if isinstance(found, Unreadable) else Parsed(found, set_text(found))

    def grade(self, parsed: Parsed[Pieces], checker: SymbolicChecker) -> Outcome:
        if parsed.value == self.value:
            return RIGHT
        if _ends(parsed.value) == _ends(self.value):
            return Outcome(
                Verdict.DIFFERENT,
                "The ends are right. Look again at which of them belong to the set.",
            )
        return WRONG

    def matches(
        self, given: Parsed[Pieces], listed: Parsed[Pieces], checker: SymbolicChecker
    ) -> bool:
        return given.value == listed.value

    def expected(self) -> str:
        return f"${set_tex(self.value)}$"


def interval_spec(answer: Document, problems: Problems) -> IntervalSpec | None:
    """The spec, or None when `problems` tells why not."""
    problems.keys(["value"])
    value = answer.get("value")
    found = intervals_read(value) if isinstance(value, str) else Unreadable("It is not a text.")
    if isinstance(found, Unreadable):
        problems.add("/value", value, f"an interval such as [-3, 5) ({found.message.rstrip('.')})")
    if isinstance(found, Unreadable) or problems.found:
        return None
    return IntervalSpec(found)


def _ends(pieces: Pieces) -> list[tuple[object, object]]:
    return [(piece.low, piece.high) for piece in pieces]
