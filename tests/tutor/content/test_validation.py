import base64

import pytest
from jsonschema import Draft202012Validator

from tests.tutor.content.bundle_case import at, bundle_make, put
from tutor.content.bundles import canonical
from tutor.content.errors import errors_of
from tutor.content.findings import MAX_ROWS
from tutor.content.validation import bundle_check, bundle_schema

STEP = "/problems/0/steps/0"
CHOICE_STEP = "/problems/1/steps/0"


def other(pointer, **changes):
    """A copy of what stands at the pointer, with changes, for appending."""
    return {**at(bundle_make(), pointer), **changes}


# (what is changed, value; where the error is told, words of its message)
BROKEN = [
    ("/format_version", 2, "/format_version", "expected 1"),
    ("/format", "other", "/format", "stepwise-bundle"),
    ("/skills", ..., "/skills", "The key 'skills' is missing"),
    ("/skills", [], "/skills", "no skill"),
    ("/skills", {}, "/skills", "expected a list"),
    ("/course/title", "", "/course/title", "not empty"),
    ("/course/language", "??", "/course/language", "does not fit"),
    ("/extra", 1, "/extra", "The key 'extra' is not known here"),
    ("/skills/0/id", "-add", "/skills/0/id", "an id of letters"),
    ("/skills/0/id", "a" * 121, "/skills/0/id", "at most 120"),
    ("/skills/0/title", 7, "/skills/0/title", "expected a text"),
    ("/skills/0/title", ..., "/skills/0/title", "The key 'title' is missing"),
    ("/skills/3", {"id": "add", "title": "x"}, "/skills/3/id", "stands already at /skills/0"),
    ("/prerequisites/0/from", "gone", "/prerequisites/0/from", "no skill 'gone'"),
    ("/prerequisites/0/to", "add", "/prerequisites/0/to", "both ends"),
    ("/prerequisites/0/weight", 0, "/prerequisites/0/weight", "more than 0"),
    ("/prerequisites/0/kind", "before", "/prerequisites/0/kind", "one of prerequisite"),
    (
        "/prerequisites/3",
        {"from": "add", "to": "carry"},
        "/prerequisites/3",
        "stands already at /prerequisites/0",
    ),
    (
        "/prerequisites/3",
        {"from": "times", "to": "add"},
        "/prerequisites/0",
        "add -> carry -> times -> add",
    ),
    ("/lessons/0/skills/0", "gone", "/lessons/0/skills/0", "no skill 'gone'"),
    ("/lessons/0/skills", [], "/lessons/0/skills", "at least 1"),
    ("/lessons/1/id", "l-add", "/lessons/1/id", "stands already at /lessons/0"),
    ("/lessons/0/body", "![x](asset:no.gif)", "/lessons/0/body", "asset:no.gif"),
    ("/problems/0/lesson", "gone", "/problems/0/lesson", "no lesson 'gone'"),
    ("/problems/0/steps", [], "/problems/0/steps", "at least 1"),
    ("/problems/1/id", "p-add", "/problems/1/id", "stands already at /problems/0"),
    (f"{CHOICE_STEP}/id", "p-add-a", f"{CHOICE_STEP}/id", f"stands already at {STEP}"),
    (f"{STEP}/skills/0", "gone", f"{STEP}/skills/0", "no skill 'gone'"),
    (f"{STEP}/answer", ..., f"{STEP}/answer", "The key 'answer' is missing"),
    (f"{STEP}/answer/kind", "magic", f"{STEP}/answer/kind", "one of number"),
    (f"{STEP}/answer/value", "seven", f"{STEP}/answer/value", "cannot be graded with (with a = "),
    (f"{STEP}/answer/value", "@{a + }", f"{STEP}/answer/value", "@{a + }"),
    (f"{STEP}/prompt", "@{missing}", f"{STEP}/prompt", "missing"),
    ("/problems/0/constraints", ["a > 99"], "/problems/0/variables", "1000 draws"),
    ("/problems/0/variables/a/min", 10, "/problems/0/variables", "no value from 10 to 9"),
    (f"{CHOICE_STEP}/answer/correct", "z", f"{CHOICE_STEP}/answer/correct", "cannot be graded"),
    (f"{CHOICE_STEP}/choices/1/id", "x", f"{CHOICE_STEP}/choices/1/id", "stands twice"),
    (f"{STEP}/hints/1/depends_on/0", "h9", f"{STEP}/hints/1/depends_on/0", "'h9'"),
    (f"{STEP}/hints/0/depends_on", ["s1"], f"{STEP}/hints", "h1 -> s1 -> h1"),
    (f"{STEP}/hints/0/depends_on", ["h1"], f"{STEP}/hints", "h1 -> h1"),
    (f"{STEP}/hints/2/parent", "h9", f"{STEP}/hints/2/parent", "'h9'"),
    (f"{STEP}/hints/1/id", "h1", f"{STEP}/hints/1/id", "stands twice"),
    (f"{STEP}/hints/1/answer", ..., f"{STEP}/hints/1/answer", "has no answer"),
    (f"{STEP}/hints/1/answer/value", "?", f"{STEP}/hints/1/answer/value", "cannot be graded"),
    (
        f"{STEP}/hints/0/answer",
        {"kind": "number", "value": "1"},
        f"{STEP}/hints/0/answer",
        "only a scaffold",
    ),
    ("/assets/0/data", ..., "/assets/0/data", "not in assets/"),
    ("/assets/0/data", "%%%", "/assets/0/data", "not base64"),
    ("/assets/0/data", base64.b64encode(b"<svg/>").decode(), "/assets/0/media_type", "no picture"),
    ("/assets/0/media_type", "image/png", "/assets/0/media_type", "is image/gif"),
    ("/assets/0/sha256", "0" * 64, "/assets/0/sha256", "another checksum"),
    ("/assets/0/id", "dot2.gif", "/problems/1/body", "asset:dot.gif"),
]

WARNED = [
    ("/lessons/0/body", "See $\\nosuchthing$.", "/lessons/0/body", "\\nosuchthing"),
    ("/lessons/0/body", "```figure\nblob\n```", "/lessons/0/body", "there is no figure"),
    ("/skills/3", {"id": "lone", "title": "Lone"}, "/skills/3", "stands alone"),
    ("/skills/3", {"id": "lone", "title": "Lone"}, "/skills/3", "has no step"),
    ("/prerequisites", [], "/prerequisites", "None of the 3 skills has a prerequisite"),
    (f"{STEP}/feedback/0/answer", "many", f"{STEP}/feedback/0/answer", "Nobody will see"),
    (f"{CHOICE_STEP}/choices/1/text", "$1 + 1$", f"{CHOICE_STEP}/choices/1/text", "read alike"),
]


def test_the_sound_bundle_has_no_finding():
    assert bundle_check(bundle_make()) == []


def test_the_canonical_form_of_a_sound_bundle_is_sound():
    assert bundle_check(canonical(bundle_make())) == []


def test_the_published_schema_is_a_schema():
    Draft202012Validator.check_schema(bundle_schema())


@pytest.mark.parametrize(("where", "value", "pointer", "words"), BROKEN)
def test_a_fault_is_told_where_it_is(where, value, pointer, words):
    bundle = bundle_make()
    put(bundle, where, value)
    told = [(row.pointer, row.message) for row in errors_of(bundle_check(bundle))]
    assert any(row == pointer and words in message for row, message in told), told


@pytest.mark.parametrize(("where", "value", "pointer", "words"), WARNED)
def test_what_only_looks_wrong_is_a_warning(where, value, pointer, words):
    bundle = bundle_make()
    put(bundle, where, value)
    rows = bundle_check(bundle)
    assert errors_of(rows) == ()
    assert any(row.pointer == pointer and words in row.message for row in rows), rows


def test_every_fault_is_found_in_one_pass():
    bundle = bundle_make()
    put(bundle, "/skills/0/title", 7)
    put(bundle, "/lessons/0/skills/1", "gone")
    put(bundle, "/problems/2/steps/0/answer/value", "six")
    put(bundle, "/problems/1/lesson", "gone")
    assert {row.pointer for row in errors_of(bundle_check(bundle))} == {
        "/skills/0/title",
        "/lessons/0/skills/1",
        "/problems/2/steps/0/answer/value",
        "/problems/1/lesson",
    }


def test_a_row_says_the_value_and_what_was_expected():
    bundle = bundle_make()
    put(bundle, "/prerequisites/0/weight", 3)
    (row,) = errors_of(bundle_check(bundle))
    assert (row.field, row.value, row.expected) == ("weight", "3", "1 or less")


def test_encompassing_edges_may_run_against_prerequisites():
    bundle = bundle_make()
    bundle["prerequisites"].append({"from": "times", "to": "add", "kind": "encompassing"})
    assert errors_of(bundle_check(bundle)) == ()


def test_edges_that_the_course_keeps_count_for_circles():
    rows = errors_of(bundle_check(bundle_make(), kept_edges=[("times", "add")]))
    assert "add -> carry -> times -> add" in rows[0].message
    assert "edges the course has already" in rows[0].message


@pytest.mark.parametrize("document", [None, [], "text", 7, {}, {"course": []}, {"skills": [None]}])
def test_any_document_gets_rows_rather_than_an_exception(document):
    assert errors_of(bundle_check(document))


def test_very_many_findings_are_counted_rather_than_listed():
    bundle = bundle_make()
    bundle["skills"] = [{"id": f"s{n}"} for n in range(MAX_ROWS + 50)]
    rows = bundle_check(bundle)
    assert len(rows) == MAX_ROWS + 1
    assert "more rows" in rows[-1].message


def test_progress_only_grows_and_ends_at_one():
    shares = []
    bundle_check(bundle_make(), progress=lambda share, stage: shares.append(share))
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
