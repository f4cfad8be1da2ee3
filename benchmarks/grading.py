"""How long grading takes: typed and picked answers, symbolic comparison, hostile input.

Run: python benchmarks/grading.py
With STEPWISE_DATA set, also counts which kinds read the typed answers of a real course.
"""

import json
import os
import statistics
import time
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tutor.grading.answers import answer_check, answer_validate
from tutor.grading.reading import expression_read
from tutor.grading.specs import Unreadable
from tutor.grading.symbolic import SymbolicHelper
from tutor.grading.syntax import Node, Relation
from tutor.grading.variants import document_render

CHOICES: list[dict[str, object]] = [{"id": "a", "text": "1"}, {"id": "b", "text": "2"}]
ANSWERS: list[tuple[dict[str, object], str]] = [
    ({"kind": "number", "value": 1200}, "1200"),
    ({"kind": "number", "value": 1200}, "1,200.0"),
    ({"kind": "number", "value": 12, "units": ["cm"]}, "12 cm"),
    ({"kind": "fraction", "value": "3/2", "form": "lowest"}, "1 1/2"),
    ({"kind": "choice", "correct": "b"}, "b"),
    ({"kind": "multiple_choice", "correct": ["a", "b"]}, '["a","b"]'),
    ({"kind": "text", "accepted": ["isosceles"]}, "Isosceles "),
    ({"kind": "interval", "value": "[-3, 5)"}, "-3 <= x < 5"),
    ({"kind": "list", "values": [2, -3]}, "-3, 2"),
    ({"kind": "tuple", "values": [2, -3]}, "(2, -3)"),
    ({"kind": "expression", "value": "2x + 3"}, "3 + 2x"),
    ({"kind": "expression", "value": "(x+1)^2"}, "x^2 + 2x + 1"),
    ({"kind": "expression", "value": "x = 18"}, "18"),
]
SYMBOLIC = [
    ("sqrt(8x)", "2sqrt(2x)"),
    ("sqrt(x^2)", "abs(x)"),
    ("1/(1+sqrt(2))", "sqrt(2)-1"),
    ("3^y*3^y", "9^y"),
    ("sin(2t)", "2sin(t)cos(t)"),
    ("sqrt(x^2)", "x"),
]
HOSTILE = ["9^9^9", "(10^9)!", "(x+y+z+a+b)^99", "x^1000000", "((((x^99)^99)^99)^99)^99"]
PROBLEM: dict[str, object] = {
    "variables": {
        "a": {"kind": "integer", "min": 2, "max": 9},
        "b": {"kind": "integer", "min": 2, "max": 9},
    },
    "constraints": ["gcd(a, b) == 1", "a < b"],
    "steps": [{"prompt": "Half of $@{a / b:tex}$?", "answer": {"value": "@{a / (2 * b)}"}}],
}


def median_us(function: Callable[[], object], *, repeats: int) -> float:
    times = []
    for _ in range(repeats):
        started = time.perf_counter_ns()
        function()
        times.append(time.perf_counter_ns() - started)
    return statistics.median(times) / 1000


def tree(text: str) -> Node:
    found = expression_read(text)
    if isinstance(found, Unreadable | Relation):
        raise SystemExit(f"{text!r} is not an expression")
    return found


def course_kinds(archive: Path) -> Counter[str]:
    counts: Counter[str] = Counter()
    with zipfile.ZipFile(archive) as course:
        for name in course.namelist():
            if "/steps/" not in name or "/tutoring/" in name or not name.endswith(".json"):
                continue
            step = json.loads(course.read(name))
            value = step["stepAnswer"][0]
            if step["problemType"] != "TextBox":
                right = value in (step.get("choices") or [])
                counts["choice" if right else "choice, the answer is not among the choices"] += 1
            elif not answer_validate({"kind": "number", "value": value}):
                counts["number"] += 1
            elif not answer_validate(
                {"kind": "number", "value": value.lstrip("$"), "units": ["$", ""]}
            ):
                counts["number with a currency sign"] += 1
            elif not answer_validate({"kind": "expression", "value": value}):
                found = expression_read(value)
                counts["equation" if isinstance(found, Relation) else "expression"] += 1
            else:
                counts["unread"] += 1
    return counts


def main() -> None:
    with_sympy = SymbolicHelper()
    started = time.perf_counter()
    with_sympy.warm()
    print(f"helper start {(time.perf_counter() - started) * 1000:8.0f} ms")
    print(
        f"render a variant {median_us(lambda: document_render(PROBLEM, 3), repeats=2000):8.1f} us"
    )
    for answer, raw in ANSWERS:
        if not answer_check(answer, raw, choices=CHOICES, symbolic=with_sympy).is_correct:
            raise SystemExit(f"{raw!r} should be right for {answer}")

        def graded(answer: dict[str, object] = answer, raw: str = raw) -> object:
            return answer_check(answer, raw, choices=CHOICES, symbolic=with_sympy)

        print(f"{answer['kind']!s:16} {raw:16} {median_us(graded, repeats=2000):8.1f} us")
    for left, right in SYMBOLIC:
        pair = tree(left), tree(right)
        verdict = with_sympy.equivalent(*pair)

        def compared(pair: tuple[Node, Node] = pair) -> object:
            return with_sympy.equivalent(*pair)

        took_ms = median_us(compared, repeats=15) / 1000
        print(f"{left:18} {right:12} {verdict.value:10} {took_ms:8.1f} ms")
    for text in HOSTILE:
        started = time.perf_counter()
        answer = {"kind": "expression", "value": "sqrt(x) + 1"}
        outcome = answer_check(answer, text, symbolic=with_sympy)
        took_ms = (time.perf_counter() - started) * 1000
        print(f"{text:32} readable={outcome.is_readable!s:6} {took_ms:8.1f} ms")
    with_sympy.close()
    archives = sorted(Path(os.environ.get("STEPWISE_DATA", "../shared")).rglob("oatutor-*.zip"))
    for archive in archives:
        print(archive.name, dict(course_kinds(archive)))


if __name__ == "__main__":
    main()
