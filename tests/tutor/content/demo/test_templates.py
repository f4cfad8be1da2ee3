"""Every template of the demo course, for a dozen seeds: what check_course says, and more."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from tutor.content.demo.assemble import demo_bundle
from tutor.content.linting import DEFAULT_SEEDS, LIMITS, bundle_lint, problem_lint
from tutor.content.linting_texts import lesson_lint, words_shown
from tutor.grading.variants import document_render

SEEDS = 12
BUNDLE = demo_bundle()
PROBLEMS = {problem["id"]: problem for problem in BUNDLE["problems"]}
COUNTED = (
    "parts|slices|pieces|steps|friends|wholes|circles|children|beads|cups|stickers|kites|"
    "times|flags|rows|columns|boxes|coins|nuts|kinds|marbles|cards|litres|metres|euros|hours|"
    "minutes|kilograms|grams|pages|squares|goats|bags|apples|points|units|terms|pens|notebooks"
)

each_problem = pytest.mark.parametrize("problem_id", PROBLEMS)


@cache
def _variants(problem_id: str) -> tuple[dict[str, Any], ...]:
    return tuple(document_render(PROBLEMS[problem_id], seed) for seed in range(SEEDS))


def _steps(problem_id: str) -> Iterator[dict[str, Any]]:
    for variant in _variants(problem_id):
        yield from variant["steps"]


@each_problem
def test_the_linter_has_nothing_to_say(problem_id: str) -> None:
    assert list(map(str, problem_lint(PROBLEMS[problem_id], seeds=SEEDS))) == []


@pytest.mark.parametrize("lesson", BUNDLE["lessons"], ids=lambda lesson: lesson["id"])
def test_a_lesson_can_be_read_at_one_go(lesson: dict[str, Any]) -> None:
    assert list(lesson_lint(lesson, LIMITS)) == []


@pytest.mark.slow
def test_the_linter_has_nothing_to_say_for_as_many_seeds_as_the_command_takes() -> None:
    assert list(map(str, bundle_lint(BUNDLE, seeds=DEFAULT_SEEDS))) == []


@each_problem
def test_every_problem_is_a_template(problem_id: str) -> None:
    assert PROBLEMS[problem_id]["variables"]


@each_problem
def test_every_wrong_choice_is_explained_and_names_a_misconception(problem_id: str) -> None:
    for step in _steps(problem_id):
        if step["answer"]["kind"] not in {"choice", "multiple_choice"}:
            continue
        correct = step["answer"]["correct"]
        for choice in step["choices"]:
            if choice["id"] not in ([correct] if isinstance(correct, str) else correct):
                assert choice["feedback"], (step["id"], choice)
                assert choice["misconception"], (step["id"], choice)


@each_problem
def test_counting_words_are_plural_where_they_must_be(problem_id: str) -> None:
    for variant in _variants(problem_id):
        for text in words_shown(variant):
            assert not re.search(rf"(?<![\d/.,])\b1 (equal |red |blue )?({COUNTED})\b", text), text
