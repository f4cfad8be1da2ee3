"""Answers in words: the right word follows from the formulas that a learner reads."""

import ast
import re
from collections.abc import Iterator
from typing import Any

import pytest
import sympy

from tutor.content.demo.assemble import demo_bundle
from tutor.grading.variants import document_render

SEEDS = range(25)
PROBLEMS = {problem["id"]: problem for problem in demo_bundle()["problems"]}
_FORMULA = re.compile(r"\$(.+?)\$")
_VERBS: dict[type[ast.operator], str] = {
    ast.Add: "add",
    ast.Sub: "subtract",
    ast.Mult: "multiply",
    ast.Div: "divide",
}


def _variants(problem_id: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The text of a problem with one step, and the step."""
    for seed in SEEDS:
        variant: Any = document_render(PROBLEMS[problem_id], seed)
        (step,) = variant["steps"]
        yield f"{variant.get('body', '')} {step['prompt']}", step


def _plain(tex: str) -> str:
    text = re.sub(r"\\frac\{(\d+)\}\{(\d+)\}", r"(Integer(\1)/\2)", tex)
    return text.replace(r"\times", "*").replace(r"\div", "/")


def test_the_operation_at_the_top_of_an_expression_comes_last() -> None:
    asked = set()
    for text, step in _variants("order-of-operations-last"):
        top = ast.parse(_plain(_FORMULA.findall(text)[0]), mode="eval").body
        assert isinstance(top, ast.BinOp)
        last = _VERBS[type(top.op)]
        inner = top.left if isinstance(top.left, ast.BinOp) else top.right
        assert isinstance(inner, ast.BinOp)
        assert step["answer"]["accepted"][0] == last
        assert step["feedback"][0]["answer"] == _VERBS[type(inner.op)]
        asked.add(last)
    assert asked == {"add", "subtract", "multiply"}


def test_the_base_is_what_is_multiplied_and_the_exponent_counts() -> None:
    for text, step in _variants("powers-name-it"):
        base, exponent = _FORMULA.findall(text)[0].split("^")
        asked = re.findall(r"\d+", _FORMULA.sub("", text))
        assert len(asked) == 1
        names = {base: "base", exponent: "exponent"}
        assert step["answer"]["accepted"][0] == names.pop(asked[0])
        assert [step["feedback"][0]["answer"]] == list(names.values())


@pytest.mark.parametrize("problem_id", ["subtract-signed-rule", "divide-rule"])
def test_the_rule_is_shown_on_a_calculation_that_is_right(problem_id: str) -> None:
    for text, _ in _variants(problem_id):
        formulas = [formula for formula in _FORMULA.findall(text) if formula != r"\square"]
        sides = [side for formula in formulas for side in formula.split("=")]
        values = [sympy.sympify(_plain(side)) for side in sides]
        assert len(values) in {2, 4}
        assert values[0::2] == values[1::2]
