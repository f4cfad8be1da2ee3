"""The kind `text`: words."""

from dataclasses import dataclass

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
)
from tutor.grading.typed import EMPTY_MESSAGE, length_message, typed, words


@dataclass(frozen=True, slots=True)
class TextSpec(AnswerSpec[str]):
    """Words; spaces, accents and (unless asked) case make no difference."""

    accepted: tuple[str, ...]
    is_case_sensitive: bool

    def read(self, raw: str, *, is_authored: bool = False) -> Reading[str]:
        text = typed(raw)
        problem = length_message(text)
        if problem:
            return Unreadable(problem)
        found = words(text, is_case_sensitive=self.is_case_sensitive)
        return Parsed(found, found) if found else Unreadable(EMPTY_MESSAGE)

    def grade(self, parsed: Parsed[str], checker: SymbolicChecker) -> Outcome:
        accepted = (words(a, is_case_sensitive=self.is_case_sensitive) for a in self.accepted)
        return RIGHT if parsed.value in accepted else WRONG

    def matches(self, given: Parsed[str], listed: Parsed[str], checker: SymbolicChecker) -> bool:
        return given.value == listed.value

    def expected(self) -> str:
        return self.accepted[0]


def text_spec(answer: Document, problems: Problems) -> TextSpec | None:
    """The spec, or None when `problems` tells why not."""
    problems.keys(["accepted"], ["case_sensitive"])
    accepted = problems.texts("accepted")
    is_case_sensitive = problems.claim("case_sensitive")
    if not accepted:
        problems.add("/accepted", answer.get("accepted"), "a list of at least one text")
    for index, text in enumerate(accepted):
        if not words(text):
            problems.add(f"/accepted/{index}", text, "words, not an empty text")
    return None if problems.found else TextSpec(accepted, is_case_sensitive)
