"""The fractions part of the demo course: answers worked out again from what a learner reads.

Nothing here looks at a template or its variables: the numbers are read off the rendered text and
pictures, and the answer is computed in another way than the author did.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import count
from typing import Any, cast

import pytest
import sympy

from tutor.content.demo.assemble import demo_bundle
from tutor.grading.variants import document_render

SEEDS = range(25)
BUNDLE = demo_bundle()
# Lessons from 200 on belong to the parts with a test_answers_<part>.py of their own.
LESSONS = {lesson["id"] for lesson in BUNDLE["lessons"] if lesson["order"] < 200}
PROBLEMS = {p["id"]: p for p in BUNDLE["problems"] if p["lesson"] in LESSONS}
WORKED_OUT = {"number", "fraction", "tuple", "list", "expression"}
_NUMBER = re.compile(
    r"(?P<whole>\d+)?\\frac\{(?P<top>\d+|\\square)\}\{(?P<bottom>\d+|\\square)\}"
    r"|(?P<over>\d+)/(?P<under>\d+)|(?P<alone>\d+)"
)


@dataclass(frozen=True)
class Seen:
    """A number as it stands in the text; a box counts as 0."""

    whole: int
    top: int
    bottom: int

    @property
    def value(self) -> Fraction:
        return self.whole + Fraction(self.top, self.bottom)


def seen(text: str) -> list[Seen]:
    """The numbers of a text in reading order, without the text alternatives of figures."""
    found = []
    for match in _NUMBER.finditer(re.sub(r'label="[^"]*"', "", text)):
        top = match["top"] or match["over"] or "0"
        bottom = match["bottom"] or match["under"] or "1"
        whole = match["whole"] or match["alone"] or "0"
        found.append(Seen(int(whole), *(0 if n == r"\square" else int(n) for n in (top, bottom))))
    return found


def multiple(*numbers: int) -> Fraction:
    """The smallest number into which all go, by trying."""
    return Fraction(next(m for m in count(1) if all(m % number == 0 for number in numbers)))


def factor(one: int, other: int) -> Fraction:
    """The greatest number that goes into both, by trying."""
    return Fraction(next(f for f in range(one, 0, -1) if one % f == other % f == 0))


Numbers = Sequence[Seen]
Answer = Fraction | tuple[Fraction, ...]


def _floors(n: Numbers) -> Answer:
    below = n[0].value.__floor__()
    return Fraction(below), Fraction(below + 1)


def _bottoms(n: Numbers) -> Fraction:
    return multiple(n[0].bottom, n[1].bottom)


def _tops(n: Numbers) -> Answer:
    return n[0].value * n[2].value, n[1].value * n[2].value


def _circles(n: Numbers) -> Fraction:
    return sum((shaded.value / parts.value for parts, shaded in zip(n[::2], n[1::2], strict=True)),
               Fraction(0))  # fmt: skip


def _quarters(n: Numbers) -> Answer:
    bottom, low, high = (number.whole for number in n[:3])
    return tuple(Fraction(top, bottom) for top in range(low * bottom + 1, high * bottom))


def _common(n: Numbers) -> Answer:
    one, other = n[1].whole, n[2].whole
    return tuple(Fraction(f) for f in range(2, one + 1) if one % f == other % f == 0)


EXPECTED: dict[str, Callable[[Numbers], Answer]] = {
    "parts-read-bar-a": lambda n: n[1].value / n[0].value,
    "parts-cake-a": lambda n: n[0].value - n[1].value,
    "parts-cake-b": lambda n: 1 - n[1].value / n[0].value,
    "parts-beads-b": lambda n: n[0].value / (n[0].value + n[1].value),
    "number-line-read-a": lambda n: n[3].value,
    "number-line-past-one-a": lambda n: n[3].value,
    "number-line-flags-a": lambda n: (n[3].value - n[2].value) / (n[1].value - 1),
    "number-line-between-a": _floors,
    "number-line-quarters-a": _quarters,
    "equivalent-missing-top-a": lambda n: n[0].value * n[1].bottom,
    "equivalent-missing-bottom-a": lambda n: n[1].top / n[0].value,
    "equivalent-lemonade-a": lambda n: n[2].value * n[0].value / n[1].value,
    "simplify-lowest-a": lambda n: n[0].value,
    "simplify-in-one-go-a": lambda n: factor(n[0].whole, n[1].whole),
    "simplify-in-one-go-b": lambda n: n[0].value,
    "simplify-common-factors-a": _common,
    "simplify-walkers-a": lambda n: n[1].value / n[0].value,
    "simplify-not-finished-b": lambda n: n[2].value,
    "mixed-to-improper-a": lambda n: n[0].value,
    "mixed-to-mixed-a": lambda n: n[0].value,
    "mixed-circles-a": _circles,
    "mixed-circles-b": _circles,
    "mixed-pizza-a": lambda n: tuple(map(Fraction, divmod(n[1].whole, n[0].whole))),
    "mixed-pizza-b": lambda n: n[1].value / n[0].value,
    "amount-of-number-a": lambda n: n[0].value * n[1].value,
    "amount-left-over-a": lambda n: n[0].value * n[1].value,
    "amount-left-over-b": lambda n: n[0].value * (1 - n[1].value),
    "amount-find-whole-a": lambda n: n[1].value / n[0].value,
    "amount-minutes-a": lambda n: n[0].value * 60,
    "common-denominator-smallest-a": _bottoms,
    "common-denominator-rewrite-a": _tops,
    "common-denominator-three-a": lambda n: tuple(_bottoms(n) * k for k in (1, 2, 3)),
    "common-denominator-mistake-b": lambda n: n[-2].value * n[-1].value,
    "common-denominator-folding-a": lambda n: multiple(n[0].whole, n[1].whole),
    "compare-which-larger-a": _tops,
    "add-like-add-a": lambda n: n[0].value + n[1].value,
    "add-like-subtract-a": lambda n: n[0].value - n[1].value,
    "add-like-book-a": lambda n: n[0].value + n[1].value,
    "add-like-book-b": lambda n: 1 - n[0].value - n[1].value,
    "add-like-missing-a": lambda n: n[1].value - n[0].value,
    "add-unlike-guided-a": _bottoms,
    "add-unlike-guided-b": _tops,
    "add-unlike-guided-c": lambda n: n[2].value + n[3].value,
    "add-unlike-add-a": lambda n: n[0].value + n[1].value,
    "add-unlike-rope-a": lambda n: n[0].value - n[1].value,
    "add-unlike-mixed-sum-a": lambda n: n[2].value + n[3].value,
    "add-unlike-mixed-sum-b": lambda n: n[0].value + n[1].value,
    "add-unlike-mistake-b": lambda n: n[-1].value + n[-2].value,
    "multiply-two-fractions-a": lambda n: n[0].value * n[1].value,
    "multiply-read-grid-b": lambda n: n[2].value / (n[0].value * n[1].value),
    "multiply-times-whole-a": lambda n: n[0].value * n[1].value,
    "multiply-garden-a": lambda n: n[0].value * n[1].value,
    "multiply-garden-b": lambda n: n[0].value * n[1].value * n[2].value,
    "multiply-with-a-letter-a": lambda n: n[0].value * n[1].value,
    "divide-how-many-fit-a": lambda n: n[0].value / n[1].value,
    "divide-two-fractions-a": lambda n: n[0].value / n[1].value,
    "divide-cups-a": lambda n: n[0].value,
    "divide-cups-b": lambda n: n[0].value / n[1].value,
    "divide-share-a": lambda n: n[1].value / n[0].value,
}


def _variants(step_id: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    problem = PROBLEMS[step_id.rpartition("-")[0]]
    for seed in SEEDS:
        variant = document_render(problem, seed)
        steps = cast("list[dict[str, Any]]", variant["steps"])
        yield variant, next(step for step in steps if step["id"] == step_id)


def _text(variant: dict[str, Any], step: dict[str, Any]) -> str:
    return f"{variant.get('body', '')}\n{step['prompt']}"


def _given(answer: dict[str, Any]) -> Answer:
    if answer["kind"] == "expression":
        x = sympy.Symbol("x")
        found = re.fullmatch(r"(\d+)x/(\d+)", answer["value"])
        assert found, answer
        slope = sympy.diff(sympy.Rational(int(found[1]), int(found[2])) * x, x)
        return Fraction(slope.p, slope.q)
    if "values" in answer:
        return tuple(seen(value)[0].value for value in answer["values"])
    found_value = re.sub(r"^(\d+) (\d+)/(\d+)$", r"\1\\frac{\2}{\3}", answer["value"])
    return seen(found_value)[0].value


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
    for variant, step in _variants(step_id):
        text = _text(variant, step)
        assert _given(step["answer"]) == EXPECTED[step_id](seen(text)), text


@pytest.mark.parametrize("step_id", EXPECTED)
def test_the_worked_solution_ends_at_the_answer(step_id: str) -> None:
    for _, step in _variants(step_id):
        expected = _given(step["answer"])
        wanted = expected if isinstance(expected, tuple) else (expected,)
        said = {number.value for number in seen(step["solution"]) if number.bottom}
        tops = {Fraction(number.top) for number in seen(step["solution"])}
        assert set(wanted) <= said | tops, step["solution"]


def _value(text: str) -> Fraction:
    """The value of a choice: a number, a product, a quotient or a picture."""
    numbers = [number.value for number in seen(text)]
    if "parts=" in text:
        return numbers[1] / numbers[0]
    if "mark=" in text:
        return numbers[3]
    if r"\times" in text:
        return numbers[0] * numbers[1]
    if r"\div" in text:
        return numbers[0] / numbers[1]
    if r"\frac" in text and " of " in text:
        return numbers[0] * numbers[1]
    assert len(numbers) == 1, text
    return numbers[0]


@pytest.mark.parametrize(
    "step_id", ["mixed-in-order-a", "compare-in-order-a", "divide-more-or-less-a"]
)
def test_an_ordering_is_by_size(step_id: str) -> None:
    for _, step in _variants(step_id):
        values = {choice["id"]: _value(choice["text"]) for choice in step["choices"]}
        assert step["answer"]["correct"] == sorted(values, key=values.__getitem__)
        assert len(set(values.values())) == len(values)


RIGHT_CHOICES: dict[str, Callable[[Numbers, str, Fraction], bool]] = {
    "parts-choose-picture-a": lambda n, text, value: value == n[0].value,
    "number-line-choose-line-a": lambda n, text, value: value == n[0].value,
    "equivalent-same-amount-a": lambda n, text, value: value == n[1].value / n[0].value,
    "simplify-already-a": lambda n, text, value: seen(text)[0].bottom == value.denominator,
    "compare-more-than-half-a": lambda n, text, value: value > n[0].value,
    "add-like-choose-picture-a": lambda n, text, value: value == n[0].value + n[1].value,
    "multiply-more-or-less-a": lambda n, text, value: value < n[0].value,
    "divide-choose-line-a": lambda n, text, value: value == n[0].value / n[1].value,
}


@pytest.mark.parametrize("step_id", RIGHT_CHOICES)
def test_just_the_right_choices_count_as_right(step_id: str) -> None:
    for variant, step in _variants(step_id):
        numbers = seen(_text(variant, step))
        correct = step["answer"]["correct"]
        right = {
            choice["id"]
            for choice in step["choices"]
            if RIGHT_CHOICES[step_id](numbers, choice["text"], _value(choice["text"]))
        }
        assert right == ({correct} if isinstance(correct, str) else set(correct)), step


@pytest.mark.parametrize("step_id", ["compare-which-larger-b", "amount-which-more-a"])
def test_the_largest_is_the_right_choice(step_id: str) -> None:
    for _, step in _variants(step_id):
        values = {c["id"]: _value(c["text"]) for c in step["choices"] if c["id"] != "same"}
        best = max(values.values())
        assert [id_ for id_ in values if values[id_] == best] == [step["answer"]["correct"]]


def test_the_sign_fits_the_two_fractions() -> None:
    signs = set()
    for _, step in _variants("compare-sign-a"):
        left, right = seen(step["prompt"])
        sign = "<" if left.value < right.value else ">" if left.value > right.value else "="
        assert step["answer"]["accepted"] == [sign]
        signs.add(sign)
    assert signs == {"<", "=", ">"}


@pytest.mark.parametrize(
    ("step_id", "goes_with"),
    [
        ("equivalent-pairs-a", lambda left, right: left == right),
        ("amount-match-a", lambda left, right: left == right),
        ("add-like-make-one-a", lambda left, right: left + right == 1),
    ],
)
def test_each_line_has_just_one_partner(
    step_id: str, goes_with: Callable[[Fraction, Fraction], bool]
) -> None:
    for _, step in _variants(step_id):
        for line in step["answer"]["left"]:
            partners = [
                choice["id"]
                for choice in step["choices"]
                if goes_with(_value(line["text"]), _value(choice["text"]))
            ]
            assert partners == [step["answer"]["correct"][line["id"]]], step


def test_the_ribbon_claim_about_half_of_the_pieces_holds() -> None:
    for variant, _ in _variants("compare-same-top-a"):
        pieces, kim, again, leo = seen(variant["body"])
        assert pieces == again
        assert pieces.value * kim.value > again.value * leo.value


def test_wrong_working_that_is_shown_is_really_wrong() -> None:
    for step_id in ("add-like-mistake-a", "add-unlike-mistake-a"):
        for variant, _ in _variants(step_id):
            one, other, claimed = seen(variant["body"])
            assert claimed.value < max(one.value, other.value), variant["body"]
    for variant, _ in _variants("multiply-mistake-a"):
        times, factor_, claimed = seen(variant["body"])
        assert claimed.value == factor_.value != times.value * factor_.value
    for variant, _ in _variants("mixed-mistake-a"):
        mixed, claimed = seen(variant["body"])
        assert mixed.value != claimed.value
    for variant, _ in _variants("equivalent-spot-it-a"):
        left, right = seen(variant["body"])
        assert left.value != right.value
