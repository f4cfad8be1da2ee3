"""Mathematics as it is typed, into trees and back."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutor.grading.exact import constant_value
from tutor.grading.printing import expression_tex, expression_text
from tutor.grading.reading import expression_read
from tutor.grading.specs import Unreadable
from tutor.grading.syntax import Bin, Call, Mixed, Name, Neg, Node, Num, Relation

SYMBOLS = st.sampled_from(
    [*"0123456789xyzab+-*/^()[]{}|.,=<>! ½²⁻√π×÷−\\$_", "sqrt", "\\frac", "sin", "pi", "**"]
)


def read(text: str) -> Node | Relation:
    found = expression_read(text)
    assert not isinstance(found, Unreadable), found.message
    return found


@pytest.mark.parametrize(
    ("typed", "printed"),
    [
        ("2x", "2*x"),
        ("2(x+1)", "2*(x + 1)"),
        ("(x+1)(x-2)", "(x + 1)*(x - 2)"),
        ("xy", "x*y"),
        ("x^2y", "x^2*y"),
        ("x**2", "x^2"),
        ("x²", "x^2"),
        ("x⁻¹", "x^(-1)"),
        ("2^-3", "2^(-3)"),
        ("2^3^2", "2^(3^2)"),
        ("-x^2", "-x^2"),
        ("(-x)^2", "(-x)^2"),
        ("2--3", "2 - (-3)"),
        ("3*-2", "3*(-2)"),
        ("a-b-c", "a - b - c"),
        ("a-(b-c)", "a - (b - c)"),
        ("a/b/c", "a/b/c"),
        ("1/2x", "1/2*x"),
        ("3 1/2", "3 1/2"),
        ("3(1/2)", "3*(1/2)"),
        ("3½", "3 1/2"),
        ("½x", "1/2*x"),
        ("√2", "sqrt(2)"),
        ("2√3", "2*sqrt(3)"),
        ("√(x+1)", "sqrt(x + 1)"),
        ("sqrt2", "sqrt(2)"),
        ("∛8", "cbrt(8)"),
        ("|x-1|", "abs(x - 1)"),
        ("2|x|y", "2*abs(x)*y"),
        ("sin x", "sin(x)"),
        ("5!", "factorial(5)"),
        ("πr²", "pi*r^2"),
        ("2pir", "2*pi*r"),
        ("1,200x", "1200*x"),
        ("1,5x", "1.5*x"),
        ("0.50", "0.5"),
        ("3×4÷2·5", "3*4/2*5"),
        ("x_1 + x_2", "x_1 + x_2"),
        ("2yx_{12}", "2*y*x_12"),
        ("x ≥ 4", "x >= 4"),
        ("y = 2x + 3", "y = 2*x + 3"),
        ("x=>4", "x >= 4"),
        (r"$$\frac{-10}{3n}$$", "(-10)/(3*n)"),
        (r"\frac34", "3/4"),
        (r"10\frac{1}{10} a", "10 1/10*a"),
        (r"48\frac{3}{2}", "48*(3/2)"),
        (r"4\frac{x}{4}=35\times4", "4*(x/4) = 35*4"),
        (r"\left(-\frac{5}{8}\right) w", "(-5/8)*w"),
        (r"\sqrt[3]{8}\cdot\sqrt{x}", "cbrt(8)*sqrt(x)"),
        (r"x \leq \pi", "x <= pi"),
        (r"\frac{\frac{2}{5} n}{\frac{2}{5}}", "2/5*n/(2/5)"),
    ],
)
def test_typed_mathematics_is_read(typed: str, printed: str) -> None:
    assert expression_text(read(typed)) == printed


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("3x+", "it ends with an operator"),
        ("x=", "it ends with an operator"),
        ("+*x", "`*` follows `+`"),
        ("*x", "it begins with `*`"),
        ("(x+1", "a bracket `(` is not closed"),
        ("x+1)", "a bracket `)` closes that was not opened"),
        ("(x+)", "nothing stands between `+` and `)`"),
        ("()", "a pair of brackets is empty"),
        ("|x", "a bar `|` is not closed"),
        ("x2", "write `x*2` or `x^2`"),
        ("2 3", "the numbers 2 and 3 stand side by side"),
        ("2 5/2", "for a product write 2*(5/2)"),
        ("hello", "`hello` is a word"),
        ("x @ y", "we do not know the sign `@`"),
        (r"\foo{x}", r"the LaTeX command `\foo`"),
        ("1<x<3", "more than one equals or inequality sign"),
        ("", "Write an answer first"),
        ("x\x00", "cannot be shown"),
        ("x" * 10_000, "10000 characters"),
        ("(" * 50 + "x" + ")" * 50, "nested more than"),
        ("-" * 100 + "x", "nested more than"),
        ("x^" * 60 + "x", "nested more than"),
        ("+".join("x" * 150), "parts"),
        ("1" * 50, "digits"),
        ("12,00,5", "not thousands|contradict"),
    ],
)
def test_an_unreadable_expression_says_why(typed: str, reason: str) -> None:
    found = expression_read(typed)
    assert isinstance(found, Unreadable)
    assert any(part in found.message for part in reason.split("|")), found.message


@given(st.text(max_size=80) | st.lists(SYMBOLS, max_size=30).map("".join))
def test_reading_never_raises_and_prints_back(text: str) -> None:
    found = expression_read(text)
    if isinstance(found, Unreadable):
        assert found.message
    else:
        assert expression_read(expression_text(found)) == found


def _numbers() -> st.SearchStrategy[Node]:
    whole = st.integers(0, 999).map(lambda n: Num(Fraction(n)))
    broken = st.integers(1, 99).map(
        lambda n: Num(Fraction(n, 4) if n % 4 else Fraction(1, 8), True)
    )
    mixed = st.tuples(st.integers(1, 9), st.integers(1, 4)).map(
        lambda p: Mixed(p[0], p[1], p[1] + 1)
    )
    return whole | broken | mixed


LEAVES: st.SearchStrategy[Node] = _numbers() | st.sampled_from(
    ["x", "y", "n_1", "n_12", "v_out", "pi", "θ"]
).map(Name)
TREES: st.SearchStrategy[Node] = st.recursive(
    LEAVES,
    lambda inner: (
        st.builds(Bin, st.sampled_from("+-*/^"), inner, inner)
        | st.builds(Neg, inner)
        | st.builds(Call, st.sampled_from(["sqrt", "abs", "sin", "factorial", "cbrt"]), inner)
    ),
    max_leaves=12,
)


@given(TREES)
def test_every_tree_reads_back_from_its_text(tree: Node) -> None:
    assert expression_read(expression_text(tree)) == tree


@given(TREES, TREES)
def test_every_relation_reads_back_from_its_text(left: Node, right: Node) -> None:
    relation = Relation("<=", left, right)
    assert expression_read(expression_text(relation)) == relation


@given(
    st.recursive(
        st.integers(0, 20).map(lambda n: Num(Fraction(n))),
        lambda inner: st.builds(Bin, st.sampled_from("+-*"), inner, inner) | st.builds(Neg, inner),
        max_leaves=10,
    )
)
def test_latex_means_what_the_tree_means(tree: Node) -> None:
    again = read(expression_tex(tree))
    assert not isinstance(again, Relation)
    assert constant_value(again) == constant_value(tree)
