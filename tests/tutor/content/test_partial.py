"""A partial import leaves out whole problems, lists each, and spares those the course has."""

import pytest

from tests.tutor.content.bundle_case import bundle_make, put
from tutor.content.bundles import canonical
from tutor.content.errors import ImportRefusedError, Severity
from tutor.content.exporting import course_export
from tutor.content.importing import course_import
from tutor.content.models import Problem
from tutor.content.origins import Origin

pytestmark = pytest.mark.django_db


@pytest.fixture
def imported(now):
    def run(bundle, **options):
        defaults = {"by": None, "now": now, "is_dry_run": False, "is_partial": True}
        return course_import(bundle, **defaults | options)

    return run


def keys(course):
    return [problem["id"] for problem in course_export(course)["problems"]]


def test_a_faulty_problem_is_left_out_and_the_rest_goes_in(imported):
    bundle = bundle_make()
    put(bundle, "/problems/1/steps/0/answer/correct", "z")
    result = imported(bundle)
    assert keys(result.course) == ["p-add", "p-times"]
    (note,) = result.notes
    assert note.startswith("/problems/1: problem 'p-carry' was left out: The answer cannot be")
    (row,) = [row for row in result.warnings if row.pointer.startswith("/problems")]
    assert row.pointer == "/problems/1/steps/0/answer/correct"
    assert row.severity == Severity.WARNING


def test_rows_name_the_places_of_the_file_even_after_others_were_left_out(imported):
    bundle = bundle_make()
    put(bundle, "/problems/0/lesson", "gone")
    put(bundle, "/problems/2/steps/0/prompt", "$\\frac{$")
    places = {f"/problems/{at}": f"c.csv:{at + 2}" for at in range(3)}
    result = imported(bundle, origin=Origin(places))
    pointers = [row.pointer for row in result.warnings]
    assert "c.csv:2/lesson" in pointers
    assert "c.csv:4/steps/0/prompt" in pointers


def test_without_partial_the_same_file_is_refused(imported):
    bundle = bundle_make()
    put(bundle, "/problems/1/lesson", "gone")
    with pytest.raises(ImportRefusedError):
        imported(bundle, is_partial=False)
    assert not Problem.objects.exists()


def test_errors_outside_problems_still_refuse_everything(imported):
    bundle = bundle_make()
    put(bundle, "/problems/1/lesson", "gone")
    put(bundle, "/skills/0/title", 7)
    with pytest.raises(ImportRefusedError) as refused:
        imported(bundle)
    assert [row.pointer for row in refused.value.errors] == ["/skills/0/title"]
    assert not Problem.objects.exists()


def test_when_nothing_is_left_the_file_is_refused_with_every_reason(imported):
    bundle = bundle_make()
    for number in range(3):
        put(bundle, f"/problems/{number}/lesson", "gone")
    with pytest.raises(ImportRefusedError) as refused:
        imported(bundle)
    pointers = [row.pointer for row in refused.value.errors]
    assert {f"/problems/{number}/lesson" for number in range(3)} <= set(pointers)


def test_a_problem_that_the_course_has_stays_as_it_was(imported):
    course = imported(bundle_make()).course
    bundle = bundle_make()
    put(bundle, "/problems/2/steps/0/answer/value", "six")
    put(bundle, "/problems/2/steps/0/prompt", "New words")
    put(bundle, "/problems/0/title", "New title")
    result = imported(bundle)
    expected = bundle_make()
    put(expected, "/problems/0/title", "New title")
    assert course_export(course) == canonical(expected)
    assert result.counts["problems"]["retired"] == 0
    assert "The course keeps it as it was." in result.notes[0]


def test_a_problem_whose_lesson_goes_too_is_retired_and_listed(imported):
    imported(bundle_make())
    bundle = bundle_make()
    put(bundle, "/problems/2/steps/0/answer/value", "six")
    put(bundle, "/lessons/1", ...)
    result = imported(bundle)
    assert result.counts["problems"]["retired"] == 1
    assert "keeps" not in result.notes[0]


def test_the_second_of_two_problems_with_one_id_is_left_out(imported):
    bundle = bundle_make()
    put(bundle, "/problems/3", bundle["problems"][2] | {"title": "again", "steps": []})
    result = imported(bundle)
    assert keys(result.course) == ["p-add", "p-carry", "p-times"]
    assert len(result.notes) == 1


def test_the_same_partial_file_again_changes_nothing(imported):
    bundle = bundle_make()
    put(bundle, "/problems/1/lesson", "gone")
    imported(bundle)
    assert imported(bundle).is_no_op


def test_thousands_of_faults_are_all_left_out(imported):
    bundle = bundle_make()
    bad = {"lesson": "gone", "steps": bundle["problems"][2]["steps"]}
    for number in range(2_500):
        bundle["problems"].append(bad | {"id": f"bad{number}"})
    result = imported(bundle)
    assert len(result.notes) == 2_500
    assert keys(result.course) == ["p-add", "p-carry", "p-times"]
