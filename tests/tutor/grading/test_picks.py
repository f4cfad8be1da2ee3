"""Choices, orders, pairs and words."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutor.grading.answers import (
    answer_check,
    answer_expected,
    answer_read,
    answer_validate,
    raw_from_form,
)
from tutor.grading.specs import Unreadable

CHOICES = [
    {"id": "a", "text": "one", "feedback": "Too small.", "misconception": "counts-gaps"},
    {"id": "b", "text": "two", "feedback": "Yes."},
    {"id": "c", "text": "three"},
]
CHOICE = {"kind": "choice", "correct": "b"}
SEVERAL = {"kind": "multiple_choice", "correct": ["b", "c"]}
ORDER = {"kind": "ordering", "correct": ["c", "a", "b"]}
PAIRS = {
    "kind": "matching",
    "left": [{"id": "l1", "text": "1 + 1"}, {"id": "l2", "text": "1 + 2"}],
    "correct": {"l1": "b", "l2": "c"},
}
ALL: list[dict[str, object]] = [CHOICE, SEVERAL, ORDER, PAIRS]


def test_a_choice_is_right_or_wrong_with_its_own_feedback() -> None:
    right = answer_check(CHOICE, "b", choices=CHOICES)
    assert (right.is_correct, right.message, right.misconception) == (True, "Yes.", None)
    wrong = answer_check(CHOICE, "a", choices=CHOICES)
    assert (wrong.is_correct, wrong.message) == (False, "Too small.")
    assert wrong.misconception == "counts-gaps"


@pytest.mark.parametrize("posted", ['["b","c"]', "c, b", "b\nc\n", "c,b,c"])
def test_several_choices_are_a_set(posted: str) -> None:
    assert answer_check(SEVERAL, posted, choices=CHOICES).is_correct


def test_a_part_of_the_set_is_told_to_be_a_part() -> None:
    assert "missing" in answer_check(SEVERAL, "b", choices=CHOICES).message
    assert answer_check(SEVERAL, "a,b", choices=CHOICES).message == "Too small."


@pytest.mark.parametrize("posted", ['["c","a","b"]', "c,a,b"])
def test_an_order_counts(posted: str) -> None:
    assert answer_check(ORDER, posted, choices=CHOICES).is_correct
    assert not answer_check(ORDER, "a,b,c", choices=CHOICES).is_correct


def test_pairs_count_together() -> None:
    assert answer_check(PAIRS, '{"l1":"b","l2":"c"}', choices=CHOICES).is_correct
    graded = answer_check(PAIRS, "l2=c\nl1=a", choices=CHOICES)
    assert (graded.is_correct, graded.message) == (False, "1 of 2 pairs are right.")


@pytest.mark.parametrize(
    ("answer", "posted", "reason"),
    [
        (CHOICE, "", "Pick one"),
        (CHOICE, "z", "no answer `z`"),
        (CHOICE, "a,b", "2 were picked"),
        (SEVERAL, "[]", "at least one"),
        (SEVERAL, "[[[", "at least one"),
        (ORDER, "a,b", "1 of 3"),
        (ORDER, "a,b,b", "share one place"),
        (ORDER, "", "in order first"),
        (PAIRS, "{}", "2 of 2"),
        (PAIRS, '{"l1":"b"}', "1 of 2"),
        (PAIRS, '{"l9":"b"}', "no line `l9`"),
        (PAIRS, "nonsense", "pairs"),
        (PAIRS, "{broken", "pairs"),
    ],
)
def test_an_incomplete_pick_is_unreadable(
    answer: dict[str, object], posted: str, reason: str
) -> None:
    graded = answer_check(answer, posted, choices=CHOICES)
    assert not graded.is_readable
    assert reason in graded.message


@given(st.sampled_from(ALL), st.text(max_size=60) | st.text('[]{}",:abl12=\n', max_size=40))
def test_picking_never_raises(answer: dict[str, object], posted: str) -> None:
    graded = answer_check(answer, posted, choices=CHOICES)
    assert graded.is_readable or graded.message


@pytest.mark.parametrize("answer", ALL)
def test_what_was_read_reads_the_same_again(answer: dict[str, object]) -> None:
    right = {"choice": "b", "multiple_choice": "c,b", "ordering": "c,a,b", "matching": "l2=c,l1=b"}
    first = answer_read(answer, right[str(answer["kind"])], choices=CHOICES)
    assert not isinstance(first, Unreadable)
    assert answer_read(answer, first.normalised, choices=CHOICES) == first
    assert answer_check(answer, first.normalised, choices=CHOICES).is_correct


def test_right_picks_are_shown_as_text() -> None:
    assert answer_expected(CHOICE, CHOICES) == "two"
    assert answer_expected(SEVERAL, CHOICES) == "- two\n- three"
    assert answer_expected(ORDER, CHOICES) == "1. three\n2. one\n3. two"
    assert answer_expected(PAIRS, CHOICES) == "- 1 + 1 — two\n- 1 + 2 — three"


@pytest.mark.parametrize(
    ("kind", "fields", "raw"),
    [
        ("number", {"answer": [" 3 "]}, " 3 "),
        ("number", {}, ""),
        ("choice", {"answer": ["b"]}, "b"),
        ("multiple_choice", {"answer": ["b", "c"]}, '["b", "c"]'),
        ("multiple_choice", {"answer": ["b"]}, "b"),
        ("ordering", {"order-a": ["2"], "order-b": ["10"], "order-c": ["1"]}, '["c", "a", "b"]'),
        ("ordering", {"answer": ["c,a,b"]}, "c,a,b"),
        ("ordering", {"answer": ["c", "a", "b"]}, '["c", "a", "b"]'),
        ("matching", {"match-l1": ["b"], "csrf": ["x"]}, '{"l1": "b"}'),
        ("matching", {}, "{}"),
    ],
)
def test_form_fields_become_one_text(kind: str, fields: dict[str, list[str]], raw: str) -> None:
    assert raw_from_form(kind, fields) == raw


def test_two_lines_on_one_place_are_noticed() -> None:
    raw = raw_from_form("ordering", {"order-a": ["1"], "order-b": ["1"], "order-c": ["2"]})
    assert "share one place" in answer_check(ORDER, raw, choices=CHOICES).message


@pytest.mark.parametrize(
    ("answer", "pointer"),
    [
        ({"kind": "choice", "correct": "z"}, "/correct"),
        ({"kind": "choice", "correct": ["a"]}, "/correct"),
        ({"kind": "multiple_choice", "correct": []}, "/correct"),
        ({"kind": "ordering", "correct": ["a", "b"]}, "/correct"),
        ({"kind": "matching", "left": [], "correct": {}}, "/left"),
        ({**PAIRS, "correct": {"l1": "b"}}, "/correct"),
        ({**PAIRS, "correct": {"l1": "b", "l2": "z"}}, "/correct"),
        ({**PAIRS, "left": [{"id": "l1"}, {"id": "l1"}]}, "/left/1"),
        ({**CHOICE, "shuffle": True}, "/shuffle"),
    ],
)
def test_a_broken_key_is_found(answer: dict[str, object], pointer: str) -> None:
    assert pointer in {found.pointer for found in answer_validate(answer, choices=CHOICES)}


def test_repeated_choice_ids_are_found() -> None:
    assert answer_validate(CHOICE, choices=[*CHOICES, CHOICES[0]])
    assert answer_validate(CHOICE, choices=[])
    for answer in ALL:
        assert answer_validate(answer, choices=CHOICES) == [], json.dumps(answer)


WORDS = {"kind": "text", "accepted": ["Équilatéral triangle", "60°"]}


@pytest.mark.parametrize(
    "typed",
    [
        "equilateral  TRIANGLE.",
        "équilatéral\u00a0triangle",
        "60°",
        "e\u0301quilate\u0301ral triangle",
    ],
)
def test_words_are_normalised(typed: str) -> None:
    assert answer_check(WORDS, typed).is_correct


def test_case_counts_only_when_asked() -> None:
    answer = {"kind": "text", "accepted": ["Na"], "case_sensitive": True}
    assert answer_check(answer, " Na ").is_correct
    assert not answer_check(answer, "NA").is_correct


def test_words_without_content_are_unreadable() -> None:
    assert not answer_check(WORDS, " ... ").is_readable
    assert answer_validate({"kind": "text", "accepted": ["", 3]})
