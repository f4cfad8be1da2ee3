"""What is much is written ahead, out of sight, and shown in a moment."""

from datetime import timedelta

import pytest
from django.core.exceptions import ObjectDoesNotExist

from tests.tutor.content.bundle_case import bundle_make
from tutor.content import staging
from tutor.content.exporting import course_export
from tutor.content.importing import course_import
from tutor.content.models import Course, Hint, Lesson, Problem, ProblemRevision, Skill, Step
from tutor.content.staging import LEFT_AFTER, stages_clear

pytestmark = pytest.mark.django_db
MODELS = (Skill, Lesson, Problem, ProblemRevision, Step, Hint)


class BrokenOffError(Exception):
    """Stands for a kill."""


@pytest.fixture(autouse=True)
def small_turns(monkeypatch):
    monkeypatch.setattr(staging, "LEAST_PROBLEMS", 1)
    monkeypatch.setattr(staging, "TURN_PROBLEMS", 2)


def grown():
    """The small course with a new skill, a new lesson, a new problem, and a step that moved."""
    bundle = bundle_make()
    bundle["skills"].append({"id": "share", "title": "Share"})
    bundle["lessons"].append({"id": "l-share", "title": "Sharing", "skills": ["share", "times"]})
    step = bundle["problems"][2]["steps"][0]
    bundle["problems"] += [
        {
            "id": "p-share",
            "lesson": "l-share",
            "steps": [step | {"id": "p-share-a", "skills": ["share", "add"]}],
        },
        {"id": "p-moved", "lesson": "l-share", "steps": [bundle["problems"][1]["steps"].pop()]},
    ]
    bundle["problems"][1]["steps"] = [step | {"id": "p-carry-b"}]
    return bundle


def test_nobody_sees_a_course_before_it_is_whole(now):
    seen = []

    def look(share, stage):
        if stage == "preparing":
            seen.append((Course.objects.count(), Course.every.count(), Problem.objects.count()))

    course_import(bundle_make(), by=None, now=now, is_dry_run=False, progress=look)
    assert seen == [(0, 1, 2), (0, 1, 3)]
    course = Course.objects.get()
    assert (course.key, course.staged_at, Course.every.count()) == ("adding", None, 1)


def test_what_is_new_joins_what_is_there_and_a_step_that_moves_keeps_its_row(now):
    course_import(bundle_make(), by=None, now=now, is_dry_run=False)
    moved = Step.objects.get(key="p-carry-a")
    during = []

    def look(share, stage):
        if stage == "preparing":
            during.append([problem["id"] for problem in course_export(course)["problems"]])

    course = Course.objects.get()
    result = course_import(grown(), by=None, now=now, is_dry_run=False, progress=look)
    assert during == [["p-add", "p-carry", "p-times"]]
    assert (result.version, result.counts["problems"]["created"]) == (2, 2)
    for model in (Skill, Lesson, Problem, Step):
        assert set(model.objects.values_list("course", flat=True)) == {course.pk}
    assert Step.objects.get(key="p-carry-a").pk == moved.pk
    assert Step.objects.get(pk=moved.pk).problem.key == "p-moved"
    again = course_import(course_export(course), by=None, now=now, is_dry_run=False)
    assert again.is_no_op
    assert Course.every.count() == 1


def test_an_import_that_breaks_off_while_it_prepares_leaves_nothing(now):
    def broken(share, stage):
        if stage == "preparing":
            raise BrokenOffError

    with pytest.raises(BrokenOffError):
        course_import(bundle_make(), by=None, now=now, is_dry_run=False, progress=broken)
    assert not Course.every.exists()
    assert not any(model.objects.exists() for model in MODELS)


def test_what_a_killed_worker_left_is_cleared_when_no_import_can_still_write_it(now, monkeypatch):
    def killed(share, stage):
        if stage == "preparing":
            raise BrokenOffError

    with monkeypatch.context() as patched:
        # A kill runs no code of ours.
        patched.setattr(staging, "stage_clear", lambda course: None)
        with pytest.raises(BrokenOffError):
            course_import(bundle_make(), by=None, now=now, is_dry_run=False, progress=killed)
    assert Problem.objects.exists()
    with pytest.raises(ObjectDoesNotExist):
        Course.objects.get()
    course_import(bundle_make(), by=None, now=now, is_dry_run=False)
    assert stages_clear(now=now + LEFT_AFTER) == 0
    assert stages_clear(now=now + LEFT_AFTER + timedelta(seconds=1)) == 1
    assert Course.every.count() == 1
    assert Problem.objects.count() == 3
