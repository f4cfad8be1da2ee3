"""What a simulated learner writes: the right answer, or a wrong one that people really give."""

import json
from collections.abc import Iterator, Mapping
from fractions import Fraction
from random import Random
from typing import Any

from tutor.content.documents import StepDocument
from tutor.practice.grading import grade


def answer_right(step: StepDocument) -> str | None:
    """Return a text that is graded right; None for a kind that is not known here."""
    for raw in _right_texts(step.answer):
        if _is_right(step, raw):
            return raw
    return None


def answer_wrong(step: StepDocument, *, rng: Random) -> str | None:
    """Return a text that is read and graded wrong, by a known misconception where there is one."""
    told = [str(entry["answer"]) for entry in step.feedback if "answer" in entry]
    rng.shuffle(told)
    others = list(_wrong_texts(step, rng))
    for raw in (*told, *others):
        if _is_right(step, raw) is False:
            return raw
    return None


def _is_right(step: StepDocument, raw: str) -> bool | None:
    graded = grade(step.answer, raw, choices=step.choices, feedback=step.feedback)
    return graded.is_correct if graded.is_readable else None


def _right_texts(answer: Mapping[str, Any]) -> Iterator[str]:
    match answer["kind"]:
        case "choice":
            yield answer["correct"]
        case "multiple_choice" | "ordering" | "matching":
            yield json.dumps(answer["correct"])
        case "text":
            yield answer["accepted"][0]
        case "list":
            yield "; ".join(map(str, answer["values"]))
        case "tuple":
            yield "(" + ", ".join(map(str, answer["values"])) + ")"
        case _:
            value = str(answer["value"])
            yield value
            yield from (f"{value} {unit}" for unit in answer.get("units", ()))
            yield from _fraction_texts(value)


def _fraction_texts(value: str) -> Iterator[str]:
    """Spell a value in the forms that a step may ask for: lowest terms, and mixed."""
    try:
        fraction = Fraction(value.replace(" ", ""))
    except (ValueError, ZeroDivisionError):
        return
    yield str(fraction)
    whole, rest = divmod(abs(fraction), 1)
    if rest:
        sign = "-" if fraction < 0 else ""
        yield f"{sign}{whole} {rest}" if whole else f"{sign}{rest}"


def _wrong_texts(step: StepDocument, rng: Random) -> Iterator[str]:
    answer = step.answer
    ids = [str(choice["id"]) for choice in step.choices]
    rng.shuffle(ids)
    match answer["kind"]:
        case "choice":
            yield from ids
        case "multiple_choice":
            yield json.dumps(ids[:1])
            yield json.dumps(ids)
        case "ordering":
            yield json.dumps(ids)
            yield json.dumps(ids[::-1])
        case "matching":
            left = list(answer["correct"])
            values = list(answer["correct"].values())
            yield json.dumps(dict(zip(left, values[1:] + values[:1], strict=True)))
        case "list" | "tuple":
            values = [str(value) for value in answer["values"]]
            yield "(" + ", ".join(values[::-1]) + ")"
            yield ", ".join(["1", *values[1:]])
            yield "(" + ", ".join(["1", *values[1:]]) + ")"
        case "text":
            yield "not sure"
        case _:
            unit = "".join(f" {unit}" for unit in answer.get("units", ())[:1])
            yield f"{rng.randint(2, 9)}/{rng.randint(10, 19)}{unit}"
            yield f"{rng.randint(2, 19)}{unit}"
