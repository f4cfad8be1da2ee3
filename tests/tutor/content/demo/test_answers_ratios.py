"""The part from ratios to percentage change: answers worked out again from what a learner reads.

Nothing here looks at a template or its variables: the numbers are read off the rendered text and
pictures, and the answer is computed in another way than the author did.
"""

import re
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import pytest
import sympy

from tests.tutor.content.demo.ratios_case import PROBLEMS, drawn, seen, text_shown, variants

WORKED_OUT = {"number", "fraction", "tuple", "list", "expression", "interval"}
Answer = Fraction | tuple[Fraction, ...]
Numbers = Sequence[Fraction]
Expected = Callable[[Numbers, str], Answer]


def _pair(value: Fraction) -> Answer:
    return Fraction(value.numerator), Fraction(value.denominator)


def _share(n: Numbers, which: int) -> Fraction:
    """The share of the first or second in an amount n[0], counted out part by part."""
    part = n[0] / sum(n[1:3])
    return sum([part] * int(n[1 + which]), Fraction(0))


def _slope(n: Numbers, _: str) -> Answer:
    (slope,) = {y / x for x, y in zip(n[:3], n[3:], strict=True)}
    return slope


EXPECTED: dict[str, Expected] = {
    "ratio-write-a": lambda n, t: (n[0], n[1]) if "red to green" in t else (n[1], n[0]),
    "ratio-read-strips-a": lambda n, t: (n[1], n[0] + n[1]),
    "ratio-fraction-a": lambda n, t: n[0] / (n[0] + n[1]),
    "equivalent-ratios-missing-a": lambda n, t: n[2] * n[0] / n[1],
    "equivalent-ratios-simplest-a": lambda n, t: _pair(n[0] / n[1]),
    "equivalent-ratios-units-a": lambda n, t: _pair(n[0] / 100 / n[1]),
    "equivalent-ratios-table-a": lambda n, t: (n[1] * n[2] / n[0], n[3] * n[0] / n[2]),
    "share-in-ratio-guided-a": lambda n, t: n[1] + n[2],
    "share-in-ratio-guided-b": lambda n, t: n[0] / (n[1] + n[2]),
    "share-in-ratio-guided-c": lambda n, t: _share(n, 0),
    "share-in-ratio-both-a": lambda n, t: (_share(n, 0), _share(n, 1)),
    "share-in-ratio-one-known-a": lambda n, t: n[2] * n[1] / n[0],
    "share-in-ratio-difference-a": lambda n, t: n[2] * (n[0] + n[1]) / (n[1] - n[0]),
    "share-in-ratio-read-strips-a": lambda n, t: n[0] * n[1] / (n[1] + n[2]),
    "unit-rate-price-a": lambda n, t: n[1] / n[0],
    "unit-rate-speed-a": lambda n, t: n[0] / (n[1] / 60),
    "unit-rate-expression-a": lambda n, t: n[1] / n[0],
    "unit-rate-tap-a": lambda n, t: n[0] / n[1],
    "unit-rate-tap-b": lambda n, t: n[2] * n[1] / n[0],
    "proportion-through-one-a": lambda n, t: n[1] / n[0],
    "proportion-through-one-b": lambda n, t: n[2] * n[1] / n[0],
    "proportion-solve-a": lambda n, t: n[0] * n[1],
    "proportion-price-list-a": lambda n, t: tuple(kg * n[4] / n[0] for kg in n[1:4]),
    "proportion-recipe-a": lambda n, t: n[2] * n[0] / n[1],
    "proportion-read-graph-a": lambda n, t: drawn(t)[0],
    "proportion-formula-a": _slope,
    "scale-plan-to-real-a": lambda n, t: n[2] / 100 * n[1],
    "scale-map-a": lambda n, t: n[2] * n[1],
    "scale-map-b": lambda n, t: n[2] * (n[1] / 100),
    "scale-real-to-plan-a": lambda n, t: n[0] / n[2] * 100,
    "scale-find-scale-a": lambda n, t: n[1] / (n[0] / 100),
    "scale-enlarge-a": lambda n, t: n[0] * n[2],
    "scale-enlarge-b": lambda n, t: (n[0] * n[2]) * (n[1] * n[2]) / (n[0] * n[1]),
    "decimals-as-fractions-to-fraction-a": lambda n, t: n[0],
    "decimals-as-fractions-to-decimal-a": lambda n, t: n[0],
    "decimals-as-fractions-read-line-a": lambda n, t: n[3],
    "percent-read-grid-a": lambda n, t: 100 * n[2] / (n[0] * n[1]),
    "percent-to-fraction-a": lambda n, t: n[0] / 100,
    "percent-from-fraction-a": lambda n, t: n[0] * 100,
    "percent-quiz-a": lambda n, t: n[0] / n[1] * 100,
    "percent-rest-a": lambda n, t: 100 - n[0] - n[1],
    "percent-of-amount-of-number-a": lambda n, t: n[0] / 100 * n[1],
    "percent-of-amount-guided-a": lambda n, t: n[0] / 100 * n[2],
    "percent-of-amount-guided-b": lambda n, t: n[0] / 100 * n[2],
    "percent-of-amount-guided-c": lambda n, t: n[0] / 100 * n[1],
    "percent-of-amount-what-percentage-a": lambda n, t: n[1] / n[0] * 100,
    "percent-of-amount-find-whole-a": lambda n, t: n[1] / (n[0] / 100),
    "percent-of-amount-read-bar-a": lambda n, t: n[0] * n[2] / n[1],
    "percent-change-sale-a": lambda n, t: n[0] - n[0] * (100 - n[1]) / 100,
    "percent-change-sale-b": lambda n, t: n[0] * (100 - n[1]) / 100,
    "percent-change-rise-a": lambda n, t: n[0] * (100 + n[1]) / 100,
    "percent-change-find-a": lambda n, t: abs(n[1] / n[0] - 1) * 100,
    "percent-change-before-a": lambda n, t: n[1] / (1 - n[0] / 100),
}


def _given(answer: dict[str, Any]) -> Answer:
    if answer["kind"] == "expression":
        x = sympy.Symbol("x")
        found = re.fullmatch(r"(?:y = )?(\d+)x", answer["value"])
        assert found, answer
        slope = sympy.diff(sympy.Integer(int(found[1])) * x, x)
        return Fraction(slope.p, slope.q)
    if "values" in answer:
        return tuple(Fraction(value) for value in answer["values"])
    return Fraction(answer["value"])


def test_every_answer_that_can_be_worked_out_is() -> None:
    steps = {
        step["id"]
        for problem in PROBLEMS.values()
        for step in problem["steps"]
        if step["answer"]["kind"] in WORKED_OUT
    }
    assert steps == set(EXPECTED)


@pytest.mark.parametrize("step_id", EXPECTED)
def test_the_answer_follows_from_what_the_learner_reads(step_id: str) -> None:
    for variant, step in variants(step_id):
        text = text_shown(variant, step)
        assert _given(step["answer"]) == EXPECTED[step_id](seen(text), text), text


@pytest.mark.parametrize("step_id", EXPECTED)
def test_the_worked_solution_ends_at_the_answer(step_id: str) -> None:
    for _, step in variants(step_id):
        expected = _given(step["answer"])
        wanted = expected if isinstance(expected, tuple) else (expected,)
        said = set(seen(step["solution"])) | {
            Fraction(n) for n in re.findall(r"\d+", step["solution"])
        }
        assert set(wanted) <= said, step["solution"]
