"""From equations to lines: answers worked out again from what a learner reads.

Nothing here looks at a template or its variables: lines_case reads the rendered page, and the
answer follows from that.
"""

from collections.abc import Callable
from typing import Any, TypeAlias, cast

import pytest
import sympy
from sympy import Eq, Expr, Integer, Interval, Rational, expand, ilcm, oo

from tests.tutor.content.demo.lines_case import (
    BOX,
    STEPS,
    Seen,
    W,
    X,
    Y,
    drawn,
    explicit,
    expression,
    interval,
    line,
    root,
    seen,
    solutions,
    through,
    variants,
)

WORKED_OUT = {"number", "fraction", "tuple", "list", "expression", "interval"}
Answer: TypeAlias = Any


def _scales(s: Seen, *, taken: bool = False) -> Any:
    ((bags, ones),), ((other_bags, other_ones),) = s.values("left"), s.values("right")
    away = other_bags if taken else Integer(0)
    return Eq((bags - away) * X + ones, (other_bags - away) * X + other_ones, evaluate=False)


def _taxi(s: Seen) -> Any:
    start, each, paid = s.numbers
    return Eq(each * X + start, paid, evaluate=False)


def _gyms(s: Seen) -> Any:
    card, visit, other_card, other_visit = s.numbers
    return Eq(visit * X + card, other_visit * X + other_card, evaluate=False)


def _garden(s: Seen) -> Any:
    longer, fence = s.numbers
    return Eq(2 * W + 2 * (W + longer), fence, evaluate=False)


def _ages(s: Seen) -> Any:
    older, together = s.numbers
    return Eq(X + X + (X + older), together, evaluate=False)


def _sentence(s: Seen) -> Expr:
    less, times, result = s.alone[:3]
    return (result + less) / times


def _hike(s: Seen) -> Expr:
    return s.numbers[0] / (1 - s.alone[0])


def _rides(s: Seen) -> Expr:
    money, entrance, ride = s.numbers[:3]
    return cast("Expr", sympy.floor((money - entrance) / ride))


def _phrase(s: Seen) -> sympy.Set:
    end = next(value for value in s.alone if value.is_number)
    return {
        "at least": Interval(end, oo),
        "at most": Interval(-oo, end),
        "more than": Interval.open(end, oo),
        "less than": Interval.open(-oo, end),
    }[s.words.split("**")[1]]


def _sunflower(s: Seen) -> sympy.Set:
    height, each, fence = s.numbers
    return Interval.open((fence - height) / each, oo)


def _whole(s: Seen) -> Answer:
    low, high = s.relations[0].lhs, s.relations[1].rhs
    return tuple(Integer(n) for n in range(int(low) + 1, int(high) + 1))


def _integers(s: Seen) -> Answer:
    low, fitting = s.alone[0], solutions(s.relations[0])
    return tuple(low + step for step in range(1, 30) if low + step in fitting)


def _walk(s: Seen) -> Answer:
    (x, y), (across, up) = s.points[0], s.numbers[:2]
    return (
        x + across if "to the right" in s.words else x - across,
        y + up if f"{up} up" in s.words else y - up,
    )


def _table(s: Seen) -> Answer:
    rule = root(s.relations[0], Y)
    return tuple(rule.subs(X, x) for x in s.rows[0])


def _next(s: Seen) -> Answer:
    slope, intercept = explicit(s.relations[0])
    return slope.q, intercept + slope.p


def _meet(s: Seen) -> Answer:
    found = sympy.solve([relation.lhs - relation.rhs for relation in s.relations], [X, Y])
    (m, b), (n, c) = s.values("lines")
    at = (c - b) / (m - n)
    assert (at, m * at + b) == (found[X], found[Y])
    return found[X], found[Y]


def _spring(s: Seen) -> tuple[Expr, Expr]:
    return through(s.numbers[:2], s.numbers[2:4])


def _at_point(s: Seen) -> tuple[Expr, Expr]:
    slope, (x, y) = s.alone[0], s.points[0]
    return slope, y - slope * x


def _first(s: Seen) -> Expr:
    return root(s.relations[0])


EXPECTED: dict[str, Callable[[Seen], Answer]] = {
    "equation-idea-box-a": lambda s: root(s.relations[0], BOX),
    "equation-idea-scales-a": _scales,
    "equation-idea-scales-b": lambda s: root(_scales(s)),
    "equation-idea-check-a": lambda s: s.relations[0].lhs.subs(X, s.alone[-1]),
    "equation-idea-check-again-a": lambda s: s.relations[0].lhs.subs(X, s.alone[-1]),
    "one-step-equations-plus-a": _first,
    "one-step-equations-times-a": _first,
    "one-step-equations-divided-a": _first,
    "one-step-equations-savings-b": lambda s: s.numbers[0] + s.numbers[1],
    "one-step-equations-mistake-b": _first,
    "two-step-equations-solve-a": _first,
    "two-step-equations-minus-x-a": _first,
    "two-step-equations-first-move-b": _first,
    "two-step-equations-taxi-a": _taxi,
    "two-step-equations-taxi-b": lambda s: root(_taxi(s)),
    "two-step-equations-mistake-b": _first,
    "variables-both-sides-scales-a": lambda s: _scales(s, taken=True),
    "variables-both-sides-scales-b": lambda s: root(_scales(s)),
    "variables-both-sides-solve-a": _first,
    "variables-both-sides-brackets-a": lambda s: expand(s.relations[0].lhs),
    "variables-both-sides-brackets-b": _first,
    "variables-both-sides-gyms-a": _gyms,
    "variables-both-sides-gyms-b": lambda s: root(_gyms(s)),
    "fraction-equations-simple-a": _first,
    "fraction-equations-guided-a": lambda s: ilcm(*s.bottoms[:2]),
    "fraction-equations-guided-b": lambda s: s.relations[0],
    "fraction-equations-guided-c": _first,
    "fraction-equations-long-line-a": _first,
    "fraction-equations-fraction-solution-a": _first,
    "fraction-equations-mistake-b": _first,
    "fraction-equations-hike-b": _hike,
    "word-to-equation-sentence-b": _sentence,
    "word-to-equation-rectangle-a": _garden,
    "word-to-equation-rectangle-b": lambda s: root(_garden(s), W),
    "word-to-equation-ages-a": _ages,
    "word-to-equation-ages-b": lambda s: root(_ages(s)) + s.numbers[0],
    "word-to-equation-which-story-b": _first,
    "inequality-line-read-right-a": lambda s: interval(s.figures[0]["set"]),
    "inequality-line-read-piece-a": lambda s: interval(s.figures[0]["set"]),
    "inequality-line-whole-ones-a": _whole,
    "inequality-line-medicine-a": lambda s: Interval.Ropen(*s.numbers[:2]),
    "inequality-line-phrase-a": _phrase,
    "solve-inequality-positive-a": lambda s: solutions(s.relations[0]),
    "solve-inequality-negative-a": lambda s: solutions(s.relations[0]),
    "solve-inequality-budget-b": _rides,
    "solve-inequality-mistake-b": lambda s: solutions(s.relations[0]),
    "solve-inequality-both-sides-a": lambda s: solutions(s.relations[0]),
    "solve-inequality-sunflower-a": _sunflower,
    "solve-inequality-divided-a": lambda s: solutions(s.relations[0]),
    "solve-inequality-three-parts-a": lambda s: solutions(s.relations[0]).intersect(
        solutions(s.relations[1])
    ),
    "solve-inequality-integers-a": _integers,
    "coordinate-plane-read-a": lambda s: tuple(s.values("points")[0]),
    "coordinate-plane-corner-a": lambda s: (s.points[0][0], s.points[2][1]),
    "coordinate-plane-corner-b": lambda s: s.points[1][0] - s.points[0][0],
    "coordinate-plane-mirror-a": lambda s: (s.points[0][0], -s.points[0][1]),
    "coordinate-plane-mistake-b": lambda s: tuple(s.alone[:2]),
    "coordinate-plane-walk-a": _walk,
    "table-of-values-fill-a": _table,
    "table-of-values-rule-a": lambda s: line(
        *through([row[1] for row in s.rows], [row[3] for row in s.rows])
    ),
    "table-of-values-tank-a": lambda s: (
        drawn(s.figures[0])[0] * s.numbers[0] + drawn(s.figures[0])[1]
    ),
    "table-of-values-tank-b": lambda s: drawn(s.figures[0])[0],
    "slope-read-a": lambda s: through(*(s.values("points")))[0],
    "slope-two-points-a": lambda s: through(*s.points)[0],
    "slope-bike-a": lambda s: through(*s.values("points"))[0],
    "slope-mistake-b": lambda s: through(*s.points)[0],
    "slope-intercept-read-a": lambda s: explicit(s.relations[0]),
    "slope-intercept-from-graph-a": lambda s: line(*drawn(s.figures[0])),
    "slope-intercept-solve-for-y-a": lambda s: line(*explicit(s.relations[0])),
    "slope-intercept-solve-for-y-b": lambda s: explicit(s.relations[0])[0],
    "slope-intercept-candle-a": lambda s: line(-s.numbers[1], s.numbers[0]),
    "slope-intercept-candle-b": lambda s: s.numbers[0] - s.numbers[1] * s.numbers[-1],
    "slope-intercept-mistake-b": lambda s: line(*drawn(s.figures[0])),
    "graph-line-next-point-a": _next,
    "graph-line-crossing-a": lambda s: root(s.relations[0].subs(Y, 0)),
    "graph-line-meet-a": _meet,
    "line-from-points-slope-and-point-a": lambda s: _at_point(s)[1],
    "line-from-points-slope-and-point-b": lambda s: line(*_at_point(s)),
    "line-from-points-guided-a": lambda s: through(*s.points)[0],
    "line-from-points-guided-b": lambda s: through(*s.points)[1],
    "line-from-points-guided-c": lambda s: line(*through(*s.points)),
    "line-from-points-from-graph-a": lambda s: line(*through(*s.values("points"))),
    "line-from-points-spring-a": lambda s: _spring(s)[0],
    "line-from-points-spring-b": lambda s: _spring(s)[1],
    "line-from-points-spring-c": lambda s: line(*_spring(s)),
    "line-from-points-mistake-b": lambda s: line(*_at_point(s)),
}


def _is_same_equation(one: Any, other: Any) -> bool:
    first, second = expand(one.lhs - one.rhs), expand(other.lhs - other.rhs)
    factor = sympy.cancel(first / second)
    return bool(factor.is_number and factor != 0)


def _written(answer: dict[str, Any]) -> Answer:
    if answer["kind"] in {"tuple", "list"}:
        return tuple(Rational(value) for value in answer["values"])
    if answer["kind"] == "interval":
        return interval(answer["value"])
    sides = [expression(side.strip()) for side in str(answer["value"]).split("=")]
    if len(sides) == 1:
        return sides[0]
    return sides[1] if sides[0] == X else Eq(*sides, evaluate=False)


@pytest.mark.parametrize("step_id", EXPECTED)
def test_the_answer_follows_from_what_is_read(step_id: str) -> None:
    for read, step in variants(step_id):
        expected, given = EXPECTED[step_id](read), _written(step["answer"])
        if isinstance(expected, sympy.Equality):
            assert _is_same_equation(expected, given), (step["prompt"], given)
        else:
            assert expected == given, (step["prompt"], expected, given)


def test_every_answer_that_can_be_worked_out_is_worked_out_again() -> None:
    known = {id_ for id_, step in STEPS.items() if step["answer"]["kind"] in WORKED_OUT}
    assert set(EXPECTED) == known


def test_an_equation_without_fractions_is_asked_for_and_given() -> None:
    for _, step in variants("fraction-equations-guided-b"):
        assert "/" not in step["answer"]["value"]


def _fits_root(expected: Callable[[Seen], Expr]) -> Callable[[Seen, Seen], bool]:
    def fits(page: Seen, choice: Seen) -> bool:
        (relation,) = choice.relations
        return isinstance(relation, sympy.Equality) and root(relation) == expected(page)

    return fits


def _is_true_at(page: Seen, choice: Seen) -> bool:
    return bool(root(choice.relations[0]) == page.alone[0])


def _lies_on(page: Seen, choice: Seen) -> bool:
    ((x, y),) = choice.points
    slope, intercept = explicit(page.relations[0])
    return bool(y == slope * x + intercept)


def _shows_line(line_of: Callable[[Seen], tuple[Expr, Expr]]) -> Callable[[Seen, Seen], bool]:
    return lambda page, choice: drawn(choice.figures[0]) == line_of(page)


# Step: does a choice, alone on the page with the question, deserve to be right?
FITTING: dict[str, Callable[[Seen, Seen], bool]] = {
    "equation-idea-which-a": _is_true_at,
    "one-step-equations-savings-a": _fits_root(lambda s: s.numbers[0] + s.numbers[1]),
    "variables-both-sides-how-many-a": lambda _, c: sympy.solve(
        expand(c.relations[0].lhs - c.relations[0].rhs), X
    )
    == []
    and expand(c.relations[0].lhs - c.relations[0].rhs) != 0,
    "fraction-equations-hike-a": _fits_root(_hike),
    "word-to-equation-sentence-a": _fits_root(_sentence),
    "inequality-line-choose-line-a": lambda s, c: interval(c.figures[0]["set"])
    == solutions(s.relations[0]),
    "inequality-line-which-a": lambda s, c: bool(s.relations[0].subs(X, c.alone[0])),
    "solve-inequality-choose-line-a": lambda s, c: interval(c.figures[0]["set"])
    == solutions(s.relations[0]),
    "solve-inequality-turn-a": lambda _, c: c.relations[0].lhs.coeff(X) < 0,
    "coordinate-plane-axes-a": lambda _, c: c.points[0][0] == 0,
    "table-of-values-on-the-line-a": _lies_on,
    "table-of-values-mistake-a": lambda s, c: root(s.relations[0], Y).subs(
        X, c.relations[0].rhs
    )
    != dict(zip(*s.rows, strict=True))[c.relations[0].rhs],
    "table-of-values-choose-graph-a": _shows_line(
        lambda s: through([row[0] for row in s.rows], [row[1] for row in s.rows])
    ),
    "slope-steeper-a": lambda s, c: drawn(c.figures[0])[0] == s.alone[0],
    "graph-line-choose-a": _shows_line(lambda s: explicit(s.relations[0])),
    "graph-line-parallel-a": lambda s, c: explicit(c.relations[0])[0]
    == explicit(s.relations[0])[0],
    "line-from-points-third-point-a": lambda s, c: through(s.points[0], c.points[0])
    == through(*s.points),
}  # fmt: skip


@pytest.mark.parametrize("step_id", FITTING)
def test_exactly_the_right_choices_fit(step_id: str) -> None:
    for page, step in variants(step_id):
        fitting = {c["id"] for c in step["choices"] if FITTING[step_id](page, seen(c["text"]))}
        correct = step["answer"]["correct"]
        assert fitting == ({correct} if isinstance(correct, str) else set(correct)), step


def test_the_letter_asked_for_stands_at_the_point() -> None:
    for page, step in variants("coordinate-plane-choose-a"):
        names = page.figures[0]["names"].split("; ")
        named = dict(zip(names, map(tuple, page.values("points")), strict=True))
        right = next(c["text"] for c in step["choices"] if c["id"] == step["answer"]["correct"])
        assert [name for name, point in named.items() if point == page.points[0]] == [right]


def test_a_number_that_is_said_to_solve_an_equation_does() -> None:
    for step_id, is_solution in (
        ("equation-idea-check-b", True),
        ("equation-idea-check-again-b", False),
    ):
        for page, step in variants(step_id):
            equation = page.relations[0]
            difference = (equation.lhs - equation.rhs).subs(X, page.alone[1])
            assert (difference == 0) is is_solution
            assert step["answer"]["correct"] == ("yes" if is_solution else "no")


def test_each_pair_of_points_has_the_slope_that_is_matched() -> None:
    for _, step in variants("slope-match-a"):
        texts = {choice["id"]: choice["text"] for choice in step["choices"]}
        for left in step["answer"]["left"]:
            one, other = seen(left["text"]).points
            shown = texts[step["answer"]["correct"][left["id"]]]
            if one[0] == other[0]:
                assert shown == "no slope"
            else:
                assert expression(shown.strip("$")) == through(one, other)[0]


@pytest.mark.parametrize(
    "step_id", ["two-step-equations-sort-the-work-a", "variables-both-sides-sort-the-work-a"]
)
def test_every_line_of_the_work_has_the_same_solution(step_id: str) -> None:
    for _, step in variants(step_id):
        read = [seen(choice["text"]).relations[0] for choice in step["choices"]]
        assert len({root(relation) for relation in read if relation.has(X)}) == 1
        assert all(relation.lhs == relation.rhs for relation in read if not relation.has(X))


@pytest.mark.parametrize(
    "problem_id",
    ["two-step-equations-mistake", "fraction-equations-mistake", "one-step-equations-mistake"],
)
def test_wrong_work_that_is_shown_is_really_wrong(problem_id: str) -> None:
    for page, _ in variants(f"{problem_id}-a"):
        assert root(page.relations[0]) != root(page.relations[-1])
