"""The worked examples of the lessons: every box has what belongs there, and it is right."""

import re
from typing import Any

import pytest
import sympy

from tutor.content.demo.assemble import demo_bundle
from tutor.content.gaps import steps_filled
from tutor.content.text import formulas_unrenderable

LESSONS = {lesson["id"]: lesson for lesson in demo_bundle()["lessons"]}
_BOX = r"\square"
_NUMBERS = re.compile(r"[\d\s.+*/()=<>-]+")


def _gaps(lesson: dict[str, Any]) -> tuple[list[str], list[str]]:
    """The steps that have boxes, and what belongs there."""
    (example,) = [e for e in lesson["worked_examples"] if "gaps" in e]
    return example["steps"], example["gaps"]


def _plain(tex: str) -> str:
    text = re.sub(r"(\d+)\\frac\{(-?\d+)\}\{(-?\d+)\}", r"(\1+(\2)/(\3))", tex)
    text = re.sub(r"\\frac\{([^{}]*)\}\{([^{}]*)\}", r"((\1)/(\2))", text)
    for written, meant in {r"\times": "*", r"\div": "/", r"\,": "", "^": "**"}.items():
        text = text.replace(written, meant)
    return text


@pytest.mark.parametrize("lesson_id", LESSONS)
def test_every_line_of_the_last_example_has_a_box_to_fill(lesson_id: str) -> None:
    steps, held = _gaps(LESSONS[lesson_id])
    assert [step.count(_BOX) for step in steps] == [1, 1, 1]
    assert len(held) == 3
    assert "gaps" in LESSONS[lesson_id]["worked_examples"][-1]


@pytest.mark.parametrize("lesson_id", LESSONS)
def test_what_belongs_in_the_boxes_can_be_drawn_there(lesson_id: str) -> None:
    for text in steps_filled(*_gaps(LESSONS[lesson_id])):
        assert formulas_unrenderable(text) == [], text


@pytest.mark.parametrize("lesson_id", LESSONS)
def test_no_line_that_is_seen_at_once_tells_what_belongs_in_the_boxes(lesson_id: str) -> None:
    steps, _ = _gaps(LESSONS[lesson_id])
    assert not any("boxes hold" in step for step in steps)


@pytest.mark.parametrize("lesson_id", LESSONS)
def test_the_first_example_is_worked_out_without_a_gap(lesson_id: str) -> None:
    first = LESSONS[lesson_id]["worked_examples"][0]
    # A box may stand in the question, not in the work that answers it.
    assert not any(_BOX in step or "…" in step for step in first["steps"][1:])


@pytest.mark.parametrize("lesson_id", LESSONS)
def test_calculations_with_filled_boxes_are_true(lesson_id: str) -> None:
    steps, held = _gaps(LESSONS[lesson_id])
    values = iter(held)
    for step in steps:
        filled = re.sub(re.escape(_BOX), lambda _: next(values), step)
        for formula in re.findall(r"\$(.+?)\$", filled):
            text = _plain(formula)
            if "=" in text and _NUMBERS.fullmatch(text):
                sides = [sympy.sympify(side, rational=True) for side in text.split("=")]
                assert len(set(sides)) == 1, formula
