"""The editor's form says everything that a document says, and gives it back unchanged."""

from pathlib import Path

import pytest

from tests.tutor.content.authoring.filling import (
    form_posted,
    lesson_sent,
    problem_boxes,
    problem_sent,
)
from tests.tutor.content.bundle_case import bundle_make
from tutor.content.authoring.posted import as_before, problem_posted, tree_of
from tutor.content.bundles import Document, canonical
from tutor.content.demo.assemble import demo_bundle
from tutor.content.formats import content_read

STEP = {
    "id": "p-1a",
    "prompt": "Which?",
    "skills": ["add"],
    "answer": {"kind": "number", "value": 6},
    "choices": [],
    "feedback": [],
    "hints": [],
    "solution": "",
}
CHOICES = [{"id": key, "text": f"${key}$", "feedback": ""} for key in "abc"]
LEFT = [{"id": "l1", "text": "one"}, {"id": "l2", "text": "two"}]
ANSWERS = [
    {"kind": "number", "value": 6},
    {"kind": "number", "value": "6", "tolerance": 0, "units": ["cm", ""]},
    {"kind": "number", "value": 0.5, "tolerance": "0.1", "relative_tolerance": 0.01},
    {"kind": "fraction", "value": "3/4", "form": "any"},
    {"kind": "fraction", "value": "3/4", "form": "lowest"},
    {"kind": "expression", "value": "2x + 3", "form": "factored"},
    {"kind": "expression", "value": "2x + 3 = 39", "form": "unsolved"},
    {"kind": "expression", "value": "2x + 3 = 39", "form": "sides"},
    {"kind": "text", "accepted": ["seven", "7"], "case_sensitive": False},
    {"kind": "text", "accepted": ["Seven"], "case_sensitive": True},
    {"kind": "interval", "value": "[-3, 5)"},
    {"kind": "list", "values": [2, "3"], "ordered": True},
    {"kind": "list", "values": ["2"], "element": {"kind": "number", "tolerance": "0.1"}},
    {"kind": "tuple", "values": ["2", "-3"], "element": {"kind": "fraction", "form": "lowest"}},
    {"kind": "choice", "correct": "b"},
    {"kind": "multiple_choice", "correct": ["c", "a"]},
    {"kind": "ordering", "correct": ["c", "a", "b"]},
    {"kind": "matching", "left": LEFT, "correct": {"l1": "b", "l2": "a"}},
]


def problem(**step: object) -> Document:
    return {
        "id": "p-1",
        "lesson": "l-add",
        "title": "Sums",
        "order": 10,
        "body": "Two lines\nof text.",
        "licence": "",
        "attribution": "",
        "variables": {},
        "constraints": [],
        "steps": [STEP | step],
    }


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer["kind"])
def test_every_kind_of_answer_comes_back_as_it_was(answer):
    picked = {"choice", "multiple_choice", "ordering", "matching"}
    choices = CHOICES if answer["kind"] in picked else []
    document = problem(answer=answer, choices=choices)
    assert problem_sent(document) == document


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer["kind"])
def test_a_helping_question_has_every_kind_too(answer):
    picked = {"choice", "multiple_choice", "ordering", "matching"}
    scaffold = {
        "id": "s1",
        "kind": "scaffold",
        "title": "",
        "text": "Which comes first?",
        "depends_on": ["h1"],
        "choices": CHOICES if answer["kind"] in picked else [],
        "answer": answer,
    }
    plain = {
        "id": "h1",
        "kind": "hint",
        "title": "",
        "text": "Look.",
        "depends_on": [],
        "choices": [],
    }
    below = plain | {"id": "h2", "parent": "s1"}
    document = problem(hints=[plain, scaffold, below])
    assert problem_sent(document) == document


def test_every_problem_and_lesson_of_the_demo_comes_back_as_it_was():
    bundle = canonical(demo_bundle())
    assert len(bundle["problems"]) > 300
    for document in bundle["problems"]:
        assert problem_sent(document) == document, document["id"]
    for document in bundle["lessons"]:
        assert lesson_sent(document) == document, document["id"]


def test_every_problem_of_oatutors_sample_comes_back_as_it_was(data_dir: Path):
    file = data_dir / "content" / "oatutor-elementary-algebra-ch1-2.zip"
    bundle = canonical(content_read(file, name=file.name).document)
    assert len(bundle["problems"]) == 513
    for document in bundle["problems"]:
        assert problem_sent(document) == document, document["id"]


def test_variables_of_every_kind_come_back_with_their_types():
    document = problem() | {
        "variables": {
            "a": {"kind": "integer", "min": -3, "max": 9, "step": 2, "exclude": [0, 1]},
            "b": {"kind": "choice", "values": [1, "1", 0.5, "red apple", '"so"']},
            "c": {"kind": "computed", "expression": "a + 1"},
        },
        "constraints": ["a != 5", "c > 0"],
    }
    assert problem_sent(document) == document


def test_what_is_changed_is_all_that_changes():
    document = problem()
    sent = problem_sent(document, **{"steps.0.prompt": ["How much is it?\r\n\r\nSay."]})
    document["steps"][0]["prompt"] = "How much is it?\n\nSay."
    assert sent == document


def test_what_does_not_fit_is_kept_as_it_was_typed():
    document = problem() | {"variables": {"a": {"kind": "integer", "min": 1, "max": 9}}}
    sent = problem_sent(document, **{"variables.0.min": ["three"], "steps.0.answer.value": [""]})
    assert sent["variables"]["a"]["min"] == "three"
    assert sent["steps"][0]["answer"] == {"kind": "number", "value": ""}


def test_another_kind_of_answer_keeps_what_both_have():
    document = problem(answer={"kind": "number", "value": "6", "tolerance": "1"})
    sent = problem_sent(document, **{"steps.0.answer.kind": ["fraction"]})
    assert sent["steps"][0]["answer"] == {"kind": "fraction", "value": "6"}


def test_two_variables_of_one_name_are_both_kept():
    document = problem() | {
        "variables": {name: {"kind": "integer", "min": 1, "max": 9} for name in "ab"}
    }
    sent = problem_sent(document, **{"variables.1.name": ["a"]})
    assert list(sent["variables"]) == ["a", "a_"]


@pytest.mark.parametrize(
    "names",
    [
        {"steps": ["x"]},
        {"steps.0": ["x"]},
        {"steps.0.answer": ["x"], "steps.0.answer.kind": ["text"]},
        {"steps.x.prompt": ["y"]},
        {"steps.99999999999.prompt": ["y"]},
        {"a..b": ["x"], ".": ["x"]},
        {".".join("a" * 20): ["x"]},
        {"variables.0.kind": ["choice"], "variables": ["x"]},
        {"steps.0.choices.0.id": ["a"], "steps.0.answer.kind": ["ordering"]},
    ],
)
def test_fields_that_no_form_has_do_no_harm(names):
    sent = problem_posted(tree_of(names), problem())
    assert sent["id"] == "p-1"
    assert isinstance(sent["steps"], list)


def test_a_list_of_the_case_bundle_is_shown_whole():
    document = canonical(bundle_make())["problems"][0]
    posted = form_posted(problem_boxes(document))
    assert posted["steps.0.hints.2.parent"] == ["s1"]
    assert posted["variables.2.expression"] == ["a + b"]


def test_types_come_back_only_where_the_text_is_the_same():
    assert as_before("6", 6) == 6
    assert as_before("6.0", 6) == "6.0"
    assert as_before("true", True) == "true"
    assert as_before(" a\n", "a") == "a"
    assert as_before("b", "a") == "b"
