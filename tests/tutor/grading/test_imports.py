"""A web worker that grades stays small."""

import subprocess
import sys

HEAVY = ("sympy", "django", "numpy", "torch", "celery")


def test_grading_imports_neither_sympy_nor_django() -> None:
    program = (
        "import sys, tutor.grading.answers, tutor.grading.variants;"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"
