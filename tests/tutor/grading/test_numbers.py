"""Numbers and fractions as learners type them."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutor.grading.answers import answer_check, answer_expected, answer_read, answer_validate
from tutor.grading.errors import AnswerInvalidError
from tutor.grading.quantities import Quantity, quantity_read
from tutor.grading.rationals import decimal, mixed, plain, tex
from tutor.grading.specs import Graded, Unreadable

SYMBOLS = st.sampled_from(list("0123456789.,/ -+$%€½¾²^*eExX=()\\{}frac√'−×\u00a0cm"))


def check(answer: dict[str, object], raw: str) -> Graded:
    return answer_check(answer, raw)


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("7", "7"),
        ("-7", "-7"),
        ("−7", "-7"),
        (" + 7 ", "7"),
        ("７", "7"),
        ("0.50", "1/2"),
        (".5", "1/2"),
        ("7.", "7"),
        ("1,200", "1200"),
        ("1 200", "1200"),
        ("1\u202f200,5", "2401/2"),
        ("1'200", "1200"),
        ("1,200,000.5", "2400001/2"),
        ("1.200,50", "2401/2"),
        ("3,5", "7/2"),
        ("0,125", "1/8"),
        ("3/4", "3/4"),
        ("-3/4", "-3/4"),
        ("3/-4", "-3/4"),
        ("3⁄4", "3/4"),
        ("0.5/2", "1/4"),
        ("½", "1/2"),
        ("1½", "3/2"),
        ("-1 ½", "-3/2"),
        ("3 1/2", "7/2"),
        ("3 and 1/2", "7/2"),
        ("-3 1/2", "-7/2"),
        ("x = 4", "4"),
        ("n=-3/2", "-3/2"),
        ("50%", "1/2"),
        ("1.2e3", "1200"),
        ("1.2×10^3", "1200"),
        ("5·10**-1", "1/2"),
        ("(4)", "4"),
        ("$$-4.3$$", "-43/10"),
        ("$12$", "12"),
        (r"$$\frac{-10}{11}$$", "-10/11"),
        (r"-\dfrac{3}{4}", "-3/4"),
        (r"3\frac{1}{2}", "7/2"),
        (r"\left(\frac34\right)", "3/4"),
    ],
)
def test_a_number_is_read_as_it_is_typed(typed: str, value: str) -> None:
    reading = answer_read({"kind": "number", "value": 0}, typed)
    assert not isinstance(reading, Unreadable), reading
    assert isinstance(reading.value, Quantity)
    assert reading.value.value == Fraction(value)


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("", "Write an answer first"),
        ("   ", "Write an answer first"),
        ("3x+", "ends with an operator"),
        ("abc", "holds no number"),
        ("12 00", "looks like two numbers"),
        ("1,20,000", "not thousands"),
        ("1/0", "0 below the line"),
        ("3 5/2", "not below 1"),
        ("3 1/0", "0 below the line"),
        ("12+3", "worked out"),
        ("3-1/2", "worked out"),
        ("12 cm", "`cm` is not part of a number"),
        ("x=", "nothing follows|ends with"),
        ("1..2", "not one number|contradict"),
        ("--3", "two signs"),
        ("1/2/3", "more than one fraction line"),
        ("1\x002", "cannot be shown"),
        ("9" * 200, "more than 60 digits"),
        ("9" * 500, "500 characters"),
        ("1e999999999", "power of ten"),
        ("()", "holds no number"),
        ("\\frac{1}{0}", "0 below the line"),
        ("٣", "holds no number|not one number"),
    ],
)
def test_an_unreadable_number_says_why_and_is_not_wrong(typed: str, reason: str) -> None:
    graded = check({"kind": "number", "value": 3}, typed)
    assert (graded.is_readable, graded.is_correct) == (False, False)
    assert any(part in graded.message for part in reason.split("|")), graded.message


@given(st.text(max_size=60) | st.text(SYMBOLS, max_size=30))
def test_reading_a_number_never_raises(text: str) -> None:
    found = quantity_read(text)
    assert isinstance(found, Quantity) or found.message


@given(st.fractions(max_denominator=10**6))
def test_every_way_of_writing_a_number_reads_back(value: Fraction) -> None:
    for text in (plain(value), mixed(value), tex(value), f"$${tex(value)}$$"):
        found = quantity_read(text)
        assert isinstance(found, Quantity), (text, found)
        assert found.value == value, text


@given(st.integers(-(10**9), 10**9), st.integers(0, 6))
def test_decimals_read_back(digits: int, places: int) -> None:
    value = Fraction(digits, 10**places)
    found = quantity_read(decimal(value))
    assert isinstance(found, Quantity)
    assert found.value == value


@given(
    st.fractions(-100, 100, max_denominator=99),
    st.fractions(-100, 100, max_denominator=99),
    st.fractions(0, 1, max_denominator=99),
)
def test_a_tolerance_bounds_the_distance(
    value: Fraction, given_: Fraction, width: Fraction
) -> None:
    answer = {"kind": "number", "value": str(value), "tolerance": str(width)}
    assert check(answer, str(given_)).is_correct == (abs(value - given_) <= width)


def test_a_relative_tolerance_grows_with_the_value() -> None:
    answer = {"kind": "number", "value": 200, "relative_tolerance": 0.01}
    assert check(answer, "202").is_correct
    assert not check(answer, "202.1").is_correct


def test_a_rounded_value_is_told_to_be_close() -> None:
    graded = check({"kind": "number", "value": "1/3"}, "0.333")
    assert not graded.is_correct
    assert "rounded" in graded.message


UNITS = {"kind": "number", "value": 12, "units": ["cm²", "square centimetres"]}


@pytest.mark.parametrize("typed", ["12 cm²", "12cm^2", "12 cm2", "12 Square centimetres"])
def test_any_spelling_of_the_unit_counts(typed: str) -> None:
    assert check(UNITS, typed).is_correct


def test_a_missing_unit_is_asked_for() -> None:
    graded = check(UNITS, "12")
    assert not graded.is_readable
    assert graded.message.startswith("Write the unit too: `cm²`.")
    assert check({**UNITS, "units": ["cm", ""]}, "12").is_correct


def test_a_wrong_unit_is_wrong_and_said_so() -> None:
    graded = check(UNITS, "12 m²")
    assert (graded.is_readable, graded.is_correct) == (True, False)
    assert "`m^2`" in graded.message


@pytest.mark.parametrize("typed", ["$0.39", "$ .39", "0.39 $"])
def test_a_currency_sign_stands_before_or_after(typed: str) -> None:
    assert check({"kind": "number", "value": "0.39", "units": ["$"]}, typed).is_correct


def test_a_percent_sign_is_a_hundredth_unless_it_is_the_unit() -> None:
    assert check({"kind": "number", "value": "1/2"}, "50%").is_correct
    assert check({"kind": "number", "value": 50, "units": ["%"]}, "50 %").is_correct


@pytest.mark.parametrize(
    ("form", "right", "wrong"),
    [
        ("any", ["3/2", "6/4", "1 1/2", "1½", "1.5"], []),
        ("lowest", ["3/2", "1 1/2"], ["6/4", "1 2/4", "1.5"]),
        ("improper", ["3/2", "6/4"], ["1 1/2", "1.5"]),
        ("mixed", ["1 1/2", "1 2/4"], ["3/2", "1.5"]),
    ],
)
def test_a_fraction_is_wanted_in_its_form(form: str, right: list[str], wrong: list[str]) -> None:
    answer = {"kind": "fraction", "value": "3/2", "form": form}
    assert [check(answer, typed).is_correct for typed in right] == [True] * len(right)
    for typed in wrong:
        graded = check(answer, typed)
        assert (graded.is_readable, graded.is_correct) == (True, False)
        assert graded.message.startswith("The value is right")


def test_a_wrong_value_is_not_told_about_its_form() -> None:
    assert check({"kind": "fraction", "value": "3/2", "form": "lowest"}, "4/6").message == ""


def test_feedback_is_given_for_the_listed_answer() -> None:
    feedback = [
        {"answer": "5", "text": "You added.", "misconception": "adds"},
        {"answer": "2/4", "text": "Halve it."},
    ]
    answer = {"kind": "fraction", "value": "1/2", "form": "lowest"}
    graded = answer_check(answer, "10/2", feedback=feedback)
    assert (graded.message, graded.misconception) == ("You added.", "adds")
    assert answer_check(answer, "2/4", feedback=feedback).message == "Halve it."
    assert "lowest terms" in answer_check(answer, "4/8", feedback=feedback).message
    assert answer_check(answer, "1/2", feedback=feedback).message == ""


def test_the_right_answer_is_shown_as_latex() -> None:
    assert answer_expected({"kind": "number", "value": "-3/4"}) == r"$-\frac{3}{4}$"
    assert answer_expected({"kind": "number", "value": 0.5}) == "$0.5$"
    assert answer_expected(UNITS) == "$12$ cm²"
    assert answer_expected({"kind": "number", "value": 3, "units": ["$"]}) == r"\$3"
    mixed_form = {"kind": "fraction", "value": "3/2", "form": "mixed"}
    assert answer_expected(mixed_form) == r"$1\frac{1}{2}$"


def test_everything_wrong_with_an_authored_answer_is_told_at_once() -> None:
    answer = {"kind": "number", "value": "x", "tolerance": -1, "unit": "cm"}
    pointers = {problem.pointer for problem in answer_validate(answer)}
    assert pointers == {"/value", "/tolerance", "/unit"}
    with pytest.raises(AnswerInvalidError, match="tolerance"):
        answer_check(answer, "3")


@pytest.mark.parametrize("answer", [{}, {"kind": "essay"}, {"kind": None}, {"kind": ["number"]}])
def test_an_unknown_kind_is_a_problem(answer: dict[str, object]) -> None:
    assert [problem.pointer for problem in answer_validate(answer)] == ["/kind"]
