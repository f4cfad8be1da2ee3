"""The symbolic helper: a process that answers questions about expressions with SymPy.

One JSON object a line comes in, one goes out. Every question is worked on in a forked child
with its own limits of time and memory, so that no expression can hang or fill the helper. The
child builds SymPy expressions from the tree that it is sent; it parses and evaluates no text.
"""

import contextlib
import json
import os
import resource
import select
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

import sympy

MEMORY_BYTES = 1024 * 1024 * 1024
MAX_REPLY_BYTES = 1000


def built(wire: list[Any]) -> Any:
    """The SymPy expression of a tree. Letters stand for real numbers."""
    head = wire[0]
    if head == "number":
        return sympy.Rational(int(wire[1]), int(wire[2]))
    if head == "name":
        return sympy.pi if wire[1] == "pi" else sympy.Symbol(wire[1], real=True)
    if head == "neg":
        return -built(wire[1])
    if head == "call":
        return _FUNCTIONS[wire[1]](built(wire[2]))
    left, right = built(wire[2]), built(wire[3])
    if wire[1] == "+":
        return left + right
    if wire[1] == "-":
        return left - right
    if wire[1] == "*":
        return left * right
    return left / right if wire[1] == "/" else left**right


_FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "sqrt": sympy.sqrt,
    "cbrt": lambda value: sympy.sign(value) * sympy.cbrt(sympy.Abs(value)),
    "abs": sympy.Abs,
    "sin": sympy.sin,
    "cos": sympy.cos,
    "tan": sympy.tan,
    "exp": sympy.exp,
    "ln": sympy.log,
    "log": lambda value: sympy.log(value, 10),
    "factorial": sympy.factorial,
}


def equivalent(left: list[Any], right: list[Any]) -> str:
    """`same`, `different` or `undecided`."""
    one, other = built(left), built(right)
    bad = (sympy.zoo, sympy.nan, sympy.oo, -sympy.oo)
    if one.has(*bad) or other.has(*bad):
        return "undecided"
    difference = one - other
    if difference == 0 or sympy.expand(difference) == 0 or sympy.simplify(difference) == 0:
        return "same"
    decided = difference.equals(0)
    if decided is None:
        return "undecided"
    return "same" if decided else "different"


def factored(wire: list[Any]) -> str:
    """`same` when every factor of the product, as written, splits no further."""
    for factor in _factors(wire):
        expression = built(factor)
        if not expression.free_symbols:
            continue
        content, parts = sympy.factor_list(expression)
        if sum(power for _, power in parts) > 1:
            return "different"
        if content not in (1, -1) and sympy.Abs(content) > 1 and expression.is_Add:
            return "different"
    return "same"


def _factors(wire: list[Any]) -> list[list[Any]]:
    if wire[0] == "neg":
        return _factors(wire[1])
    if wire[0] == "bin" and wire[1] in ("*", "/"):
        return _factors(wire[2]) + _factors(wire[3])
    if wire[0] == "bin" and wire[1] == "^" and wire[3][0] == "number":
        return _factors(wire[2])
    return [wire]


_QUESTIONS: dict[str, Callable[..., str]] = {"equivalent": equivalent, "factored": factored}


def _work(question: dict[str, Any], pipe: int, seconds: float) -> None:
    with contextlib.suppress(ValueError, OSError):
        # Not every system bounds address space; time stays bounded everywhere.
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    whole = int(seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (whole, whole + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        answer = _QUESTIONS[question["question"]](*question["trees"])
    except Exception:  # noqa: BLE001  whatever SymPy raises, the question stays open
        answer = "undecided"
    os.write(pipe, answer.encode())


def answered(question: dict[str, Any]) -> str:
    """The child's answer, or `timeout` when it was stopped."""
    seconds = float(question["seconds"])
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            _work(question, writing, seconds)
        finally:
            # Never run the helper's own exit: buffers and the main loop are not the child's.
            os._exit(0)
    os.close(writing)
    try:
        ready, _, _ = select.select([reading], [], [], seconds)
        answer = os.read(reading, MAX_REPLY_BYTES).decode() if ready else "timeout"
    finally:
        os.close(reading)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    return answer or "timeout"


def _warmed() -> None:
    # Load SymPy's slow parts and fill its caches once: every forked child inherits them.
    x = sympy.Symbol("x", real=True)
    for expression in (
        sympy.sqrt(x + 1) ** 2 - x * (x + 2) / x,
        sympy.sin(x) ** 2 + sympy.cos(x) ** 2 - sympy.tan(x),
        2**x * 2**x - 4**x,
        sympy.log(x**2) - 2 * sympy.log(sympy.Abs(x)) + sympy.exp(x) * sympy.exp(-x),
        1 / (1 + sympy.sqrt(2)) - sympy.sqrt(2),
    ):
        sympy.simplify(expression).equals(0)
    sympy.factor_list(x**2 - 1)


def main() -> None:
    """Answer questions until the pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _warmed()
    sys.stdout.write(json.dumps({"ready": sympy.__version__}) + "\n")
    sys.stdout.flush()
    for line in sys.stdin:
        question = json.loads(line)
        started = time.monotonic()
        answer = answered(question)
        elapsed_ms = (time.monotonic() - started) * 1000
        reply = {"id": question["id"], "answer": answer, "elapsed_ms": elapsed_ms}
        sys.stdout.write(json.dumps(reply) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
