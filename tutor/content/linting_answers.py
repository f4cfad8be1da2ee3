"""Lint rules that need the checker: answers, known mistakes, choices."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from tutor.content.bundles import Document
from tutor.content.linting_texts import Told
from tutor.grading.answers import answer_check, answer_validate
from tutor.grading.quantities import quantity_read
from tutor.grading.specs import Graded, Unreadable, posted
from tutor.grading.symbolic import symbolic_shared

_PICTURE = re.compile(
    r"parts=(?P<parts>\d+) shaded=(?P<shaded>\d+)|mark=(?P<mark>-?\d+(?:/\d+)?)(?=\s)"
)


def answer_posted(answer: Document) -> str:
    """What a learner who knows the answer writes or picks."""
    kind = answer["kind"]
    if kind in {"number", "fraction", "expression", "interval"}:
        return " ".join([str(answer["value"]), *answer.get("units", [])[:1]])
    if kind == "text":
        return str(answer["accepted"][0])
    if kind == "tuple":
        return "(" + ", ".join(map(str, answer["values"])) + ")"
    if kind == "list":
        values = list(map(str, answer["values"]))
        # Where the order is free, the author's own must not be the only one that counts.
        return "; ".join(values if answer.get("ordered") else values[::-1])
    return posted(answer["correct"])


def answers_lint(step: Document) -> Iterator[Told]:
    """The step's answer, and each scaffold's, is accepted by its own checker."""
    for below, asked in _asked(step):
        problems = answer_validate(asked["answer"], choices=asked.get("choices", ()))
        for problem in problems:
            yield Told(
                f"{below}/answer{problem.pointer}",
                f"The answer {problem.value!r} cannot be graded with; expected {problem.expected}.",
            )
        if problems:
            continue
        given = answer_posted(asked["answer"])
        graded = _check(asked, given)
        if not graded.is_correct:
            reason = graded.message or "it is graded as wrong"
            yield Told(f"{below}/answer", f"The answer '{given}' is not accepted: {reason}.")


def feedback_lint(step: Document) -> Iterator[Told]:
    """Every known mistake is wrong and is answered with its own words."""
    for at, entry in enumerate(step.get("feedback", ())):
        given = posted(entry["answer"])
        graded = _check(step, given)
        yield from _rejected(
            graded, entry["text"], entry.get("misconception"), f"/feedback/{at}", given
        )
    answer = step["answer"]
    if answer["kind"] not in {"choice", "multiple_choice"}:
        return
    right = {answer["correct"]} if isinstance(answer["correct"], str) else set(answer["correct"])
    for at, choice in enumerate(step.get("choices", ())):
        if choice["id"] in right:
            if "misconception" in choice:
                yield Told(f"/choices/{at}/misconception", "A right choice is no misconception.")
            continue
        graded = _check(step, choice["id"])
        yield from _rejected(
            graded,
            choice.get("feedback", ""),
            choice.get("misconception"),
            f"/choices/{at}",
            choice["id"],
        )


def choices_lint(step: Document) -> Iterator[Told]:
    """No two choices look alike, and where one is right no two stand for the same amount."""
    for below, asked in _asked(step):
        choices: Sequence[dict[str, Any]] = asked.get("choices", ())
        texts = [re.sub(r' label="[^"]*"', "", choice["text"]).strip() for choice in choices]
        for text, times in Counter(texts).items():
            if times > 1:
                yield Told(
                    f"{below}/choices/{texts.index(text)}/text",
                    f"{times} choices look alike: '{text}'.",
                )
        if asked["answer"]["kind"] != "choice":
            continue
        amounts = [_amount(text) for text in texts]
        for amount, times in Counter(a for a in amounts if a is not None).items():
            if times > 1:
                yield Told(
                    f"{below}/choices/{amounts.index(amount)}/text",
                    f"{times} choices stand for the same amount, {amount[0]} {amount[1]}".rstrip()
                    + ".",
                )


def _asked(step: Document) -> Iterator[tuple[str, Document]]:
    yield "", step
    for at, hint in enumerate(step.get("hints", ())):
        if "answer" in hint:
            yield f"/hints/{at}", hint


def _check(asked: Document, raw: str) -> Graded:
    return answer_check(
        asked["answer"],
        raw,
        choices=asked.get("choices", ()),
        feedback=asked.get("feedback", ()),
        symbolic=symbolic_shared(),
    )


def _rejected(
    graded: Graded, text: str, misconception: str | None, below: str, given: str
) -> Iterator[Told]:
    if not graded.is_readable:
        yield Told(below, f"'{given}' cannot be read: {graded.message}")
    elif graded.is_correct:
        yield Told(below, f"'{given}' is graded as right, but stands as a mistake.")
    elif graded.message != text:
        yield Told(below, f"Who gives '{given}' is told '{graded.message}', not '{text}'.")
    elif graded.misconception != misconception:
        yield Told(
            below, f"'{given}' counts as {graded.misconception!r}, expected {misconception!r}."
        )


def _amount(text: str) -> tuple[str, str] | None:
    """The amount that a picture or a lone number shows, and its unit."""
    picture = _PICTURE.search(text)
    if picture:
        shown = picture["mark"] or f"{picture['shaded']}/{picture['parts']}"
    elif "```" in text:
        return None
    else:
        shown = text.removeprefix("$").removesuffix("$")
    read = quantity_read(shown)
    return None if isinstance(read, Unreadable) else (str(read.value), read.unit)
