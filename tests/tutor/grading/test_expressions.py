"""Expressions, equations and inequalities are compared by meaning."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tutor.grading.answers import answer_check, answer_expected, answer_validate
from tutor.grading.exact import ratio_of
from tutor.grading.printing import expression_text
from tutor.grading.specs import Graded, SymbolicChecker, Verdict
from tutor.grading.symbolic import SymbolicHelper, exactly_equivalent
from tutor.grading.syntax import Bin, Name, Neg, Node, Num


def check(value: str, typed: str, symbolic: SymbolicChecker, form: str = "any") -> Graded:
    answer = {"kind": "expression", "value": value, "form": form}
    return answer_check(answer, typed, symbolic=symbolic)


@pytest.mark.parametrize(
    ("value", "typed"),
    [
        ("2x + 3", "3 + x*2"),
        ("2x + 3", "2(x + 1.5)"),
        ("2x + 3", "y = 2x + 3"),
        ("2x + 3", "2X+3"),
        ("(x+1)^2", "x² + 2x + 1"),
        ("(x^2-1)/(x-1)", "x+1"),
        ("4", "x = 4"),
        ("4", "2*2"),
        ("1/(2x)", "(1/2)/x"),
        ("sqrt(8)", "2√2"),
        ("1/(1+sqrt(2))", "sqrt(2) - 1"),
        ("sin(x)^2 + cos(x)^2", "1"),
        ("2^x * 2^x", "4^x"),
        ("cbrt(-8)", "-2"),
        ("ln(x^2)", "2ln(x)"),
        ("abs(x)", "sqrt(x^2)"),
        ("x = 18", "18"),
        ("x = 18", "18 = x"),
        ("x = 18", "x = 36/2"),
        ("y = 2x + 3", "y - 2x = 3"),
        ("-10w = -5", "10w = 5"),
        ("-10w = -5", "w = 1/2"),
        ("x >= 4", "4 <= x"),
        ("2x - y < 3", "y > 2x - 3"),
        ("y = sqrt(8)", "y = 2sqrt(2)"),
        ("-3 = -3", "-3=-3"),
        (r"$$\frac{24+5x}{40}$$", "(5x+24)/40"),
        (r"$$\frac{6}{xy}$$", "6/(x*y)"),
    ],
)
def test_equivalent_answers_are_right(value: str, typed: str, symbolic: SymbolicHelper) -> None:
    assert check(value, typed, symbolic).is_correct


@pytest.mark.parametrize(
    ("value", "typed"),
    [
        ("2x + 3", "2x + 4"),
        ("2x + 3", "2y + 3"),
        ("sqrt(x^2)", "x"),
        ("sqrt(8)", "2.828427"),
        ("x = 18", "y = 18"),
        ("x = 18", "x = 17"),
        ("x >= 4", "x > 4"),
        ("x >= 4", "x <= 4"),
        ("2x - y < 3", "y < 2x - 3"),
        ("-10w = -5", "w = 2"),
        ("27 = -22", "1 = 2"),
        ("2^x", "x^2"),
    ],
)
def test_other_answers_are_wrong(value: str, typed: str, symbolic: SymbolicHelper) -> None:
    graded = check(value, typed, symbolic)
    assert (graded.is_readable, graded.is_correct) == (True, False)


@pytest.mark.parametrize(
    ("value", "typed", "reason"),
    [
        ("2x + 3", "2x + 3 = 0", "without the sign `=`"),
        ("2x = 3", "2x", "an equation is asked for"),
        ("x > 3", "3", "an inequality is asked for"),
        ("1/(2x)", "1/2x", "read in two ways"),
        ("x", "x + 0/0", "divides by zero"),
        ("x", "1/(x-x)", "divides by zero"),
    ],
)
def test_a_doubtful_answer_is_asked_about(
    value: str, typed: str, reason: str, symbolic: SymbolicHelper
) -> None:
    graded = check(value, typed, symbolic)
    assert not graded.is_readable
    assert reason in graded.message


@pytest.mark.parametrize(
    ("form", "value", "typed", "is_correct"),
    [
        ("factored", "x^2 + 5x + 6", "(x+2)(x+3)", True),
        ("factored", "x^2 + 5x + 6", "(3+x)(x+2)", True),
        ("factored", "x^2 + 5x + 6", "x^2+5x+6", False),
        ("factored", "x^3 - 4x", "x(x^2-4)", False),
        ("factored", "2x + 6", "2(x+3)", True),
        ("factored", "2x + 6", "2x+6", False),
        ("factored", "x^2 + 1", "x^2+1", True),
        ("expanded", "x^2 + 5x + 6", "(x+2)(x+3)", False),
        ("expanded", "x^2 + 5x + 6", "6 + 5x + x*x", True),
        ("expanded", "x^2 + 5x + 6", "x^2+2x+3x+6", False),
        ("expanded", "x^2 + 5x + 6", "x(x+5)+6", False),
        ("expanded", "(x+2)/3", "(2+x)/3", True),
        ("expanded", "7", "3+4", False),
        ("solved", "y = 2x + 3", "y = 3 + 2x", True),
        ("solved", "y = 2x + 3", "y - 2x = 3", False),
        ("unsolved", "3x + 2 = 14", "x = 4", False),
        ("unsolved", "3x + 2 = 14", "4 = x", False),
        ("unsolved", "3x + 2 = 14", "3x = 12", True),
        ("unsolved", "2w + 2(w + 4) = 24", "4w + 8 = 24", True),
        ("unsolved", "3x + 7 <= 28", "x <= 7", False),
        ("unsolved", "2x - y = 1", "y = 2x - 1", True),
        ("sides", "3x + 2 = 14", "14 = 2 + 3x", True),
        ("sides", "3x + 2 = 14", "4x + 2 = x + 14", False),
        ("sides", "3x + 2 = 14", "x = 4", False),
        ("sides", "5x = 30", "x/2 + x/3 = 5", False),
    ],
)
def test_a_form_is_wanted_where_it_is_asked_for(
    form: str, value: str, typed: str, is_correct: bool, symbolic: SymbolicHelper
) -> None:
    graded = check(value, typed, symbolic, form)
    assert (graded.is_readable, graded.is_correct) == (True, is_correct)
    assert bool(graded.message) != is_correct


def test_an_unsolved_equation_is_told_to_be_true(symbolic: SymbolicHelper) -> None:
    graded = check("x = 18", "x - 18 = 0", symbolic)
    assert "get `x` alone" in graded.message


def test_the_solution_alone_does_not_show_the_equation(symbolic: SymbolicHelper) -> None:
    graded = check("3x + 2 = 14", "x = 4", symbolic, "unsolved")
    assert graded.message == "That is its solution. Write the equation that leads to it."
    graded = check("3x + 2 < 14", "x < 4", symbolic, "unsolved")
    assert graded.message == "That is its solution. Write the inequality that leads to it."
    assert check("3x + 2 = 14", "x = 5", symbolic, "unsolved").message == ""


def test_another_equation_with_the_same_solution_is_told_to_be_true(
    symbolic: SymbolicHelper,
) -> None:
    graded = check("3x + 2 = 14", "4x + 2 = x + 14", symbolic, "sides")
    assert "true too" in graded.message


def test_feedback_recognises_equivalent_answers(symbolic: SymbolicHelper) -> None:
    graded = answer_check(
        {"kind": "expression", "value": "2x + 6"},
        "x*2 + 3",
        feedback=[{"answer": "2x + 3", "text": "Multiply 3 too.", "misconception": "first-only"}],
        symbolic=symbolic,
    )
    assert (graded.message, graded.misconception) == ("Multiply 3 too.", "first-only")


@pytest.mark.parametrize(
    ("answer", "pointer"),
    [
        ({"kind": "expression", "value": "2x+"}, "/value"),
        ({"kind": "expression", "value": "1/2x"}, "/value"),
        ({"kind": "expression", "value": "1/0"}, "/value"),
        ({"kind": "expression", "value": None}, "/value"),
        ({"kind": "expression", "value": "2(x+1)", "form": "expanded"}, "/value"),
        ({"kind": "expression", "value": "x = 2", "form": "factored"}, "/form"),
        ({"kind": "expression", "value": "2x = 4", "form": "solved"}, "/value"),
        ({"kind": "expression", "value": "2x", "form": "sides"}, "/value"),
        ({"kind": "expression", "value": "2x", "form": "unsolved"}, "/value"),
        ({"kind": "expression", "value": "x", "form": "pretty"}, "/form"),
    ],
)
def test_a_broken_expression_is_found(answer: dict[str, object], pointer: str) -> None:
    assert [problem.pointer for problem in answer_validate(answer)] == [pointer]


def test_the_right_expression_is_shown_as_latex() -> None:
    assert answer_expected({"kind": "expression", "value": "y=x^2/3"}) == r"$y = \frac{x^{2}}{3}$"


POLYNOMIALS: st.SearchStrategy[Node] = st.recursive(
    st.integers(0, 5).map(lambda n: Num(Fraction(n))) | st.sampled_from("xyz").map(Name),
    lambda inner: st.builds(Bin, st.sampled_from("+-*"), inner, inner) | st.builds(Neg, inner),
    max_leaves=8,
)


@given(POLYNOMIALS, POLYNOMIALS, POLYNOMIALS)
def test_commuted_and_multiplied_out_expressions_are_the_same(a: Node, b: Node, c: Node) -> None:
    pairs = [
        (Bin("+", a, b), Bin("+", b, a)),
        (Bin("*", a, b), Bin("*", b, a)),
        (Bin("*", a, Bin("+", b, c)), Bin("+", Bin("*", a, b), Bin("*", a, c))),
        (Bin("-", a, b), Neg(Bin("-", b, a))),
        (Bin("^", a, Num(Fraction(2))), Bin("*", a, a)),
    ]
    for left, right in pairs:
        assert exactly_equivalent(left, right) is Verdict.SAME


@given(POLYNOMIALS)
def test_adding_one_makes_an_expression_different(a: Node) -> None:
    more = Bin("+", a, Num(Fraction(1)))
    assert exactly_equivalent(a, more) is Verdict.DIFFERENT
    assert ratio_of(a) is not None


@settings(max_examples=60, deadline=None)
@given(
    st.recursive(
        st.integers(0, 9).map(lambda n: Num(Fraction(n))) | st.sampled_from("xy").map(Name),
        lambda inner: st.builds(Bin, st.sampled_from("+-*/"), inner, inner) | st.builds(Neg, inner),
        max_leaves=6,
    )
)
def test_an_answer_equals_itself(tree: Node) -> None:
    text = expression_text(tree)
    answer: dict[str, object] = {"kind": "expression", "value": text}
    if answer_validate(answer):
        return
    assert answer_check(answer, text).is_correct
