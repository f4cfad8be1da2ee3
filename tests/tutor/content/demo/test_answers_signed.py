"""From signed numbers to common factors: answers worked out again from what a learner reads.

Nothing here looks at a template or its variables, and nothing is read by the site's own parser:
the formulas of the rendered text become SymPy expressions, and the answer follows from these.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias, cast

import pytest
import sympy
from sympy import Abs, Expr, Integer, Rational, expand

from tutor.content.demo.assemble import demo_bundle
from tutor.grading.variants import document_render

SEEDS = range(25)
BUNDLE = demo_bundle()
LESSONS = {lesson["id"] for lesson in BUNDLE["lessons"] if 300 <= lesson["order"] < 400}
PROBLEMS = {p["id"]: p for p in BUNDLE["problems"] if p["lesson"] in LESSONS}
STEPS = {step["id"]: step for problem in PROBLEMS.values() for step in problem["steps"]}
WORKED_OUT = {"number", "fraction", "tuple", "list", "expression"}
LETTERS = {name: sympy.Symbol(name) for name in "xynB"}
X, N, BOX = LETTERS["x"], LETTERS["n"], LETTERS["B"]
_FORMULA = re.compile(r"\$\$(.+?)\$\$|\$(.+?)\$", re.DOTALL)
_FIGURE = re.compile(r"```figure\n(.*?)\n```", re.DOTALL)
_TEX = {
    r"\left": "", r"\right": "", r"\;": "", r"\times": "*", r"\div": "/", r"\square": "B",
    r"\lvert": "Abs(", r"\rvert": ")",
}  # fmt: skip


@cache
def expression(tex: str) -> Expr:
    """A formula without a sign of relation, as SymPy understands it."""
    text = tex
    for written, meant in _TEX.items():
        text = text.replace(written, meant)
    # A mixed number is one number: the minus before 1 1/2 belongs to the half as well.
    text = re.sub(r"(\d+)\\frac\{(\d+)\}\{(\d+)\}", r"(\1+\2/\3)", text)
    text = re.sub(r"\\frac\{([^{}]*)\}\{([^{}]*)\}", r"((\1)/(\2))", text)
    text = re.sub(r"\^\{(.*?)\}", r"^(\1)", text).replace("^", "**")
    text = text.replace("{", "(").replace("}", ")")
    text = re.sub(r"(?<=[\dxynB)])\s*(?=[xynB(])", "*", text)
    assert not re.search(r"[\\$]", text), tex
    parsed = sympy.parse_expr(text, local_dict={**LETTERS, "Abs": Abs})
    return cast("Expr", parsed)


def sides(text: str) -> list[list[Expr]]:
    """The formulas of a text, each as the expressions between its signs of relation."""
    found = []
    for match in _FORMULA.finditer(_FIGURE.sub("", text)):
        formula = (match[1] or match[2]).strip()
        parts = [part.strip() for part in re.split(r"[=<>]", formula) if part.strip()]
        if not any(re.search(r"\\dots|\\text", part) for part in parts):
            found.append([expression(part) for part in parts])
    return found


@dataclass(frozen=True)
class Seen:
    """What stands in a step: the formulas and the other whole numbers, body before prompt."""

    formulas: list[list[Expr]]
    numbers: list[Integer]
    figures: list[dict[str, list[Rational]]]

    @property
    def last(self) -> Expr:
        """The first side of the last formula."""
        return self.formulas[-1][0]

    def alone(self, place: int) -> Expr:
        """A formula that is a single expression."""
        (only,) = self.formulas[place]
        return only

    def put_in(self, target: Expr, *values: Expr) -> tuple[Expr, ...]:
        """The target with each value in the place of x."""
        return tuple(cast("Expr", target.subs(X, value)) for value in values)


def seen(text: str) -> Seen:
    """Read a text as a learner does, without the text alternatives of its figures."""
    figures = []
    for match in _FIGURE.finditer(text):
        pairs = re.findall(r"(\w+)=([^\s\"]+)", re.sub(r'(label="[^"]*"|set=\S+)', "", match[1]))
        figures.append({key: [Rational(v) for v in value.split(",")] for key, value in pairs})
    words = _FORMULA.sub(" ", _FIGURE.sub(" ", text))
    return Seen(sides(text), [Integer(n) for n in re.findall(r"\d+", words)], figures)


def _solved(seen: Seen) -> Expr:
    left, right = seen.formulas[-1]
    (solution,) = sympy.solve(sympy.Eq(left, right), BOX)
    return cast("Expr", solution)


def _wall(seen: Seen) -> Expr:
    left, middle, right = (seen.alone(place) for place in range(3))
    return expand(left + middle + middle + right)


def _perimeter(seen: Seen) -> Expr:
    return expand(2 * (seen.alone(0) + seen.alone(1)))


def _between(seen: Seen) -> tuple[Expr, ...]:
    low, high = (int(seen.alone(place)) for place in range(2))
    return tuple(Integer(n) for n in range(low + 1, high))


def _squares(seen: Seen) -> tuple[Expr, ...]:
    low, high = seen.numbers
    return tuple(Integer(n * n) for n in range(1, int(high)) if low < n * n < high)


def _factor(seen: Seen) -> Expr:
    one, other = seen.numbers
    return max(Integer(f) for f in range(1, int(one) + 1) if one % f == other % f == 0)


def _common(seen: Seen) -> Expr:
    return cast("Expr", sympy.factor(seen.last))


def _value(seen: Seen) -> Expr:
    # "the value of (expression) for x = (number)": the two formulas at the end.
    return seen.put_in(seen.alone(-2), seen.formulas[-1][1])[0]


def _worked_out(seen: Seen) -> Expr:
    return expand(seen.last)


Answer: TypeAlias = Expr | tuple[Expr, ...]
EXPECTED: dict[str, Callable[[Seen], Answer]] = {
    "integers-line-read-a": lambda s: s.figures[0]["mark"][0],
    "integers-line-between-a": _between,
    "integers-line-steps-away-a": lambda s: (
        s.alone(0) - s.numbers[0],
        s.alone(0) + s.numbers[0],
    ),
    "integers-line-depth-b": lambda s: Abs(s.last),
    "add-signed-different-a": _worked_out,
    "add-signed-account-a": lambda s: s.alone(0) + s.numbers[-1],
    "add-signed-account-b": lambda s: s.alone(0) + s.numbers[-1] + s.alone(1),
    "add-signed-missing-a": _solved,
    "add-signed-mistake-b": _worked_out,
    "subtract-signed-subtract-a": _worked_out,
    "subtract-signed-rise-a": lambda s: s.alone(1) - s.alone(0),
    "subtract-signed-rise-b": lambda s: s.alone(1) - s.numbers[-1],
    "subtract-signed-missing-a": _solved,
    "subtract-signed-mistake-b": _worked_out,
    "multiply-signed-product-a": _worked_out,
    "multiply-signed-pattern-a": lambda s: (s.alone(-2), s.alone(-1)),
    "multiply-signed-missing-a": _solved,
    "multiply-signed-quiz-a": lambda s: s.numbers[1] * s.alone(1),
    "multiply-signed-quiz-b": lambda s: s.numbers[0] * s.alone(0) + s.numbers[1] * s.alone(1),
    "multiply-signed-mistake-b": _worked_out,
    "signed-fractions-add-a": _worked_out,
    "signed-fractions-quotient-a": _worked_out,
    "signed-fractions-tank-a": lambda s: s.alone(0) * s.numbers[0],
    "signed-fractions-mistake-b": _worked_out,
    "powers-work-out-a": _worked_out,
    "powers-minus-a": _worked_out,
    "powers-minus-b": _worked_out,
    "powers-fraction-a": _worked_out,
    "powers-folding-a": lambda s: Integer(2) ** s.numbers[0],
    "powers-folding-b": lambda s: Integer(2) ** s.numbers[0],
    "powers-squares-between-a": _squares,
    "powers-mistake-b": _worked_out,
    "order-of-operations-first-a": _worked_out,
    "order-of-operations-same-rank-a": _worked_out,
    "order-of-operations-same-rank-b": _worked_out,
    "order-of-operations-tickets-b": lambda s: (
        s.numbers[-1] - s.numbers[0] * s.numbers[2] - s.numbers[1] * s.numbers[3]
    ),
    "order-of-operations-mistake-b": _worked_out,
    "expressions-evaluate-value-a": _value,
    "expressions-evaluate-negative-a": _value,
    "expressions-evaluate-taxi-a": lambda s: s.numbers[0] + s.numbers[1] * N,
    "expressions-evaluate-taxi-b": lambda s: s.numbers[0] + s.numbers[1] * s.numbers[2],
    "expressions-evaluate-row-a": lambda s: s.put_in(s.alone(0), *(f[1] for f in s.formulas[1:])),
    "expressions-evaluate-mistake-b": _value,
    "like-terms-simplify-a": _worked_out,
    "like-terms-two-letters-a": _worked_out,
    "like-terms-fence-a": _perimeter,
    "like-terms-fence-b": lambda s: s.put_in(_perimeter(s), s.formulas[-1][1])[0],
    "like-terms-missing-a": _solved,
    "like-terms-wall-a": lambda s: expand(s.alone(0) + s.alone(1)),
    "like-terms-wall-b": lambda s: expand(s.alone(1) + s.alone(2)),
    "like-terms-wall-c": _wall,
    "like-terms-mistake-b": _worked_out,
    "distribute-multiply-out-a": _worked_out,
    "distribute-minus-a": _worked_out,
    "distribute-picture-b": lambda s: sum(
        (f["rows"][0] * f["columns"][0] for f in s.figures), Integer(0)
    ),
    "distribute-head-b": _worked_out,
    "distribute-guided-a": _worked_out,
    "distribute-guided-b": _worked_out,
    "distribute-guided-c": lambda s: expand(s.alone(0)),
    "distribute-mistake-b": _worked_out,
    "factor-common-number-a": _factor,
    "factor-common-number-b": _common,
    "factor-common-letter-a": _common,
    "factor-common-missing-a": _solved,
    "factor-common-garden-a": lambda s: expand(s.last / s.numbers[0]),
    "factor-common-garden-b": lambda s: s.put_in(s.alone(0) / s.numbers[0], s.formulas[-1][1])[0],
    "factor-common-mistake-b": _common,
}
# The rise of the last day needs the answer of the step before: days times change, plus the rise.
DAYS = {"signed-fractions-tank-b": "signed-fractions-tank-a"}
# What is asked for is the expression as it stands, not its value.
AS_IT_STANDS = {"like-terms-list-a"}
# Steps in which exactly the right choices share a value with the question, or are 0.
EQUAL_TO_QUESTION = {
    "signed-fractions-same-a", "order-of-operations-brackets-a", "distribute-head-a",
    "distribute-equal-a", "factor-common-complete-a",
}  # fmt: skip
SMALL_TO_LARGE = {"integers-line-order-a", "subtract-signed-order-a", "signed-fractions-order-a"}
WHICH_SIGN = {"integers-line-compare-a", "powers-compare-a"}
SAME_VALUE = {"subtract-signed-match-a", "powers-match-a", "factor-common-match-a"}
SIGNS: dict[str, Callable[[Expr], bool]] = {
    "add-signed-signs-a": lambda value: bool(value < 0),
    "multiply-signed-signs-a": lambda value: bool(value > 0),
}


@cache
def _rendered(problem_id: str) -> tuple[dict[str, object], ...]:
    return tuple(document_render(PROBLEMS[problem_id], seed) for seed in SEEDS)


def _form(step_id: str) -> str:
    return str(STEPS[step_id]["answer"].get("form", "any"))


def _variants(step_id: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for variant in _rendered(step_id.rpartition("-")[0]):
        steps = cast("list[dict[str, Any]]", variant["steps"])
        yield variant, next(step for step in steps if step["id"] == step_id)


def _seen(variant: dict[str, Any], step: dict[str, Any]) -> Seen:
    return seen(f"{variant.get('body', '')}\n{step['prompt']}")


def _given(answer: dict[str, Any]) -> tuple[Expr, ...]:
    values = answer["values"] if "values" in answer else [answer["value"]]
    return tuple(expression(value) for value in values)


def _wanted(answer: Answer) -> tuple[Expr, ...]:
    return answer if isinstance(answer, tuple) else (answer,)


def _is_same(one: Expr, other: Expr) -> bool:
    return bool(expand(one - other) == 0)


def _choices(step: dict[str, Any]) -> dict[str, Expr]:
    return {choice["id"]: sides(choice["text"])[0][0] for choice in step["choices"]}


def test_every_answer_that_can_be_worked_out_is() -> None:
    steps = {id_ for id_, step in STEPS.items() if step["answer"]["kind"] in WORKED_OUT}
    assert steps == set(EXPECTED) | set(DAYS) | AS_IT_STANDS


@pytest.mark.parametrize("step_id", EXPECTED)
def test_the_answer_follows_from_what_the_learner_reads(step_id: str) -> None:
    for variant, step in _variants(step_id):
        expected = _wanted(EXPECTED[step_id](_seen(variant, step)))
        given = _given(step["answer"])
        assert len(given) == len(expected)
        assert all(map(_is_same, given, expected)), (variant.get("body"), step["prompt"], given)


@pytest.mark.parametrize("step_id", DAYS)
def test_the_last_day_is_added_to_the_days_before(step_id: str) -> None:
    for variant, step in _variants(step_id):
        before = next(s for s in variant["steps"] if s["id"] == DAYS[step_id])
        expected = _given(before["answer"])[0] + sides(step["prompt"])[0][0]
        assert _is_same(_given(step["answer"])[0], expected), step["prompt"]


@pytest.mark.parametrize("step_id", AS_IT_STANDS)
def test_the_terms_are_those_between_the_signs(step_id: str) -> None:
    for _, step in _variants(step_id):
        (formula,) = re.findall(r"\$(.+?)\$", step["prompt"])
        terms = re.findall(r"-?[^-+]+", formula.replace(" ", "").replace("+", " + "))
        assert [term.strip() for term in terms] == step["answer"]["values"]


@pytest.mark.parametrize("step_id", [*EXPECTED, *DAYS])
def test_the_worked_solution_ends_at_the_answer(step_id: str) -> None:
    for _, step in _variants(step_id):
        said = [side for formula in sides(step["solution"]) for side in formula]
        said += seen(step["solution"]).numbers
        for value in _given(step["answer"]):
            assert any(_is_same(value, one) for one in said), step["solution"]


@pytest.mark.parametrize("step_id", [id_ for id_ in EXPECTED if _form(id_) == "factored"])
def test_nothing_is_left_in_the_brackets_that_could_be_taken_out(step_id: str) -> None:
    for _, step in _variants(step_id):
        inside = re.fullmatch(r"\d+x?\((.+)\)", step["answer"]["value"])
        assert inside, step["answer"]
        rest = sympy.Poly(expression(inside[1]), X)
        assert rest.content() == 1
        assert rest.eval(0) != 0


@pytest.mark.parametrize("step_id", [id_ for id_ in EXPECTED if _form(id_) == "expanded"])
def test_an_expanded_answer_has_each_term_once(step_id: str) -> None:
    for _, step in _variants(step_id):
        value = step["answer"]["value"]
        assert "(" not in value
        terms = sympy.Add.make_args(expression(value))
        assert len(terms) == len(re.split(r" [-+] ", value)), value


@pytest.mark.parametrize("step_id", sorted(EQUAL_TO_QUESTION))
def test_exactly_the_right_choices_equal_what_the_question_shows(step_id: str) -> None:
    for variant, step in _variants(step_id):
        wanted = _seen(variant, step).alone(-1)
        equal = {id_ for id_, value in _choices(step).items() if _is_same(value, wanted)}
        correct = step["answer"]["correct"]
        if step_id == "factor-common-complete-a":
            # One more choice is equal, but can be factored further.
            assert equal == {correct, "part"}
            return
        assert equal == ({correct} if isinstance(correct, str) else set(correct)), step["prompt"]


@pytest.mark.parametrize("step_id", sorted(SMALL_TO_LARGE))
def test_the_order_is_from_small_to_large(step_id: str) -> None:
    for _, step in _variants(step_id):
        values = _choices(step)
        in_order = [values[id_] for id_ in step["answer"]["correct"]]
        assert in_order == sorted(set(in_order)), in_order


@pytest.mark.parametrize("step_id", sorted(WHICH_SIGN))
def test_the_sign_in_the_box_is_true(step_id: str) -> None:
    for _, step in _variants(step_id):
        formula = _FORMULA.search(step["prompt"])
        assert formula
        left, right = (expression(side) for side in formula[2].split(r"\square"))
        assert step["answer"]["accepted"] == ["<" if left < right else ">"]


@pytest.mark.parametrize("step_id", sorted(SAME_VALUE))
def test_exactly_the_matching_pairs_are_equal(step_id: str) -> None:
    for _, step in _variants(step_id):
        values = _choices(step)
        answer = step["answer"]
        left = {one["id"]: sides(one["text"])[0][0] for one in answer["left"]}
        for id_, value in left.items():
            equal = {choice for choice, other in values.items() if _is_same(value, other)}
            # A square is the same for a number and its opposite: matched by how it is written.
            assert answer["correct"][id_] in equal, (step["id"], value)
            assert len(equal) == 1 or step_id == "powers-match-a", (value, equal)


@pytest.mark.parametrize("step_id", sorted(SIGNS))
def test_exactly_the_choices_with_the_sign_asked_for_are_right(step_id: str) -> None:
    for _, step in _variants(step_id):
        right = {id_ for id_, value in _choices(step).items() if SIGNS[step_id](value)}
        assert right == set(step["answer"]["correct"])


def test_exactly_the_right_expressions_become_zero() -> None:
    for variant, step in _variants("expressions-evaluate-zero-a"):
        at = _seen(variant, step).formulas[-1][1]
        zero = {id_ for id_, value in _choices(step).items() if value.subs(X, at) == 0}
        assert zero == set(step["answer"]["correct"])


def test_like_terms_differ_in_their_coefficient_only() -> None:
    for variant, step in _variants("like-terms-which-a"):
        letters = _seen(variant, step).last.as_coeff_Mul()[1]
        like = {id_ for id_, value in _choices(step).items() if value.as_coeff_Mul()[1] == letters}
        assert like == set(step["answer"]["correct"])


def test_only_the_right_sum_describes_the_walk_in_the_picture() -> None:
    for variant, step in _variants("add-signed-picture-a"):
        start, end = _seen(variant, step).figures[0]["mark"]
        fitting = set()
        for choice in step["choices"]:
            ((walk, arrival),) = sides(choice["text"])
            first, second = walk.args if walk.is_Add else (walk, Integer(0))
            fitting |= {choice["id"]} if {first, second} == {start, end - start} else set()
            assert choice["id"] != step["answer"]["correct"] or arrival == end
        assert fitting <= {step["answer"]["correct"]}
