"""How the tests of the lines part read the demo course: rendered text as SymPy understands it.

Nothing is read by the site's own parser: the formulas, tables and pictures of a page become
SymPy expressions, so that an answer can be worked out from them in another way.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any, cast

import sympy
from sympy import Eq, Expr, Integer, Interval, Rational, expand, oo

from tutor.content.demo.assemble import demo_bundle
from tutor.grading.variants import document_render

SEEDS = range(25)
BUNDLE = demo_bundle()
LESSONS = {lesson["id"] for lesson in BUNDLE["lessons"] if lesson["order"] >= 400}
PROBLEMS = {p["id"]: p for p in BUNDLE["problems"] if p["lesson"] in LESSONS}
STEPS = {step["id"]: step for problem in PROBLEMS.values() for step in problem["steps"]}
LETTERS = {name: sympy.Symbol(name, real=True) for name in ["x", "y", "w", "b", "B"]}
X, Y, W, BOX = LETTERS["x"], LETTERS["y"], LETTERS["w"], LETTERS["B"]
_FORMULA = re.compile(r"\$\$(.+?)\$\$|\$(.+?)\$", re.DOTALL)
_FIGURE = re.compile(r"```figure\n(.*?)\n```", re.DOTALL)
_POINT = re.compile(r"[A-Z]?\((-?\d+), (-?\d+)\)")
_SIGN = re.compile(r"(<=|>=|\\le(?![a-z])|\\ge(?![a-z])|[=<>])")
_RELATIONS: dict[str, Callable[[Expr, Expr], Any]] = {
    "=": lambda one, other: Eq(one, other, evaluate=False),
    "<": lambda one, other: sympy.Lt(one, other, evaluate=False),
    ">": lambda one, other: sympy.Gt(one, other, evaluate=False),
    r"\le": lambda one, other: sympy.Le(one, other, evaluate=False),
    r"\ge": lambda one, other: sympy.Ge(one, other, evaluate=False),
}
Point = tuple[Expr, Expr]


@cache
def expression(tex: str) -> Expr:
    """A formula without a sign of relation, as SymPy understands it."""
    text = tex.replace(r"\times", "*").replace(r"\square", "B")
    text = re.sub(r"\\frac\{([^{}]*)\}\{([^{}]*)\}", r"((\1)/(\2))", text)
    text = re.sub(r"(?<=[\dxywbB)])\s*(?=[xywbB(])", "*", text)
    assert not re.search(r"[\\${]", text), tex
    return cast("Expr", sympy.parse_expr(text, local_dict=LETTERS))


@dataclass(frozen=True)
class Seen:
    """What stands in a text; `bottoms` are those of its fractions, `numbers` those in `words`."""

    bottoms: list[int]
    relations: list[Any]
    alone: list[Expr]
    points: list[Point]
    numbers: list[Integer]
    figures: list[dict[str, str]]
    rows: list[list[Expr]]
    words: str

    def values(self, key: str, *, figure: int = 0) -> list[list[Rational]]:
        """The numbers that a figure has under a key."""
        groups = self.figures[figure][key].split(";")
        return [[Rational(value.strip()) for value in group.split(",")] for group in groups]


def seen(text: str) -> Seen:
    """Read a text as a learner does, without the text alternatives of its figures."""
    figures = [
        {key: quoted or bare for key, quoted, bare in re.findall(r'(\w+)=(?:"(.*?)"|(\S+))', one)}
        for one in _FIGURE.findall(text)
    ]
    text = _FIGURE.sub(" ", text)
    rows = [
        [
            expression(cell.strip(" $").replace("−", "-"))
            for cell in cells.split("|")[1:-1]
            if cell.strip()
        ]
        for cells in re.findall(r"^\| (?:\*x\*|\$y\$) (\|.*)$", text, re.MULTILINE)
    ]
    text = re.sub(r"^\|.*$", "", text, flags=re.MULTILINE)
    relations, alone = [], []
    for match in _FORMULA.finditer(text):
        formula = (match[1] or match[2]).strip()
        if (
            _POINT.fullmatch(formula)
            or re.search(r"=$|\\text", formula)
            or re.search(r"(?<!\\ti)m", formula)
        ):
            continue
        first, *others = _SIGN.split(formula)
        parts = [expression(part.strip()) for part in [first, *others[1::2]]]
        if not others:
            alone.append(parts[0])
        for (left, right), sign in zip(pairwise(parts), others[::2], strict=True):
            relations.append(_RELATIONS[sign](left, right))
    points = [(Integer(x), Integer(y)) for x, y in _POINT.findall(text)]
    words = _FORMULA.sub(" ", text)
    numbers = [Integer(n) for n in re.findall(r"\d+", words)]
    bottoms = [int(bottom) for bottom in re.findall(r"\\frac\{[^}]*\}\{(\d+)\}", text)]
    return Seen(bottoms, relations, alone, points, numbers, figures, rows, words)


def root(relation: Any, letter: sympy.Symbol = X) -> Expr:
    """The only solution of a linear equation."""
    difference = expand(relation.lhs - relation.rhs)
    slope = difference.coeff(letter)
    assert slope != 0
    found = expand((slope * letter - difference) / slope)
    assert not found.has(letter)
    return cast("Expr", found)


@cache
def solutions(relation: Any) -> sympy.Set:
    found = sympy.solve_univariate_inequality(relation, X, relational=False)
    return cast("sympy.Set", found)


def line(slope: Expr, intercept: Expr) -> Any:
    return Eq(Y, slope * X + intercept, evaluate=False)


def through(one: Sequence[Expr], other: Sequence[Expr]) -> tuple[Expr, Expr]:
    """Slope and intercept of the line through two points."""
    slope = (other[1] - one[1]) / (other[0] - one[0])
    return slope, one[1] - slope * one[0]


def drawn(figure: dict[str, str]) -> tuple[Expr, Expr]:
    slope, intercept = (Rational(part.strip()) for part in figure["lines"].split(","))
    return slope, intercept


def explicit(relation: Any) -> tuple[Expr, Expr]:
    """Slope and intercept of an equation of a line."""
    side = sympy.Poly(root(relation, Y), X)
    return side.coeff_monomial(X), side.coeff_monomial(1)


def interval(text: str) -> sympy.Set:
    found = re.fullmatch(r"([\[(])(.+?), ?(.+?)([\])])", text.strip())
    assert found, text
    low = -oo if found[2] == "-inf" else Rational(found[2])
    high = oo if found[3] == "inf" else Rational(found[3])
    return Interval(low, high, left_open=found[1] == "(", right_open=found[4] == ")")


def variants(step_id: str) -> Iterator[tuple[Seen, dict[str, Any]]]:
    """What stands on the page when the step is asked, with the step."""
    problem = PROBLEMS[step_id.rpartition("-")[0]]
    for seed in SEEDS:
        variant: Any = document_render(problem, seed)
        place = next(at for at, step in enumerate(variant["steps"]) if step["id"] == step_id)
        prompts = [step["prompt"] for step in variant["steps"][: place + 1]]
        yield seen("\n\n".join([variant.get("body", ""), *prompts])), variant["steps"][place]
