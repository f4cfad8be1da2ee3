"""Variables, constraints and templates."""

import contextlib
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutor.grading.arithmetic import Number, Value, evaluate
from tutor.grading.errors import TemplateError
from tutor.grading.variants import (
    document_render,
    template_names,
    template_render,
    variant_draw,
)


def number(text: str) -> Number:
    return Number(Fraction(text), "." in text)


VALUES: dict[str, Value] = {
    "a": number("7"),
    "b": number("-3/4"),
    "h": number("0.5"),
    "who": "Ada",
}


@pytest.mark.parametrize(
    ("template", "rendered"),
    [
        ("@{a}", "7"),
        ("@{b}", "-3/4"),
        ("@{h}", "0.5"),
        ("@{h * 3}", "1.5"),
        ("@{h / 3}", "1/6"),
        ("@{b:tex}", r"-\frac{3}{4}"),
        ("@{a / 4:mixed}", "1 3/4"),
        ("@{-a / 4:mixedtex}", r"-1\frac{3}{4}"),
        ("@{b:mixed}", "-3/4"),
        ("@{a / 4:decimal}", "1.75"),
        ("@{1 / 3:decimal}", "0.333333"),
        ("@{5 / 2:decimal2}", "2.50"),
        ("@{-1 / 200:decimal2}", "-0.01"),
        ("@{a:signed}", "+ 7"),
        ("@{b:signed}", "- 3/4"),
        ("@{1:coefficient}x", "x"),
        ("@{-1:coefficient}x", "-x"),
        ("@{a:coefficient}x", "7x"),
        ("@@{a} is @{a}", "@{a} is 7"),
        (r"\frac{@{a}}{@{a + 1}}", r"\frac{7}{8}"),
        ("@{who} has @{if(a == 1, 'one}', \"more:\")}", "Ada has more:"),
        ("no template { } @ here", "no template { } @ here"),
    ],
)
def test_templates_render_every_format(template: str, rendered: str) -> None:
    assert template_render(template, VALUES) == rendered


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("-2 ** 2", "-4"),
        ("2 ** 3 ** 2", "512"),
        ("2 ** -3", "1/8"),
        ("7 // 2 + 7 % 4", "6"),
        ("-7 // 2", "-4"),
        ("round(5 / 2)", "3"),
        ("round(-5 / 2)", "-3"),
        ("round(2 / 3, 2)", "67/100"),
        ("gcd(12, 18) + lcm(4, 6)", "18"),
        ("numerator(6 / 8) * denominator(6 / 8)", "12"),
        ("sign(-3) + abs(-3) + ceil(1 / 2) + floor(-1 / 2)", "2"),
        ("min(3, 1, 2) + max(1, 2)", "3"),
        ("if(not 1 > 2 and 1 < 2 <= 2, 5, 6)", "5"),
    ],
)
def test_arithmetic_is_exact(expression: str, value: str) -> None:
    result = evaluate(expression, {})
    assert isinstance(result, Number)
    assert result.value == Fraction(value)


def test_and_stops_before_a_division_by_zero() -> None:
    assert evaluate("b != 0 and 1 / b > 0", {"b": number("0")}) is False


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("missing", "no variable 'missing'"),
        ("a +", "ends too early"),
        ("a / (a - 7)", "divides by zero"),
        ("9 ** 9 ** 9", "too large"),
        ("2 ** (1 / 2)", "not a whole number"),
        ("a:romannumerals", "no format"),
        ("__import__('os')", "no function '__import__'"),
        ("a.__class__", "not part of the language"),
        ("(" * 60 + "1" + ")" * 60, "nested more than"),
        ("a == 7", "a claim"),
        ("who + 1", "'Ada' is not a number"),
        ("gcd(b, 2)", "whole numbers"),
        ("1 " * 2, "not expected there"),
        ("+".join(["1"] * 400), "characters"),
        ("", "empty"),
    ],
)
def test_an_error_names_its_template(expression: str, reason: str) -> None:
    with pytest.raises(TemplateError, match=reason) as caught:
        template_render(f"x @{{{expression}}} y", VALUES)
    assert f"@{{{expression}}}" in str(caught.value)


def test_a_template_without_its_brace_is_an_error() -> None:
    with pytest.raises(TemplateError, match="no closing brace"):
        template_render("costs @{a pounds", VALUES)


@given(st.text(max_size=80))
def test_no_text_makes_an_expression_fail_otherwise_than_by_its_own_error(text: str) -> None:
    with contextlib.suppress(TemplateError):
        assert isinstance(evaluate(text, VALUES), Number | str | bool)


def test_draws_meet_ranges_exclusions_and_constraints() -> None:
    variables = {
        "a": {"kind": "integer", "min": -6, "max": 6, "step": 3, "exclude": [0]},
        "b": {"kind": "integer", "min": 1, "max": 9},
        "word": {"kind": "choice", "values": ["cats", "dogs"]},
        "c": {"kind": "computed", "expression": "a * b"},
    }
    seen = set()
    for seed in range(200):
        drawn = variant_draw(variables, ["gcd(a, b) == 1", "b > 2"], seed=seed)
        a, b, c = drawn["a"], drawn["b"], drawn["c"]
        assert isinstance(a, Number)
        assert isinstance(b, Number)
        assert isinstance(c, Number)
        assert a.value in (-6, -3, 3, 6)
        assert 2 < b.value < 10
        assert b.value % 3 != 0
        assert c.value == a.value * b.value
        seen.add((a.value, drawn["word"]))
    assert len(seen) == 8


def test_a_seed_gives_the_same_values_for_ever() -> None:
    # Stored seeds must render what learners saw: these values must never change.
    variables = {
        "b": {"kind": "choice", "values": [0.5, 2, "x"]},
        "a": {"kind": "integer", "min": 0, "max": 10**6},
    }
    drawn = [variant_draw(variables, seed=seed) for seed in (0, 1, 2**70 + 5)]
    numbers = [value["a"] for value in drawn]
    assert numbers == [number("485069"), number("894471"), number("333068")]
    reordered = dict(reversed(variables.items()))
    assert [variant_draw(reordered, seed=seed) for seed in (0, 1, 2**70 + 5)] == drawn


@pytest.mark.parametrize(
    ("variables", "constraints", "reason"),
    [
        ({"a": {"kind": "integer", "min": 5, "max": 4}}, [], "no value from 5 to 4"),
        ({"a": {"kind": "integer", "min": 1, "max": 9, "step": 0}}, [], "step 0"),
        ({"a": {"kind": "integer", "min": 1.5, "max": 9}}, [], "min 1.5"),
        ({"a": {"kind": "real"}}, [], "kind 'real'"),
        ({"a": {"kind": "choice", "values": []}}, [], "expected a list"),
        ({"a": {"kind": "choice", "values": [None]}}, [], "not a number or a text"),
        ({"a": {"kind": "computed", "expression": "1 < 2"}}, [], "a claim"),
        ({"a": {"kind": "computed", "expression": "1 +"}}, [], "the variable 'a'"),
        ({"a": {"kind": "computed", "expression": "a + 1"}}, [], "no variable 'a'"),
        ({"if": {"kind": "integer", "min": 1, "max": 2}}, [], "cannot name a variable"),
        ({"a": {"kind": "integer", "min": 1, "max": 9}}, ["a > 9"], "1000 draws in a row"),
        ({"a": {"kind": "integer", "min": 1, "max": 9}}, ["a + 1"], "neither true nor false"),
    ],
)
def test_a_wrong_definition_is_named(
    variables: dict[str, object], constraints: list[str], reason: str
) -> None:
    with pytest.raises(TemplateError, match=reason):
        variant_draw(variables, constraints, seed=1)


PROBLEM: dict[str, object] = {
    "id": "p@{a}",
    "title": "Times @{a}",
    "variables": {"a": {"kind": "integer", "min": 4, "max": 4}},
    "constraints": ["a > 1"],
    "steps": [
        {
            "id": "s",
            "prompt": "What is $@{a} \\cdot 2$?",
            "skills": ["k"],
            "answer": {"kind": "list", "values": ["@{a * 2}", 3], "element": {"kind": "number"}},
            "feedback": [{"answer": "@{a + 2}", "text": "@{a}", "misconception": "@{id}"}],
            "hints": [{"id": "h", "kind": "hint", "text": "@{a} twice", "depends_on": []}],
        }
    ],
}


def test_a_document_renders_texts_and_answers_but_no_ids() -> None:
    rendered = document_render(PROBLEM, 1)
    assert rendered["id"] == "p@{a}"
    assert rendered["title"] == "Times 4"
    assert rendered["variables"] == PROBLEM["variables"]
    steps = rendered["steps"]
    assert isinstance(steps, list)
    assert steps[0]["prompt"] == "What is $4 \\cdot 2$?"
    assert steps[0]["answer"]["values"] == ["8", 3]
    assert steps[0]["feedback"] == [{"answer": "6", "text": "4", "misconception": "@{id}"}]
    assert steps[0]["hints"][0]["text"] == "4 twice"


def test_a_problem_without_templates_renders_unchanged() -> None:
    plain: dict[str, object] = {"id": "p", "body": "$x^{2}$ {", "steps": [{"order": 1, "x": None}]}
    assert document_render(plain, 7) == plain


def test_the_names_of_a_text_are_found() -> None:
    assert template_names("@{a + b:tex} @@{c} @{if(d > 1, 'e', f)}") == {"a", "b", "d", "f"}


def test_long_expressions_get_fewer_draws() -> None:
    """A page draws while somebody waits: 38 such expressions cost 25 ms each time."""
    long = "+".join(["a*b"] * 120)
    variables: dict[str, object] = {
        name: {"kind": "integer", "min": 1, "max": 10**6} for name in ("a", "b")
    }
    variables |= {f"c{at}": {"kind": "computed", "expression": long} for at in range(38)}
    with pytest.raises(TemplateError, match=r"failed 13 draws in a row"):
        variant_draw(variables, ["a == 0"], seed=1)
