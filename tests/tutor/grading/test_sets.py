"""Intervals, lists and tuples."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutor.grading.answers import answer_check, answer_expected, answer_read, answer_validate
from tutor.grading.intervals import intervals_read, set_text
from tutor.grading.specs import Unreadable

HALF_OPEN = {"kind": "interval", "value": "[-3, 5)"}
OUTSIDE = {"kind": "interval", "value": "(-inf, 2] or (5, inf)"}


@pytest.mark.parametrize(
    ("answer", "typed"),
    [
        (HALF_OPEN, "[-3,5)"),
        (HALF_OPEN, "[−3 ; 5["),
        (HALF_OPEN, "-3 <= x < 5"),
        (HALF_OPEN, "5 > x ≥ -3"),
        (HALF_OPEN, "x >= -3 and x < 5"),
        (HALF_OPEN, "[-6/2, sqrt(25))"),
        (HALF_OPEN, "[-3, 1) or [1, 5)"),
        (HALF_OPEN, r"$$\left[-3, 5\right)$$"),
        (OUTSIDE, "x <= 2 or x > 5"),
        (OUTSIDE, "x > 5, x <= 2"),
        (OUTSIDE, "(-∞, 2] ∪ (5, ∞)"),
        (OUTSIDE, "(-infinity,2]U(5,+oo)"),
        (OUTSIDE, r"\left(-\infty, 2\right] \cup \left(5, \infty\right)"),
        ({"kind": "interval", "value": "x != 3"}, "x < 3 or x > 3"),
        ({"kind": "interval", "value": "(-inf, inf)"}, "all real numbers"),
        ({"kind": "interval", "value": "no solution"}, "x < 1 and x > 2"),
        ({"kind": "interval", "value": "x = 4"}, "[4, 4]"),
    ],
)
def test_equal_sets_are_right(answer: dict[str, object], typed: str) -> None:
    graded = answer_check(answer, typed)
    assert graded.is_correct, graded


def test_wrong_ends_and_wrong_brackets_are_told_apart() -> None:
    assert "ends are right" in answer_check(HALF_OPEN, "(-3, 5]").message
    assert answer_check(HALF_OPEN, "[-3, 6)").message == ""
    assert answer_check(HALF_OPEN, "[-3, 6)").is_readable


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("[5, -3)", "smaller end"),
        ("(inf, 2]", "smaller end"),
        ("[-inf, 2]", "infinity never belongs"),
        ("[-3, 5", "not closed"),
        ("[1, 2, 3]", "two ends"),
        ("[1, x]", "not a number"),
        ("[1/0, 2]", "divides by zero"),
        ("2", "write an interval"),
        ("x < y", "one letter"),
        ("x < 2 or y > 3", "more than one letter"),
        ("1 < x > 0", "same way"),
        ("x < inf", "infinity stands in intervals only"),
        ("x <", "ends with an operator"),
        ("", "Write an answer"),
        (" or ".join(["x<1"] * 40), "more than 20 parts"),
    ],
)
def test_an_unreadable_interval_says_why(typed: str, reason: str) -> None:
    graded = answer_check(HALF_OPEN, typed)
    assert not graded.is_readable
    assert reason in graded.message


PIECES = st.tuples(
    st.sampled_from("(["), st.integers(-9, 9), st.integers(0, 6), st.sampled_from(")]")
).map(lambda p: f"{p[0]}{p[1]}, {p[1] + p[2]}{p[3]}")


@given(st.lists(PIECES, min_size=1, max_size=5))
def test_a_set_reads_back_and_its_order_does_not_matter(pieces: list[str]) -> None:
    found = intervals_read(" or ".join(pieces))
    assert not isinstance(found, Unreadable)
    assert intervals_read(set_text(found)) == found
    assert intervals_read(" or ".join(reversed(pieces))) == found


@given(st.lists(PIECES, min_size=1, max_size=4), st.integers(-40, 80))
def test_membership_is_that_of_the_pieces(pieces: list[str], quarter: int) -> None:
    def holds(text: str) -> bool:
        point = quarter / 4
        low, high = (int(end) for end in text[1:-1].split(","))
        above = point >= low if text[0] == "[" else point > low
        return above and (point <= high if text[-1] == "]" else point < high)

    found = intervals_read(" or ".join(pieces))
    assert not isinstance(found, Unreadable)
    inside = intervals_read(" or ".join([*pieces, f"[{quarter}/4, {quarter}/4]"]))
    assert (inside == found) == any(holds(piece) for piece in pieces)


@given(st.text(max_size=60) | st.text("[](){}<>=x,;or and inf0123/-", max_size=40))
def test_reading_sets_lists_and_tuples_never_raises(text: str) -> None:
    for answer in (HALF_OPEN, ROOTS, POINT):
        graded = answer_check(answer, text)
        assert graded.is_readable or graded.message


ROOTS: dict[str, object] = {"kind": "list", "values": [2, "-3"]}
POINT: dict[str, object] = {"kind": "tuple", "values": [2, "-3/4"]}


@pytest.mark.parametrize(
    "typed", ["2, -3", "-3;2", "{2, -3}", "x = 2 or x = -3", "2 and -3", r"\left\{2, -3\right\}"]
)
def test_a_list_is_right_in_any_order(typed: str) -> None:
    assert answer_check(ROOTS, typed).is_correct


def test_an_ordered_list_keeps_its_order() -> None:
    assert answer_check({**ROOTS, "ordered": True}, "2, -3").is_correct
    assert not answer_check({**ROOTS, "ordered": True}, "-3, 2").is_correct


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("2", "something is missing"),
        ("2, -3, 4", "and more"),
        ("2, 2", ""),
        ("2, 5", ""),
    ],
)
def test_a_wrong_list_is_told_what_is_wrong(typed: str, message: str) -> None:
    graded = answer_check(ROOTS, typed)
    assert (graded.is_readable, graded.is_correct) == (True, False)
    assert message in graded.message


def test_tolerances_do_not_make_two_values_compete() -> None:
    element = {"kind": "number", "tolerance": 1}
    answer = {"kind": "list", "values": [1, 2], "element": element}
    assert answer_check(answer, "2, 0").is_correct
    assert answer_check(answer, "3, 2").is_correct
    assert not answer_check(answer, "4, 2").is_correct


@pytest.mark.parametrize(
    "typed",
    ["(2, -3/4)", "2, -0.75", "x = 2, y = -3/4", r"\left(2, \frac{-3}{4}\right)", "(2; -0,75)"],
)
def test_a_tuple_is_right_in_order(typed: str) -> None:
    assert answer_check(POINT, typed).is_correct
    assert not answer_check(POINT, "(-3/4, 2)").is_correct


@pytest.mark.parametrize("typed", ["3 : 5", "3:5", "3 to 5", "3 and 5", "(3, 5)"])
def test_a_tuple_may_be_written_as_a_ratio(typed: str) -> None:
    ratio = {"kind": "tuple", "values": ["3", "5"]}
    assert answer_check(ratio, typed).is_correct
    assert answer_check({"kind": "tuple", "values": ["5", "3"]}, typed).is_readable
    assert not answer_check({"kind": "tuple", "values": ["5", "3"]}, typed).is_correct


@pytest.mark.parametrize("typed", ["(2)", "(2 : 3 : 4)", "(2, 3, 4)", "(2,, 3)", "(2, x)", ""])
def test_a_tuple_of_another_length_is_unreadable(typed: str) -> None:
    assert not answer_check(POINT, typed).is_readable


def test_elements_may_be_expressions_or_words() -> None:
    factors = {"kind": "list", "values": ["x + 1", "x - 1"], "element": {"kind": "expression"}}
    assert answer_check(factors, "x-1, 1+x").is_correct
    colours = {"kind": "list", "values": ["red", "blue"], "element": {"kind": "text"}}
    assert answer_check(colours, "Blue and red").is_correct
    assert not answer_check(colours, "Blue, green").is_correct


def test_list_feedback_recognises_any_order() -> None:
    feedback = [{"answer": "-2, 3", "text": "Mind the signs."}]
    assert answer_check(ROOTS, "3, -2", feedback=feedback).message == "Mind the signs."


def test_right_sets_lists_and_tuples_are_shown_as_latex() -> None:
    assert answer_expected(OUTSIDE) == r"$(-\infty, 2] \cup (5, \infty)$"
    assert answer_expected(ROOTS) == "$2$, $-3$"
    assert answer_expected(POINT) == r"$(2, -\frac{3}{4})$"


@pytest.mark.parametrize("answer", [HALF_OPEN, OUTSIDE, ROOTS, POINT])
def test_what_was_read_reads_the_same_again(answer: dict[str, object]) -> None:
    first = answer_read(answer, answer_expected(answer).replace("$", ""))
    assert not isinstance(first, Unreadable)
    assert answer_check(answer, first.normalised).is_correct


@pytest.mark.parametrize(
    ("answer", "pointers"),
    [
        ({"kind": "interval", "value": "[3"}, {"/value"}),
        ({"kind": "interval", "value": 3}, {"/value"}),
        ({"kind": "list", "values": []}, {"/values"}),
        ({"kind": "list", "values": ["q", 3]}, {"/values/0"}),
        ({"kind": "list", "values": [3], "element": {"kind": "choice"}}, {"/element"}),
        ({"kind": "list", "values": [3], "element": {"tolerance": -1}}, {"/element/tolerance"}),
        ({"kind": "tuple", "values": [3, 4], "ordered": True}, {"/ordered"}),
    ],
)
def test_a_broken_set_is_found(answer: dict[str, object], pointers: set[str]) -> None:
    assert {problem.pointer for problem in answer_validate(answer)} == pointers
