"""Simulated learners can answer every step of the demo course, right and wrong."""

from random import Random

import pytest

from tutor.content.demo.assemble import demo_bundle
from tutor.content.documents import StepDocument, problem_of
from tutor.grading.variants import document_render
from tutor.operations.answering import answer_right, answer_wrong
from tutor.practice.grading import grade

PROBLEMS = demo_bundle()["problems"]


def is_correct(step: StepDocument, raw: str) -> bool:
    graded = grade(step.answer, raw, choices=step.choices, feedback=step.feedback)
    assert graded.is_readable, graded.message
    return graded.is_correct


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem["id"])
def test_every_demo_step_can_be_answered_right_and_wrong(problem: dict[str, object]) -> None:
    for seed in range(3):
        for step in problem_of(document_render(problem, seed)).steps:
            right, wrong = answer_right(step), answer_wrong(step, rng=Random(seed))
            assert right is not None
            assert is_correct(step, right)
            assert wrong is not None
            assert not is_correct(step, wrong)


def test_a_wrong_answer_follows_a_known_misconception_where_there_is_one() -> None:
    problem = next(problem for problem in PROBLEMS if problem["id"] == "add-like-add")
    step = problem_of(document_render(problem, 1)).steps[0]
    wrong = answer_wrong(step, rng=Random(1))
    assert wrong in {entry["answer"] for entry in step.feedback}
