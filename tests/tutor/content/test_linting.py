"""Each rule of the linter finds the fault it is there for, and stays silent without it."""

import copy
from typing import Any

import pytest

from tutor.content.linting import LintFinding, bundle_lint, problem_lint
from tutor.content.linting_texts import Limits

SEEDS = 12
PROBLEM: dict[str, Any] = {
    "id": "p",
    "lesson": "l",
    "body": "A box holds @{a} pens.",
    "variables": {
        "a": {"kind": "integer", "min": 2, "max": 9},
        "b": {"kind": "integer", "min": 11, "max": 19},
    },
    "constraints": ["a != b"],
    "steps": [
        {
            "id": "p-a",
            "prompt": "How many pens are in @{b} boxes?",
            "skills": ["times"],
            "answer": {"kind": "number", "value": "@{a * b}"},
            "feedback": [
                {"answer": "@{a + b}", "text": "You added.", "misconception": "adds-instead"}
            ],
            "hints": [
                {"id": "h1", "kind": "hint", "text": "Every box holds the same."},
                {
                    "id": "s1",
                    "kind": "scaffold",
                    "text": "How many are in 10 boxes?",
                    "answer": {"kind": "number", "value": "@{10 * a}"},
                },
                {"id": "h2", "kind": "hint", "text": "That is @{a * b}."},
            ],
            "solution": "$@{a} \\times @{b} = @{a * b}$",
        },
        {
            "id": "p-b",
            "prompt": "Which picture shows a half?",
            "skills": ["parts"],
            "answer": {"kind": "choice", "correct": "right"},
            "choices": [
                {
                    "id": "third",
                    "text": '```figure\nfraction-bar parts=@{3 * a} shaded=@{a} label="One"\n```',
                    "feedback": "That is a third.",
                    "misconception": "miscounts",
                },
                {
                    "id": "right",
                    "text": '```figure\nfraction-bar parts=@{2 * b} shaded=@{b} label="Two"\n```',
                },
            ],
            "hints": [
                {"id": "h1", "kind": "hint", "text": "Count the parts."},
                {"id": "h2", "kind": "hint", "text": "Count the shaded ones."},
            ],
            "solution": "The second one.",
        },
    ],
}


def broken(*path: Any, value: Any) -> dict[str, Any]:
    problem = copy.deepcopy(PROBLEM)
    node: Any = problem
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = value
    return problem


def only(problem: dict[str, Any], *, seeds: int = SEEDS) -> LintFinding:
    (finding,) = problem_lint(problem, "/problems/3", seeds=seeds)
    return finding


def with_answer(answer: dict[str, Any], hint: str, **step: Any) -> dict[str, Any]:
    """The problem with one step that has this answer and a first of two hints."""
    hints = [
        {"id": "h1", "kind": "hint", "text": hint},
        {"id": "h2", "kind": "hint", "text": "Look at the boxes."},
    ]
    made = {"id": "p-a", "prompt": "How many pens?", "skills": ["times"], "solution": "@{b}"}
    problem = copy.deepcopy(PROBLEM)
    problem["steps"] = [{**made, "answer": answer, "hints": hints, **step}]
    return problem


def test_a_fair_problem_gives_no_finding() -> None:
    assert problem_lint(PROBLEM, seeds=SEEDS) == []


def test_a_template_that_cannot_be_filled_in_is_told_with_its_seed() -> None:
    finding = only(broken("steps", 0, "prompt", value="How many in @{a / (a - a)}?"))
    assert (finding.rule, finding.pointer, finding.seed) == ("template", "/problems/3", 0)


def test_an_answer_that_its_own_checker_refuses_is_told_once_with_its_first_seed() -> None:
    finding = only(
        broken("steps", 0, "answer", value={"kind": "fraction", "value": "2/4", "form": "lowest"})
    )
    assert (finding.rule, finding.pointer) == ("answer", "/problems/3/steps/0/answer")
    assert (finding.item, finding.seed) == ("p-a", 0)
    assert finding.seeds > 1
    assert "'2/4' is not accepted" in finding.message
    assert str(finding).startswith("answer: /problems/3/steps/0/answer (p-a, seed 0): ")
    assert str(finding).endswith(f"(and {finding.seeds - 1} more seeds)")


def test_an_answer_that_cannot_be_graded_with_is_told() -> None:
    findings = problem_lint(broken("steps", 0, "answer", "value", value="seven"), seeds=1)
    assert any(f.rule == "answer" and f.pointer.endswith("/answer/value") for f in findings)


def test_a_scaffold_is_checked_like_a_step() -> None:
    answer = {"kind": "fraction", "value": "2/4", "form": "lowest"}
    finding = only(broken("steps", 0, "hints", 1, "answer", value=answer))
    assert (finding.rule, finding.pointer) == ("answer", "/problems/3/steps/0/hints/1/answer")


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("@{a * b}", "graded as right"),
        ("about ten", "cannot be read"),
    ],
)
def test_a_known_mistake_must_be_readable_and_wrong(answer: str, told: str) -> None:
    finding = only(broken("steps", 0, "feedback", 0, "answer", value=answer))
    assert (finding.rule, finding.pointer) == ("feedback", "/problems/3/steps/0/feedback/0")
    assert told in finding.message


def test_two_mistakes_that_cannot_be_told_apart_are_found_at_the_seed_that_shows_it() -> None:
    entries = [
        *PROBLEM["steps"][0]["feedback"],
        {"answer": "@{a + 13}", "text": "You took 13.", "misconception": "miscounts"},
    ]
    finding = only(broken("steps", 0, "feedback", value=entries), seeds=60)
    assert finding.pointer.endswith("/feedback/1")
    assert "'You added.', not 'You took 13.'" in finding.message
    assert finding.seed is not None
    assert finding.seed > 0


def test_one_text_for_two_misconceptions_is_found() -> None:
    entries = [
        *PROBLEM["steps"][0]["feedback"],
        {"answer": "@{a + b}", "text": "You added.", "misconception": "miscounts"},
    ]
    finding = only(broken("steps", 0, "feedback", value=entries))
    assert "counts as 'adds-instead', expected 'miscounts'" in finding.message


def test_a_right_choice_is_no_misconception() -> None:
    finding = only(broken("steps", 1, "choices", 1, "misconception", value="miscounts"))
    assert (finding.rule, finding.pointer) == (
        "feedback",
        "/problems/3/steps/1/choices/1/misconception",
    )


@pytest.mark.parametrize(
    ("third", "told"),
    [
        ('```figure\nfraction-bar parts=@{2 * b} shaded=@{b} label="No"\n```', "look alike"),
        ('```figure\nfraction-bar parts=@{4 * a} shaded=@{2 * a} label="No"\n```', "same amount"),
        ("$\\frac{1}{2}$", "same amount"),
        ("0.5", "same amount"),
    ],
)
def test_choices_that_cannot_be_told_apart_are_found(third: str, told: str) -> None:
    finding = only(broken("steps", 1, "choices", 0, "text", value=third))
    assert finding.rule == "choices"
    assert told in finding.message


def test_equal_amounts_may_stand_among_several_right_choices() -> None:
    problem = broken("steps", 1, "answer", value={"kind": "multiple_choice", "correct": ["right"]})
    problem["steps"][1]["choices"][0]["text"] = "$\\frac{1}{2}$"
    assert problem_lint(problem, seeds=SEEDS) == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Take $\\frac{1}{61}$.", "bottom number above 60"),
        ("Take 1234.", "long number, 1234,"),
        ("Take 0.0625.", "more than 3 decimals"),
        ("Take @@{b}.", "not replaced"),
        ("Take $5 - -@{a}$.", "two signs in a row"),
        ("Take $3 + -x$ and $+ -4$.", "two signs in a row"),
        ("Take $@{a - a + 1}x$.", "the factor 1"),
        ("Take 3/0.", "division by 0"),
    ],
)
def test_ugly_numbers_and_slips_are_found(text: str, told: str) -> None:
    finding = only(broken("steps", 1, "prompt", value=text))
    assert (finding.rule, finding.pointer) == ("numbers", "/problems/3/steps/1/prompt")
    assert told in finding.message


@pytest.mark.parametrize(
    "text", ["Take 25,000 or 250000.", "Take $\\frac{7}{100}$.", "Take 0.125 and 10.5.", "1st box"]
)
def test_round_numbers_are_no_ugly_ones(text: str) -> None:
    assert problem_lint(broken("steps", 1, "prompt", value=text), seeds=SEEDS) == []


def test_an_ugly_number_in_the_body_is_told_at_the_problem() -> None:
    finding = only(broken("body", value="A box holds 4321 pens and @{a}."))
    assert (finding.rule, finding.item, finding.pointer) == ("numbers", "p", "/problems/3/body")


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"kind": "fraction", "value": "1/97"}, "bottom above 60"),
        ({"kind": "number", "value": "0.0625"}, "more than 3 decimals"),
        ({"kind": "number", "value": "1/97"}, "bottom above 60"),
    ],
)
def test_an_ugly_answer_is_found(answer: dict[str, Any], told: str) -> None:
    problem = with_answer(answer, "Count.", prompt="Where is @{a}?")
    assert any(told in finding.message for finding in problem_lint(problem, seeds=1))


CHOICES = [{"id": "more", "text": "There are more."}, {"id": "less", "text": "There are fewer."}]


@pytest.mark.parametrize(
    ("answer", "hint", "step"),
    [
        ({"kind": "number", "value": "@{a * b}"}, "In all there are @{a * b} pens.", {}),
        ({"kind": "number", "value": "@{a * b}"}, "So $@{a} \\times @{b} = @{a * b}$.", {}),
        ({"kind": "fraction", "value": "@{a}/41"}, "It is @{a / 41:tex}.", {}),
        ({"kind": "text", "accepted": ["More"]}, "There are more than before.", {}),
        ({"kind": "expression", "value": "@{a}x + 3"}, "The answer is $@{a}x+3$.", {}),
        ({"kind": "interval", "value": "[@{a}, 20)"}, "From here on: $[@{a}, 20)$.", {}),
        ({"kind": "tuple", "values": ["@{a}", "@{b}"]}, "First @{a}, then @{b}: (@{a}, @{b})", {}),
        (
            {"kind": "choice", "correct": "more"},
            "There are more.",
            {"choices": [CHOICES[0], {**CHOICES[1], "feedback": "No.", "misconception": "m"}]},
        ),
    ],
)
def test_an_early_hint_that_gives_the_answer_away_is_found(
    answer: dict[str, Any], hint: str, step: dict[str, Any]
) -> None:
    finding = only(with_answer(answer, hint, **step))
    assert (finding.rule, finding.pointer) == ("hints", "/problems/3/steps/0/hints/0/text")


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        ({"kind": "number", "value": "@{a * b}"}, "Multiply @{a} by @{b}."),
        ({"kind": "number", "value": "@{a}"}, "In ten boxes there are @{a}0 pens."),
        ({"kind": "fraction", "value": "@{a}/41"}, "The bottom number is 41."),
        ({"kind": "expression", "value": "@{a}x + 3"}, "It begins with $@{a}x$."),
        ({"kind": "tuple", "values": ["@{a}", "@{b}"]}, "Begin with the pens."),
    ],
)
def test_a_hint_that_only_helps_is_let_through(answer: dict[str, Any], hint: str) -> None:
    assert problem_lint(with_answer(answer, hint), seeds=SEEDS) == []


def test_the_last_hint_may_come_down_to_the_answer() -> None:
    assert PROBLEM["steps"][0]["hints"][-1]["text"] == "That is @{a * b}."
    assert problem_lint(PROBLEM, seeds=SEEDS) == []


def test_long_texts_are_found_each_at_its_place() -> None:
    limits = Limits(question_words=9, hint_words=3, feedback_words=1)
    findings = problem_lint(PROBLEM, seeds=1, limits=limits)
    assert {f.pointer for f in findings if f.rule == "reading"} == {
        "/steps/0/prompt",
        "/steps/1/prompt",
        "/steps/0/hints/0/text",
        "/steps/0/hints/1/text",
        "/steps/1/hints/1/text",
        "/steps/0/feedback/0/text",
        "/steps/1/choices/0/feedback",
    }


def test_formulas_and_figures_count_as_one_word() -> None:
    figure = '```figure\nfraction-bar parts=4 shaded=1 label="a b c d e f g h"\n```'
    problem = broken("body", value=f"$1 + 2 + 3 + 4 + 5$ @{{a}}\n\n{figure}")
    assert problem_lint(problem, seeds=1, limits=Limits(question_words=10)) == []


def test_few_different_problems_are_found() -> None:
    problem = copy.deepcopy(PROBLEM)
    problem["variables"] |= {
        "a": {"kind": "integer", "min": 2, "max": 3},
        "b": {"kind": "integer", "min": 12, "max": 13},
    }
    finding = only(problem)
    assert (finding.rule, finding.pointer) == ("variety", "/problems/3/variables")
    assert "only 4 different problems" in finding.message


def test_constraints_that_are_seldom_met_are_found() -> None:
    problem = copy.deepcopy(PROBLEM)
    problem["variables"]["c"] = {"kind": "integer", "min": 1, "max": 100}
    problem["constraints"] = ["c == 7"]
    finding = only(problem)
    assert (finding.rule, finding.pointer) == ("draws", "/problems/3/constraints")


def test_a_problem_without_variables_is_looked_at_once_and_need_not_vary() -> None:
    problem = with_answer({"kind": "number", "value": "12"}, "Count.", solution="12")
    problem |= {"body": "Three boxes with four pens.", "variables": {}, "constraints": []}
    assert problem_lint(problem, seeds=SEEDS) == []
    problem["steps"][0]["hints"][0]["text"] = "There are 12."
    (finding,) = problem_lint(problem, seeds=SEEDS)
    assert (finding.seed, finding.seeds) == (0, 1)


def test_a_bundle_is_looked_at_lesson_by_lesson_and_problem_by_problem() -> None:
    told: list[tuple[float, str]] = []
    bundle = {
        "lessons": [{"id": "l", "body": "word " * 300}],
        "problems": [PROBLEM, broken("steps", 0, "feedback", 0, "answer", value="@{a * b}")],
    }
    findings = bundle_lint(
        bundle, seeds=3, progress=lambda share, stage: told.append((share, stage))
    )
    assert [finding.pointer for finding in findings] == [
        "/lessons/0/body",
        "/problems/1/steps/0/feedback/0",
    ]
    assert str(findings[0]) == "reading: /lessons/0/body (l): 300 words, expected at most 260."
    assert told[-1] == (1.0, "checked")
