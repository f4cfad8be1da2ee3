"""What makes a course unfair or hard to read, found by rendering every template many times.

The import (validation.py) asks whether a bundle can be used; this asks whether it should be. A
finding tells where (a JSON pointer, the step's id), with which seed it shows first, and what.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace

from tutor.content.bundles import Document
from tutor.content.findings import Progress, progress_ignored
from tutor.content.linting_answers import answers_lint, choices_lint, feedback_lint
from tutor.content.linting_texts import (
    Limits,
    Told,
    hints_lint,
    lesson_lint,
    numbers_lint,
    reading_lint,
    texts_lint,
    words_shown,
)
from tutor.grading.arithmetic import evaluate
from tutor.grading.errors import GradingError, TemplateError
from tutor.grading.variants import document_render, variant_draw

DEFAULT_SEEDS = 200
LIMITS = Limits()
_DRAWS = 400
# 1,000 refused draws in a row end in an error: at one in fifty that happens once in 10**8 variants.
_DRAWS_MET = 8
_VARIETY_SEEDS = 60


@dataclass(frozen=True, slots=True)
class LintFinding:
    """One finding. `seeds` counts the seeds that show it; `seed` is the first of them."""

    pointer: str
    item: str
    rule: str
    message: str
    seed: int | None = None
    seeds: int = 0

    def __str__(self) -> str:
        """Write the finding as one line."""
        shown = "" if self.seed is None else f", seed {self.seed}"
        more = f" (and {self.seeds - 1} more seeds)" if self.seeds > 1 else ""
        return f"{self.rule}: {self.pointer} ({self.item}{shown}): {self.message}{more}"


def bundle_lint(
    bundle: Document,
    *,
    seeds: int = DEFAULT_SEEDS,
    limits: Limits = LIMITS,
    progress: Progress = progress_ignored,
) -> list[LintFinding]:
    """List what is wrong with the lessons and problems of a bundle that the import accepts."""
    found: list[LintFinding] = []
    for at, lesson in enumerate(bundle.get("lessons", ())):
        found.extend(
            LintFinding(f"/lessons/{at}{told.pointer}", lesson["id"], "reading", told.message)
            for told in lesson_lint(lesson, limits)
        )
    problems = bundle.get("problems", ())
    for at, problem in enumerate(problems):
        progress(at / len(problems), f"checking {problem['id']}")
        found.extend(problem_lint(problem, f"/problems/{at}", seeds=seeds, limits=limits))
    progress(1.0, "checked")
    return found


def problem_lint(
    problem: Document,
    pointer: str = "",
    *,
    seeds: int = DEFAULT_SEEDS,
    limits: Limits = LIMITS,
) -> list[LintFinding]:
    """List what is wrong with one problem over the variants of the first `seeds` seeds."""
    found: dict[tuple[str, str], LintFinding] = {}
    is_templated = bool(problem.get("variables"))
    seen: set[str] = set()
    for seed in range(seeds if is_templated else 1):
        try:
            variant = document_render(problem, seed)
        except TemplateError as error:
            return [LintFinding(pointer, problem["id"], "template", f"{error}", seed, 1)]
        fingerprint = json.dumps(variant, sort_keys=True)
        if fingerprint in seen:
            continue
        seen.add(fingerprint)
        for finding in _variant_lint(variant, pointer, seed, limits):
            place = (finding.pointer, finding.rule)
            earlier = found.get(place)
            found[place] = replace(earlier, seeds=earlier.seeds + 1) if earlier else finding
    try:
        varied = list(_variety_lint(problem, pointer, limits)) if is_templated else []
    except TemplateError as error:
        varied = [LintFinding(pointer, problem["id"], "template", f"{error}")]
    return [*found.values(), *varied]


def _variant_lint(
    variant: Document, pointer: str, seed: int, limits: Limits
) -> Iterator[LintFinding]:
    body = variant.get("body", "")
    for told in texts_lint({"body": body}, limits):
        yield LintFinding(pointer + told.pointer, variant["id"], "numbers", told.message, seed, 1)
    for at, step in enumerate(variant["steps"]):
        below = f"{pointer}/steps/{at}"
        try:
            for rule, told in _step_told(step, body, limits):
                yield LintFinding(below + told.pointer, step["id"], rule, told.message, seed, 1)
        except GradingError as error:
            yield LintFinding(f"{below}/answer", step["id"], "answer", f"{error}.", seed, 1)


def _step_told(step: Document, body: str, limits: Limits) -> Iterator[tuple[str, Told]]:
    rules = {
        "answer": answers_lint(step),
        "feedback": feedback_lint(step),
        "choices": choices_lint(step),
        "numbers": numbers_lint(step, limits),
        "hints": hints_lint(step, body),
        "reading": reading_lint(step, body, limits),
    }
    for rule, found in rules.items():
        yield from ((rule, told) for told in found)


def _variety_lint(problem: Document, pointer: str, limits: Limits) -> Iterator[LintFinding]:
    texts: set[str] = set()
    for seed in range(_VARIETY_SEEDS):
        texts.add(" ".join(words_shown(document_render(problem, seed))))
        if len(texts) >= limits.variants:
            break
    else:
        message = (
            f"{_VARIETY_SEEDS} seeds give only {len(texts)} different problems, "
            f"expected at least {limits.variants}."
        )
        yield LintFinding(f"{pointer}/variables", problem["id"], "variety", message)
    rules = problem.get("constraints", ())
    met = 0
    for seed in range(_DRAWS):
        draw = variant_draw(problem["variables"], seed=seed)
        met += all(evaluate(rule, draw) for rule in rules)
        if met >= _DRAWS_MET:
            return
    message = (
        f"Only {met} of {_DRAWS} draws meet the constraints, expected at least {_DRAWS_MET}; "
        "widen the variables or compute one of them."
    )
    yield LintFinding(f"{pointer}/constraints", problem["id"], "draws", message)
