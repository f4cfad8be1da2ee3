"""The worked examples of the lessons: every box has what belongs there, and it is right."""

import re
from typing import Any

import pytest
import sympy

from tutor.content.demo.assemble import demo_bundle

LESSONS = {lesson["id"]: lesson for lesson in demo_bundle()["lessons"]}
_BOX = r"\square"
_NUMBERS = re.compile(r"[\d\s.+*/()=<>-]+")


def _gaps(lesson: dict[str, Any]) -> tuple[list[str], list[str]]:
    """The steps that have boxes, and what the last line says about them."""
    (example,) = [e for e in lesson["worked_examples"] if e["title"] == "Fill the gaps yourself"]
    *steps, told = example["steps"]
    found = re.match(r"The boxes(?: of the steps)? hold (.+?)(?:\.(?!\d)|: )", told)
    assert found, told
    return steps, re.split(r", | and ", found[1])


def _plain(tex: str) -> str:
    text = re.sub(r"(\d+)\\frac\{(-?\d+)\}\{(-?\d+)\}", r"(\1+(\2)/(\3))", tex)
    text = re.sub(r"\\frac\{([^{}]*)\}\{([^{}]*)\}", r"((\1)/(\2))", text)
    for written, meant in {r"\times": "*", r"\div": "/", r"\,": "", "^": "**"}.items():
        text = text.replace(written, meant)
    return text


@pytest.mark.parametrize("lesson_id", LESSONS)
def test_every_box_of_an_example_is_filled_at_its_end(lesson_id: str) -> None:
    steps, held = _gaps(LESSONS[lesson_id])
    assert sum(step.count(_BOX) for step in steps) == len(held) == 3


@pytest.mark.parametrize("lesson_id", LESSONS)
def test_the_first_example_is_worked_out_without_a_gap(lesson_id: str) -> None:
    first = LESSONS[lesson_id]["worked_examples"][0]
    # A box may stand in the question, not in the work that answers it.
    assert not any(_BOX in step or "…" in step for step in first["steps"][1:])


@pytest.mark.parametrize("lesson_id", LESSONS)
def test_calculations_with_filled_boxes_are_true(lesson_id: str) -> None:
    steps, held = _gaps(LESSONS[lesson_id])
    values = iter(value.strip("$") for value in held)
    for step in steps:
        filled = re.sub(re.escape(_BOX), lambda _: next(values), step)
        for formula in re.findall(r"\$(.+?)\$", filled):
            text = _plain(formula)
            if "=" in text and _NUMBERS.fullmatch(text):
                sides = [sympy.sympify(side, rational=True) for side in text.split("=")]
                assert len(set(sides)) == 1, formula
