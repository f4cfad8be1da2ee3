"""The kinds `list` and `tuple`: several values, each read and compared as one kind."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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
from tutor.grading.splitting import parts_split, ratio_split, unbracketed
from tutor.grading.typed import length_message, quoted, typed, unwrapped

MAX_VALUES = 30
# Elements are of one kind, but which is known only when the answer is read.
Element = AnswerSpec[Any]
Elements = tuple[Parsed[Any], ...]
ElementMaker = Callable[[Document, Problems], Element | None]


@dataclass(frozen=True, slots=True)
class CollectionSpec(AnswerSpec[Elements]):
    """A list (order matters only when asked) or a tuple (order always matters)."""

    elements: tuple[Element, ...]
    is_tuple: bool
    is_ordered: bool

    def read(self, raw: str, *, is_authored: bool = False) -> Reading[Elements]:
        text = typed(raw)
        problem = length_message(text)
        if problem:
            return Unreadable(problem)
        inner = unbracketed(unwrapped(text), "()" if self.is_tuple else "{}")
        parts = parts_split(inner, are_words_read=not self.is_tuple)
        if self.is_tuple and len(parts) == 1:
            parts = ratio_split(inner)
        if len(parts) > MAX_VALUES:
            return Unreadable(f"We could not read {quoted(text)}: it has {len(parts)} values.")
        found: list[Parsed[Any]] = []
        for part in parts:
            if not part:
                return Unreadable(f"We could not read {quoted(text)}: a value is empty.")
            reading = self.elements[0].read(part, is_authored=is_authored)
            if isinstance(reading, Unreadable):
                return reading
            found.append(reading)
        if self.is_tuple and len(found) != len(self.elements):
            count = "1 value" if len(found) == 1 else f"{len(found)} values"
            return Unreadable(
                f"We read {count} in {quoted(text)}; {len(self.elements)} are asked for. "
                "Separate them by commas, as in (2, -3)."
            )
        normalised = "; ".join(parsed.normalised for parsed in found)
        return Parsed(tuple(found), f"({normalised})" if self.is_tuple else normalised)

    def grade(self, parsed: Parsed[Elements], checker: SymbolicChecker) -> Outcome:
        table = [
            [element.grade(given, checker) for given in parsed.value] for element in self.elements
        ]
        if self.is_ordered:
            pairs = list(zip(range(len(self.elements)), range(len(parsed.value)), strict=False))
        else:
            verdicts = [[cell.verdict is Verdict.SAME for cell in row] for row in table]
            pairs = _matched(verdicts)
        cells = [table[row][column] for row, column in pairs]
        right = sum(cell.verdict is Verdict.SAME for cell in cells)
        if right == len(self.elements) == len(parsed.value):
            return RIGHT
        if any(cell.verdict is Verdict.UNDECIDED for row in table for cell in row):
            return Outcome(Verdict.UNDECIDED)
        if right == len(self.elements):
            return Outcome(Verdict.DIFFERENT, "Everything that is asked is there, and more.")
        if right and right == len(parsed.value):
            return Outcome(Verdict.DIFFERENT, "What you wrote is right, but something is missing.")
        return _hinted(table) or WRONG

    def matches(
        self, given: Parsed[Elements], listed: Parsed[Elements], checker: SymbolicChecker
    ) -> bool:
        if len(given.value) != len(listed.value):
            return False
        element = self.elements[0]
        table = [
            [element.matches(one, other, checker) for one in given.value] for other in listed.value
        ]
        if self.is_ordered:
            return all(table[place][place] for place in range(len(table)))
        return len(_matched(table)) == len(listed.value)

    def expected(self) -> str:
        shown = [element.expected() for element in self.elements]
        if self.is_tuple and all(text.startswith("$") and text.endswith("$") for text in shown):
            return f"$({', '.join(text.strip('$') for text in shown)})$"
        return f"({', '.join(shown)})" if self.is_tuple else ", ".join(shown)


def collection_spec(
    answer: Document, problems: Problems, makers: Mapping[str, ElementMaker]
) -> CollectionSpec | None:
    """The spec of `list` or `tuple`, or None when `problems` tells why not."""
    is_tuple = answer.get("kind") == "tuple"
    problems.keys(["values"], ["element"] if is_tuple else ["element", "ordered"])
    is_ordered = is_tuple or problems.claim("ordered")
    values = answer.get("values")
    if not isinstance(values, Sequence) or isinstance(values, str) or not values:
        problems.add("/values", values, "a list of at least one value")
        return None
    if len(values) > MAX_VALUES:
        problems.add("/values", len(values), f"at most {MAX_VALUES} values")
        return None
    element = answer.get("element", {"kind": "number"})
    kind = element.get("kind", "number") if isinstance(element, Mapping) else None
    if not isinstance(element, Mapping) or not isinstance(kind, str) or kind not in makers:
        problems.add("/element", element, f"an answer of kind {', '.join(makers)}, without value")
        return None
    elements = [
        _element(makers[kind], {**element, "kind": kind}, value, index, problems)
        for index, value in enumerate(values)
    ]
    made = tuple(one for one in elements if one is not None)
    return None if problems.found else CollectionSpec(made, is_tuple, is_ordered)


def _element(
    maker: ElementMaker, element: Document, value: object, index: int, problems: Problems
) -> Element | None:
    key = "accepted" if element.get("kind") == "text" else "value"
    content = [value] if key == "accepted" else value
    inner = Problems({**element, key: content})
    made = maker(inner.answer, inner)
    for problem in inner.found:
        is_value = problem.pointer.startswith(f"/{key}")
        pointer = f"/values/{index}" if is_value else f"/element{problem.pointer}"
        if all(known.pointer != pointer for known in problems.found):
            problems.add(pointer, problem.value, problem.expected)
    return made


def _hinted(table: list[list[Outcome]]) -> Outcome | None:
    for row in table:
        for cell in row:
            if cell.verdict is Verdict.DIFFERENT and cell.message:
                return Outcome(Verdict.DIFFERENT, cell.message)
    return None


def _matched(table: list[list[bool]]) -> list[tuple[int, int]]:
    """A largest pairing of rows with columns; tolerances can make a greedy one too small."""
    row_of: dict[int, int] = {}

    def paired(row: int, seen: set[int]) -> bool:
        for column, is_match in enumerate(table[row]):
            if is_match and column not in seen:
                seen.add(column)
                if column not in row_of or paired(row_of[column], seen):
                    row_of[column] = row
                    return True
        return False

    for row in range(len(table)):
        paired(row, set())
    return [(row, column) for column, row in row_of.items()]
