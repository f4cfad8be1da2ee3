"""The kinds that are picked, not typed: choice, multiple_choice, ordering, matching."""

import json
from collections.abc import Mapping, Sequence
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
    Verdict,
    text_at,
)
from tutor.grading.typed import quoted

MAX_POSTED = 20_000


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the choices of a step."""

    id: str
    text: str
    feedback: str
    misconception: str


@dataclass(frozen=True, slots=True)
class ChoiceSpec(AnswerSpec[tuple[str, ...]]):
    """One choice, or a set of them."""

    correct: frozenset[str]
    choices: tuple[Choice, ...]
    is_single: bool

    def read(self, raw: str, *, is_authored: bool = False) -> Reading[tuple[str, ...]]:
        picked = [raw] if self.is_single and raw in _ids(self.choices) else ids_posted(raw)
        if not picked:
            return Unreadable(
                "Pick one of the answers first."
                if self.is_single
                else "Pick at least one of the answers first."
            )
        if self.is_single and len(picked) > 1:
            return Unreadable(f"Pick one answer; {len(picked)} were picked.")
        unknown = _unknown(picked, self.choices)
        if unknown:
            return unknown
        ids = tuple(sorted(set(picked)))
        return Parsed(ids, ids[0] if self.is_single else json.dumps(ids, separators=(",", ":")))

    def grade(self, parsed: Parsed[tuple[str, ...]], checker: SymbolicChecker) -> Outcome:
        picked = set(parsed.value)
        is_correct = picked == self.correct
        told = [
            choice
            for choice in self.choices
            if choice.id in picked and (is_correct or choice.id not in self.correct)
        ]
        message = "\n\n".join(choice.feedback for choice in told if choice.feedback)
        if is_correct:
            return Outcome(Verdict.SAME, message) if message else RIGHT
        if not message and not self.is_single and picked < self.correct:
            message = "What you picked is right, but something is missing."
        names = [choice.misconception for choice in told if choice.misconception]
        return Outcome(Verdict.DIFFERENT, message, names[0] if names else None)

    def matches(
        self,
        given: Parsed[tuple[str, ...]],
        listed: Parsed[tuple[str, ...]],
        checker: SymbolicChecker,
    ) -> bool:
        return given.value == listed.value

    def expected(self) -> str:
        texts = [choice.text for choice in self.choices if choice.id in self.correct]
        return texts[0] if self.is_single else "\n".join(f"- {text}" for text in texts)


@dataclass(frozen=True, slots=True)
class OrderingSpec(AnswerSpec[tuple[str, ...]]):
    """All choices, in order."""

    correct: tuple[str, ...]
    choices: tuple[Choice, ...]

    def read(self, raw: str, *, is_authored: bool = False) -> Reading[tuple[str, ...]]:
        order = tuple(ids_posted(raw))
        if not order:
            return Unreadable("Put the lines in order first.")
        unknown = _unknown(order, self.choices)
        if unknown:
            return unknown
        if len(set(order)) < len(order):
            return Unreadable("Two lines share one place. Give every line a place of its own.")
        if len(order) < len(self.correct):
            missing = len(self.correct) - len(order)
            return Unreadable(
                f"Give every line a place; {missing} of {len(self.correct)} have none."
            )
        return Parsed(order, json.dumps(order, separators=(",", ":")))

    def grade(self, parsed: Parsed[tuple[str, ...]], checker: SymbolicChecker) -> Outcome:
        return RIGHT if parsed.value == self.correct else WRONG

    def matches(
        self,
        given: Parsed[tuple[str, ...]],
        listed: Parsed[tuple[str, ...]],
        checker: SymbolicChecker,
    ) -> bool:
        return given.value == listed.value

    def expected(self) -> str:
        texts = {choice.id: choice.text for choice in self.choices}
        return "\n".join(f"{place}. {texts[id_]}" for place, id_ in enumerate(self.correct, 1))


@dataclass(frozen=True, slots=True)
class MatchingSpec(AnswerSpec[Mapping[str, str]]):
    """One of the choices for each line on the left."""

    left: tuple[tuple[str, str], ...]
    correct: Mapping[str, str]
    choices: tuple[Choice, ...]

    def read(self, raw: str, *, is_authored: bool = False) -> Reading[Mapping[str, str]]:
        pairs = pairs_posted(raw)
        if pairs is None:
            return Unreadable("We could not read the pairs. Pick one answer for each line.")
        known = {id_ for id_, _ in self.left}
        stray = [id_ for id_ in pairs if id_ not in known]
        if stray:
            return Unreadable(
                f"There is no line {quoted(stray[0])}. Reload the page and try again."
            )
        unknown = _unknown([id_ for id_ in pairs.values() if id_], self.choices)
        if unknown:
            return unknown
        missing = sum(not pairs.get(id_) for id_ in known)
        if missing:
            return Unreadable(
                f"Pick an answer for every line; {missing} of {len(known)} have none."
            )
        ordered = {id_: pairs[id_] for id_, _ in self.left}
        return Parsed(ordered, json.dumps(ordered, separators=(",", ":")))

    def grade(self, parsed: Parsed[Mapping[str, str]], checker: SymbolicChecker) -> Outcome:
        right = sum(self.correct[id_] == picked for id_, picked in parsed.value.items())
        if right == len(self.left):
            return RIGHT
        return Outcome(Verdict.DIFFERENT, f"{right} of {len(self.left)} pairs are right.")

    def matches(
        self,
        given: Parsed[Mapping[str, str]],
        listed: Parsed[Mapping[str, str]],
        checker: SymbolicChecker,
    ) -> bool:
        return given.value == listed.value

    def expected(self) -> str:
        texts = {choice.id: choice.text for choice in self.choices}
        return "\n".join(f"- {text} — {texts[self.correct[id_]]}" for id_, text in self.left)


def choices_read(choices: Sequence[Document], problems: Problems) -> tuple[Choice, ...]:
    """The step's choices; a missing or repeated id is noted."""
    read: list[Choice] = []
    seen: set[str] = set()
    for index, choice in enumerate(choices):
        id_ = text_at(choice, "id")
        if not id_ or id_ in seen:
            problems.add("/choices", choice.get("id"), f"an id of its own for choice {index + 1}")
            continue
        seen.add(id_)
        read.append(
            Choice(id_, text_at(choice, "text"), text_at(choice, "feedback"),
                   text_at(choice, "misconception"))
        )  # fmt: skip
    return tuple(read)


def choice_spec(
    answer: Document, choices: Sequence[Document], problems: Problems
) -> ChoiceSpec | None:
    """The spec of `choice` or `multiple_choice`, or None when `problems` tells why not."""
    problems.keys(["correct"])
    is_single = answer.get("kind") == "choice"
    read = choices_read(choices, problems)
    correct = answer.get("correct")
    if is_single:
        picked: tuple[str, ...] = (correct,) if isinstance(correct, str) else ()
        if not picked:
            problems.add("/correct", correct, "the id of the right choice")
    else:
        picked = problems.texts("correct")
        if not picked:
            problems.add("/correct", correct, "a list of at least one choice id")
    _known(picked, read, problems, "/correct")
    if len(read) < 2:
        problems.add("/choices", [choice.id for choice in read], "two choices or more")
    return None if problems.found else ChoiceSpec(frozenset(picked), read, is_single)


def ordering_spec(choices: Sequence[Document], problems: Problems) -> OrderingSpec | None:
    """The spec, or None when `problems` tells why not."""
    problems.keys(["correct"])
    read = choices_read(choices, problems)
    correct = problems.texts("correct")
    _known(correct, read, problems, "/correct")
    if sorted(correct) != sorted(_ids(read)) or len(correct) < 2:
        problems.add("/correct", list(correct), "the ids of all choices (two or more), once each")
    return None if problems.found else OrderingSpec(correct, read)


def matching_spec(
    answer: Document, choices: Sequence[Document], problems: Problems
) -> MatchingSpec | None:
    """The spec, or None when `problems` tells why not."""
    problems.keys(["left", "correct"])
    read = choices_read(choices, problems)
    left: list[tuple[str, str]] = []
    lines = answer.get("left")
    if not isinstance(lines, Sequence) or isinstance(lines, str) or not lines:
        problems.add("/left", lines, "a list of {id, text}")
        lines = ()
    for index, line in enumerate(lines):
        id_ = text_at(line, "id") if isinstance(line, Mapping) else ""
        if not isinstance(line, Mapping) or not id_ or id_ in dict(left):
            problems.add(f"/left/{index}", line, "{id, text} with an id of its own")
            continue
        left.append((id_, text_at(line, "text")))
    correct = answer.get("correct")
    pairs: dict[str, str] = {}
    if not isinstance(correct, Mapping):
        problems.add("/correct", correct, "an object {left id: choice id}")
    else:
        pairs = {str(key): value for key, value in correct.items() if isinstance(value, str)}
        if pairs.keys() != dict(left).keys() or len(pairs) != len(correct):
            problems.add("/correct", correct, "one choice id for each id of left")
        _known(tuple(pairs.values()), read, problems, "/correct")
    return None if problems.found else MatchingSpec(tuple(left), pairs, read)


def ids_posted(raw: str) -> list[str]:
    """Ids from a JSON list, or from a text with one id a line or separated by commas."""
    text = raw.strip()
    if len(text) > MAX_POSTED:
        return []
    if text.startswith("["):
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            return []
        return [part for part in found if isinstance(part, str)] if isinstance(found, list) else []
    return [part.strip() for part in text.replace(",", "\n").splitlines() if part.strip()]


def pairs_posted(raw: str) -> dict[str, str] | None:
    """Pairs from a JSON object, or from lines of `left=choice`; None when neither."""
    text = raw.strip()
    if len(text) > MAX_POSTED:
        return None
    if text.startswith("{"):
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            return None
        return {key: part for key, part in found.items() if isinstance(part, str)}
    lines = [line for line in text.replace(",", "\n").splitlines() if line.strip()]
    pairs = [line.partition("=") for line in lines]
    if any(not mark for _, mark, _ in pairs):
        return None
    return {left.strip(): right.strip() for left, _, right in pairs}


def _ids(choices: Sequence[Choice]) -> list[str]:
    return [choice.id for choice in choices]


def _unknown(picked: Sequence[str], choices: Sequence[Choice]) -> Unreadable | None:
    known = _ids(choices)
    for id_ in picked:
        if id_ not in known:
            return Unreadable(f"There is no answer {quoted(id_)}. Reload the page and try again.")
    return None


def _known(
    picked: Sequence[str], choices: Sequence[Choice], problems: Problems, pointer: str
) -> None:
    known = _ids(choices)
    for id_ in picked:
        if id_ not in known:
            problems.add(pointer, id_, f"an id of the choices: {', '.join(known) or 'none'}")
