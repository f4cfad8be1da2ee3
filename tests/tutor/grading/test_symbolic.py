"""No input hangs a request, and no doubt is called wrong."""

import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tutor.grading.answers import answer_check
from tutor.grading.numeric import numerically_equivalent
from tutor.grading.reading import expression_read
from tutor.grading.specs import Unreadable, Verdict
from tutor.grading.symbolic import SymbolicHelper, exactly_equivalent, symbolic_shared
from tutor.grading.syntax import Node, Relation


def tree(text: str) -> Node:
    found = expression_read(text)
    assert not isinstance(found, Unreadable | Relation)
    return found


@pytest.fixture(scope="module")
def hasty() -> Iterator[SymbolicHelper]:
    helper = SymbolicHelper(timeout_s=0.4)
    assert helper.warm()
    yield helper
    helper.close()


@pytest.mark.parametrize(
    ("left", "right", "verdict"),
    [
        ("x^2 - 1", "(x-1)(x+1)", Verdict.SAME),
        ("x/y + y/x", "(x^2+y^2)/(x*y)", Verdict.SAME),
        ("x^2 - 1", "(x-1)^2", Verdict.DIFFERENT),
        ("sqrt(16/9)", "4/3", Verdict.SAME),
        ("pi", "22/7", Verdict.DIFFERENT),
        ("sqrt(x)", "x", Verdict.UNDECIDED),
        ("2sqrt(x) + 1", "1 + sqrt(x)*2", Verdict.SAME),
    ],
)
def test_polynomials_and_constants_need_no_sympy(left: str, right: str, verdict: Verdict) -> None:
    assert exactly_equivalent(tree(left), tree(right)) is verdict


@pytest.mark.parametrize(
    "typed",
    [
        "9**9**9",
        "9^9^9^9^9",
        "(10^9)!",
        "((9!)!)!",
        "x^1000000",
        "(x+1)^1000000",
        "(x+y+z+a+b)^99",
        "+".join(["(x+y+1)^13(x+y+1)^13"] * 10),
        "sin(10^99999)",
        "((((x^99)^99)^99)^99)^99",
        "1/(x-x)",
        "0^-1",
        "0^0^-1",
        "tan(pi/2)",
        "ln(0)",
        "ln(-1)",
        "sqrt(-1)",
        "1e999999",
        "9" * 5000,
        "(" * 300 + "x" + ")" * 300,
        "sin(" * 30 + "x" + ")" * 30,
        "e^" * 30 + "x",
        "√" * 100,
        "x" * 10_000,
        "x\x00y",
        "\ud800",
        "💥²",
        "__import__('os').system('true')",
        "x=1;y=2",
        "١+٢",
    ],
)
def test_hostile_input_is_answered_soon_and_without_an_error(
    typed: str, hasty: SymbolicHelper
) -> None:
    answer = {"kind": "expression", "value": "sqrt(x) + 1"}
    started = time.monotonic()
    graded = answer_check(answer, typed, symbolic=hasty)
    assert time.monotonic() - started < 5
    assert not graded.is_correct
    assert graded.is_readable or graded.message


@pytest.mark.parametrize("typed", ["9^9^9", "(10^9)!", "9^9^9 - 9^9^8 + 2"])
def test_what_cannot_be_decided_in_time_is_unreadable_not_wrong(
    typed: str, hasty: SymbolicHelper
) -> None:
    graded = answer_check({"kind": "expression", "value": "2"}, typed, symbolic=hasty)
    assert not graded.is_readable
    assert "could not decide" in graded.message
    assert "simplify" in graded.message


def test_huge_constants_are_given_up_without_asking_sympy(monkeypatch: pytest.MonkeyPatch) -> None:
    helper = SymbolicHelper()
    monkeypatch.setattr(helper, "_ask", lambda *_: pytest.fail("SymPy was asked"))
    for typed in ("9^9^9", "x + 9^9^9", "sqrt((10^9)!)", "exp(10^9)"):
        assert helper.equivalent(tree(typed), tree(typed + "+0x")) is Verdict.SAME
        assert helper.equivalent(tree(typed), tree("sqrt(2)x")) is Verdict.UNDECIDED


def test_values_decide_when_time_runs_out() -> None:
    assert numerically_equivalent(tree("sin(2x)"), tree("2sin(x)cos(x)")) is Verdict.SAME
    assert numerically_equivalent(tree("sin(2x)"), tree("2sin(x)")) is Verdict.DIFFERENT
    assert numerically_equivalent(tree("9^9^9"), tree("x")) is Verdict.UNDECIDED
    assert numerically_equivalent(tree("ln(-1-x^2)"), tree("x")) is Verdict.UNDECIDED


def test_no_helper_at_all_leaves_values_to_decide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/bin/false")
    helper = SymbolicHelper(timeout_s=0.4)
    assert not helper.warm()
    assert helper.equivalent(tree("sqrt(8)"), tree("2sqrt(2)")) is Verdict.SAME
    assert helper.factored(tree("x^2-1")) is Verdict.UNDECIDED
    helper.close()


@pytest.mark.parametrize("typed", ["9^9^9", "(10^9)!", "(x+y+z+a+b)^300"])
def test_a_question_that_takes_too_long_is_stopped_and_the_helper_lives_on(
    typed: str, hasty: SymbolicHelper
) -> None:
    process = hasty._process
    started = time.monotonic()
    assert hasty._ask("equivalent", tree(typed), tree("x")) is Verdict.UNDECIDED
    assert time.monotonic() - started < 2
    assert hasty._ask("equivalent", tree("sqrt(8)"), tree("2sqrt(2)")) is Verdict.SAME
    assert hasty._process is process


def test_a_killed_helper_is_started_again() -> None:
    helper = SymbolicHelper(timeout_s=5)
    assert helper.factored(tree("x^2-1")) is Verdict.DIFFERENT
    process = helper._process
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert helper.factored(tree("(x-1)(x+1)")) is Verdict.SAME
    assert helper._process is not process
    helper.close()


def test_a_stopped_helper_is_given_up_and_started_again() -> None:
    helper = SymbolicHelper(timeout_s=0.3)
    assert helper.warm()
    process = helper._process
    assert process is not None
    os.kill(process.pid, signal.SIGSTOP)
    assert helper.factored(tree("x^2-1")) is Verdict.UNDECIDED
    assert process.poll() is not None
    helper.timeout_s = 5
    assert helper.factored(tree("x^2-1")) is Verdict.DIFFERENT
    helper.close()


def test_a_forked_process_starts_a_helper_of_its_own(symbolic: SymbolicHelper) -> None:
    assert symbolic.warm()
    process, owner = symbolic._process, symbolic._owner
    try:
        symbolic._owner = -1
        assert symbolic.factored(tree("x^2-1")) is Verdict.DIFFERENT
        assert symbolic._process is not process
        assert process is not None
        assert process.poll() is None
    finally:
        symbolic.close()
        symbolic._process, symbolic._owner = process, owner


def test_threads_share_one_helper(symbolic: SymbolicHelper) -> None:
    verdicts: list[Verdict] = []

    def ask(number: int) -> None:
        left = tree(f"sqrt({number}x)^2")
        verdicts.append(symbolic.equivalent(left, tree(f"{number}x")))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(2, 8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert verdicts == [Verdict.SAME] * 6


def test_threads_do_not_disturb_each_others_precision() -> None:
    verdicts: list[Verdict] = []

    def compare() -> None:
        left, right = tree("sqrt(2x)^2 + sin(x)"), tree("2x + sin(x)")
        verdicts.extend(numerically_equivalent(left, right) for _ in range(20))

    threads = [threading.Thread(target=compare) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert verdicts == [Verdict.SAME] * 120


def test_a_process_has_one_helper() -> None:
    assert symbolic_shared() is symbolic_shared()


SYMBOLS = "0123456789xyab+-*/^()!.,= √²½π"


@settings(max_examples=60, deadline=None)
@given(st.text(SYMBOLS, max_size=14) | st.text(max_size=30))
def test_grading_an_expression_never_raises(text: str) -> None:
    answer = {"kind": "expression", "value": "x^2 + sqrt(2)"}
    graded = answer_check(answer, text, symbolic=_HELPER)
    assert graded.is_readable or graded.message


class _Values:
    """A checker without SymPy, so that hundreds of examples stay fast."""

    def equivalent(self, left: Node, right: Node) -> Verdict:
        return numerically_equivalent(left, right)

    def factored(self, node: Node) -> Verdict:
        return Verdict.UNDECIDED


_HELPER = _Values()
