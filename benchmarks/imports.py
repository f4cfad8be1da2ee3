"""How fast is an import, how much memory does it take, and for how long does it keep writers out?

    python benchmarks/imports.py [--problems 10000] [--templated 0.2] [--file COURSE.zip]

Makes a course of problems of the size of OATutor's (1.5 steps, 4.8 hints a step, formulas in most
texts; a share of them templates) or reads `--file`, then imports it into a new SQLite database,
imports it again, changes a tenth, rolls that back, and exports and reads it in every form.
"writing" is the write transaction alone, during which nobody else can write; "told" is how often
the progress was told, "silent" the longest time without a word before writing. Prints a table
(where others use the machine too, the CPU's seconds say more than the clock's); --json prints JSON.
"""

import argparse
import io
import json
import os
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
N_SKILLS = 200
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def step_make(rng: random.Random, key: str, *, is_templated: bool) -> dict[str, Any]:
    """One step with an answer of a common kind and its hints."""
    a, b = rng.randint(2, 99), rng.randint(2, 99)
    if is_templated:
        prompt, answer = "How much is $@{a} + \\frac{@{b}}{2}$?", "@{a + b / 2}"
        body = {"kind": "fraction", "value": answer}
    else:
        prompt = f"How much is $\\frac{{{a}}}{{2}} + \\frac{{{b}}}{{2}}$?"
        body = rng.choice(
            [
                {"kind": "fraction", "value": f"{a + b}/2"},
                {"kind": "number", "value": str(a)},
                {"kind": "expression", "value": f"{a}x + {b}"},
                {"kind": "choice", "correct": "c1"},
            ]
        )
    step: dict[str, Any] = {
        "id": key,
        "prompt": prompt,
        "skills": [f"s{rng.randrange(N_SKILLS)}"],
        "answer": body,
        "hints": [
            {"id": f"h{n}", "title": "Look", "text": f"Both have the denominator ${n + 2}$ here."}
            for n in range(rng.choice([3, 4, 5, 6, 6]))
        ],
    }
    if body["kind"] == "choice":
        step["choices"] = [{"id": f"c{n}", "text": f"${a + n}x$"} for n in range(4)]
    return step


def bundle_make(n_problems: int, *, templated: float) -> dict[str, Any]:
    """A course of the wanted size, the same every time."""
    rng = random.Random(7)
    problems = []
    for number in range(n_problems):
        is_templated = rng.random() < templated
        problem: dict[str, Any] = {
            "id": f"p{number}",
            "lesson": f"l{number % 100}",
            "title": f"Problem {number}",
            "body": "Work it out.",
            "steps": [
                step_make(rng, f"p{number}{letter}", is_templated=is_templated)
                for letter in ("ab" if number % 2 else "a")
            ],
        }
        if is_templated:
            whole = {"kind": "integer", "min": 2, "max": 99}
            problem["variables"] = {"a": whole, "b": whole}
            problem["constraints"] = ["a != b"]
        problems.append(problem)
    return {
        "format": "stepwise-bundle",
        "format_version": 1,
        "course": {"id": "large", "title": "Large"},
        "skills": [{"id": f"s{n}", "title": f"Skill {n}"} for n in range(N_SKILLS)],
        "prerequisites": [{"from": f"s{n}", "to": f"s{n + 1}"} for n in range(N_SKILLS - 1)],
        "lessons": [
            {"id": f"l{n}", "title": f"Lesson {n}", "skills": [f"s{2 * n}"]} for n in range(100)
        ],
        "problems": problems,
    }


class Watch:
    """Notes when each stage of an import began, and how long nothing was told."""

    def __init__(self) -> None:
        self.started = self.told_at = time.perf_counter()
        self.cpu_started = time.process_time()
        self.writing_at: float | None = None
        self.n_told = 0
        self.silent_s = 0.0

    def __call__(self, share: float, stage: str) -> None:
        """Take a progress message."""
        del share
        now = time.perf_counter()
        if self.writing_at is None:
            self.silent_s = max(self.silent_s, now - self.told_at)
        self.told_at = now
        self.n_told += 1
        if stage == "writing":
            self.writing_at = now


def peak_mib() -> float:
    """The largest resident size so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--problems", type=int, default=10_000)
    parser.add_argument("--templated", type=float, default=0.2)
    parser.add_argument("--file", type=Path)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = measure(options, Path(folder))
    if options.json:
        print(json.dumps(rows, indent=2))
        return
    print(f"{'':32}{'seconds':>9}{'CPU':>8}{'writing':>9}{'peak MiB':>10}{'told':>7}{'silent':>8}")
    for row in rows:
        writing = f"{row['writing_s']:9.2f}" if row["writing_s"] is not None else f"{'-':>9}"
        told = f"{row['n_told']:7}{row['silent_s']:8.2f}" if row["n_told"] else f"{'-':>7}{'-':>8}"
        print(
            f"{row['what']:32}{row['seconds']:9.2f}{row['cpu_s']:8.2f}{writing}"
            f"{row['peak_mib']:10.0f}{told}"
        )


def measure(options: argparse.Namespace, folder: Path) -> list[dict[str, Any]]:
    """Run each import in a database of its own."""
    os.environ["DATABASE_URL"] = f"sqlite:///{folder / 'import.sqlite3'}"
    os.environ["STEPWISE_VAR_DIR"] = str(folder)
    os.environ["DJANGO_SETTINGS_MODULE"] = "tutor.settings"
    sys.path.insert(0, str(ROOT))
    import django

    django.setup()
    from django.core.management import call_command

    from tutor.content.exporting import ExportForm, bundle_write, course_export
    from tutor.content.formats import content_import, content_read
    from tutor.content.importing import course_import, course_roll_back
    from tutor.content.models import Course

    call_command("migrate", verbosity=0)
    rows: list[dict[str, Any]] = []

    def timed(what: str, run: Callable[[Watch], Any]) -> Any:
        watch = Watch()
        result = run(watch)
        ended = time.perf_counter()
        rows.append(
            {
                "what": what,
                "seconds": ended - watch.started,
                "cpu_s": time.process_time() - watch.cpu_started,
                "writing_s": ended - watch.writing_at if watch.writing_at else None,
                "peak_mib": peak_mib(),
                "n_told": watch.n_told,
                "silent_s": watch.silent_s,
            }
        )
        return result

    def imported(watch: Watch) -> Any:
        return course_import(bundle, by=None, now=NOW, is_dry_run=False, progress=watch)

    bundle: dict[str, Any]
    if options.file:
        content = timed("read", lambda watch: content_read(options.file, name=options.file.name))
        bundle = content.document
    else:
        bundle = timed(
            "make the file",
            lambda watch: bundle_make(options.problems, templated=options.templated),
        )
    first = timed(f"first import, {len(bundle['problems']):,} problems", imported)
    again = timed("the same again", imported)
    for problem in bundle["problems"][::10]:
        problem["title"] = "Changed"
    changed = timed("a tenth changed", imported)
    course = Course.objects.get()
    back = timed("roll back", lambda watch: course_roll_back(course, 1, by=None, now=NOW))
    exported = timed("export", lambda watch: course_export(Course.objects.get()))

    def is_alike(form: ExportForm) -> bool:
        packed = timed(f"write {form}", lambda watch: b"".join(bundle_write(exported, form)))
        print(f"{form}: {len(packed):,} bytes", file=sys.stderr)
        content = timed(
            f"read {form}",
            lambda watch: content_read(io.BytesIO(packed), name=f"course{form.suffix}"),
        )
        same = timed(
            f"import of that {form}",
            lambda watch: content_import(
                content, course=None, by=None, now=NOW, is_dry_run=False, progress=watch
            ),
        )
        return bool(same.is_no_op)

    is_right = first.version == 1 and again.is_no_op and changed.version == 2 and back.version == 3
    is_right = is_right and all(is_alike(form) for form in ExportForm)
    if not is_right:
        raise SystemExit("the imports did not do what they should; the figures mean nothing")
    return rows


if __name__ == "__main__":
    main()
