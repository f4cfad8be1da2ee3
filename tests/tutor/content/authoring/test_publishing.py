"""From a draft to a version: through the import, with its checks and its way back."""

from uuid import uuid4

import pytest
from django.urls import reverse

from tests.tutor.content.bundle_case import put
from tutor.common.errors import TutorError
from tutor.content.authoring.drafts import (
    draft_new_lesson,
    draft_new_problem,
    draft_open,
    draft_save,
)
from tutor.content.authoring.publishing import (
    DraftConflictError,
    draft_publish,
    draft_rebase,
    lesson_restore,
    lesson_retire,
    problem_restore,
    problem_retire,
)
from tutor.content.errors import ImportRefusedError
from tutor.content.exporting import course_export
from tutor.content.importing import course_import, course_roll_back
from tutor.content.models import CourseVersion, Draft, DraftKind, Lesson, Problem, Skill, Step
from tutor.responses.models import Response, ResponseKind

pytestmark = pytest.mark.django_db


def written(draft, now, pointer, value):
    put(draft.document, pointer, value)
    return draft_save(draft, draft.document, now=now)


def test_a_changed_problem_is_a_new_revision_of_a_new_version(world, course, draft, now):
    before = course_export(course)
    written(draft, now, "/steps/0/prompt", "Add $@{a}$ and $@{b}$.")
    plan = draft_publish(draft, by=world.tess, now=now, is_dry_run=True)
    assert [(c.kind, c.key, c.action) for c in plan.changes] == [
        ("step", "p-add-a", "changed"),
        ("problem", "p-add", "changed"),
    ]
    assert Draft.objects.exists()
    result = draft_publish(draft, by=world.tess, now=now)
    assert result.version == 2
    problem = Problem.objects.get(course=course, key="p-add")
    assert problem.revision.number == 2
    assert Step.objects.get(course=course, key="p-add-a").prompt == "Add $@{a}$ and $@{b}$."
    version = CourseVersion.objects.get(course=course, number=2)
    assert version.created_by == world.tess
    assert not Draft.objects.exists()
    course_roll_back(course, 1, by=world.tess, now=now)
    assert course_export(course) == before


def test_everything_else_stays_as_it_was(world, course, draft, now):
    before = course_export(course)
    written(draft, now, "/title", "Other")
    draft_publish(draft, by=world.tess, now=now)
    after = course_export(course)
    changed = next(problem for problem in after["problems"] if problem["id"] == "p-add")
    changed["title"] = "Add them"
    assert after == before


def test_a_new_problem_gets_an_id_that_nothing_had_and_reaches_learners(world, course, now):
    lesson = Lesson.objects.get(course=course, key="l-add")
    draft = draft_new_problem(course, lesson, by=world.tess, now=now)
    other = draft_new_problem(course, lesson, by=world.tess, now=now)
    assert draft.document["id"] != other.document["id"]
    with pytest.raises(ImportRefusedError) as refused:
        draft_publish(draft, by=world.tess, now=now)
    assert any("(Write an answer first)." in row.message for row in refused.value.errors)
    written(draft, now, "/steps/0/prompt", "How much is $2 + 2$?")
    written(draft, now, "/steps/0/answer/value", "4")
    assert draft_publish(draft, by=world.tess, now=now).version == 2
    problem = Problem.objects.get(course=course, key=draft.document["id"])
    assert (problem.lesson, problem.steps.get().skills.get().key) == (lesson, "add")


def test_nothing_changed_makes_no_version(world, course, draft, now):
    assert draft_publish(draft, by=world.tess, now=now).version is None
    course.refresh_from_db()
    assert course.version_number == 1


def test_what_is_wrong_is_told_as_an_import_tells_it(world, course, draft, now):
    written(draft, now, "/steps/0/answer/value", "six")
    with pytest.raises(ImportRefusedError) as refusal:
        draft_publish(draft, by=world.tess, now=now)
    assert refusal.value.rows[0].pointer == "/problems/0/steps/0/answer/value"
    assert Draft.objects.exists()


def test_an_id_of_another_problems_step_is_refused(world, course, draft, now):
    written(draft, now, "/steps/0/id", "p-carry-a")
    with pytest.raises(ImportRefusedError) as refusal:
        draft_publish(draft, by=world.tess, now=now)
    assert "stands already" in refusal.value.rows[0].message


class TestTwoAuthors:
    def test_the_second_is_told_and_undoes_nothing_unknowingly(self, world, course, draft, now):
        course.authors.add(world.zoe)
        theirs = draft_open(course, DraftKind.PROBLEM, "p-add", by=world.zoe, now=now)
        written(theirs, now, "/title", "Theirs")
        draft_publish(theirs, by=world.zoe, now=now)
        written(draft, now, "/title", "Mine")
        for is_dry_run in (True, False):
            with pytest.raises(DraftConflictError) as conflict:
                draft_publish(draft, by=world.tess, now=now, is_dry_run=is_dry_run)
            assert "Somebody else changed 'p-add'" in conflict.value.message
        assert Problem.objects.get(course=course, key="p-add").title == "Theirs"
        draft_rebase(draft)
        plan = draft_publish(draft, by=world.tess, now=now, is_dry_run=True)
        fields = plan.changes[0].fields
        assert fields["title"] == ("Theirs", "Mine")
        assert draft_publish(draft, by=world.tess, now=now).version == 3

    def test_changes_to_other_problems_are_no_conflict(self, world, course, draft, now):
        other = draft_open(course, DraftKind.PROBLEM, "p-times", by=world.tess, now=now)
        written(other, now, "/title", "Times")
        draft_publish(other, by=world.tess, now=now)
        written(draft, now, "/title", "Sums")
        draft_publish(draft, by=world.tess, now=now)
        titles = dict(Problem.objects.filter(course=course).values_list("key", "title"))
        assert (titles["p-times"], titles["p-add"]) == ("Times", "Sums")

    def test_what_was_retired_meanwhile_comes_back_only_when_asked(
        self, world, course, draft, problem, now
    ):
        problem_retire(problem, by=world.tess, now=now)
        with pytest.raises(DraftConflictError) as conflict:
            draft_publish(draft, by=world.tess, now=now)
        assert "retired meanwhile" in conflict.value.message
        draft_rebase(draft)
        draft_publish(draft, by=world.tess, now=now)
        problem.refresh_from_db()
        assert not problem.is_retired

    def test_a_new_problem_never_takes_an_id_that_is_taken(self, world, course, lesson, now):
        draft = draft_new_problem(course, lesson, by=world.tess, now=now)
        written(draft, now, "/steps/0/prompt", "?")
        written(draft, now, "/steps/0/answer/value", "4")
        draft.document["id"] = "p-times"
        draft.save()
        with pytest.raises(DraftConflictError) as conflict:
            draft_publish(draft, by=world.tess, now=now)
        assert conflict.value.code == "id_taken"

    def test_an_import_between_export_and_write_is_met_by_another_try(
        self, world, course, draft, now, monkeypatch
    ):
        written(draft, now, "/title", "Mine")
        from tutor.content.authoring import publishing

        exports = []

        def export(of_course):
            document = course_export(of_course)
            if not exports:
                theirs = course_export(of_course)
                theirs["course"]["title"] = "Theirs"
                course_import(theirs, by=world.tess, now=now, is_dry_run=False)
            exports.append(1)
            return document

        monkeypatch.setattr(publishing, "course_export", export)
        assert draft_publish(draft, by=world.tess, now=now).version == 3
        course.refresh_from_db()
        assert (course.title, len(exports)) == ("Theirs", 2)


class TestAnotherTask:
    def test_a_ticked_step_goes_on_under_a_new_id(self, world, course, draft, now):
        step = Step.objects.get(course=course, key="p-add-a")
        answered = Response.objects.create(
            learner=world.ada,
            course=course,
            step=step,
            revision=step.problem.revision,
            session_uuid=uuid4(),
            kind=ResponseKind.ANSWER,
            is_observation=True,
            is_correct=True,
            answered_at=now,
            recorded_at=now,
            skill_ids=[],
        )
        written(draft, now, "/steps/0/prompt", "Take $@{a}$ from $@{b}$.")
        draft_publish(draft, by=world.tess, now=now, renewed={"p-add-a"})
        step.refresh_from_db()
        answered.refresh_from_db()
        assert step.is_retired
        assert answered.step == step
        assert Step.objects.get(course=course, key="p-add-a.2").problem == step.problem
        again = draft_open(course, DraftKind.PROBLEM, "p-add", by=world.tess, now=now)
        written(again, now, "/steps/0/prompt", "Once more.")
        draft_publish(again, by=world.tess, now=now, renewed={"p-add-a.2"})
        assert not Step.objects.get(course=course, key="p-add-a.3").is_retired
        assert Step.objects.get(course=course, key="p-add-a.2").is_retired

    def test_without_the_tick_the_id_stays(self, world, course, draft, now):
        written(draft, now, "/steps/0/prompt", "Better words for $@{a} + @{b}$.")
        draft_publish(draft, by=world.tess, now=now)
        assert list(Step.objects.filter(problem__key="p-add").values_list("key", flat=True)) == [
            "p-add-a"
        ]


class TestRetiring:
    def test_a_problem_goes_and_comes_back_as_it_was(self, world, course, problem, now):
        before = course_export(course)
        assert problem_retire(problem, by=world.tess, now=now).version == 2
        problem.refresh_from_db()
        assert problem.is_retired
        assert not Step.objects.filter(problem=problem, is_retired=False).exists()
        with pytest.raises(TutorError) as refusal:
            problem_retire(problem, by=world.tess, now=now)
        assert refusal.value.code == "gone"
        assert problem_restore(problem, by=world.tess, now=now).version == 3
        assert course_export(course) == before
        problem.refresh_from_db()
        assert problem.revision.number == 1
        with pytest.raises(TutorError) as refusal:
            problem_restore(problem, by=world.tess, now=now)
        assert refusal.value.code == "not_retired"

    def test_a_lesson_goes_with_its_problems_and_comes_back_as_it_was(
        self, world, course, lesson, now
    ):
        before = course_export(course)
        assert lesson_retire(lesson, by=world.tess, now=now).version == 2
        lesson.refresh_from_db()
        assert lesson.is_retired
        assert Problem.objects.get(course=course, key="p-times").is_retired
        assert not Problem.objects.get(course=course, key="p-add").is_retired
        with pytest.raises(TutorError) as refusal:
            lesson_retire(lesson, by=world.tess, now=now)
        assert refusal.value.code == "gone"
        assert lesson_restore(lesson, by=world.tess, now=now).version == 3
        after = course_export(course)
        assert after["lessons"] == before["lessons"]
        assert Problem.objects.get(course=course, key="p-times").is_retired
        problem_restore(Problem.objects.get(course=course, key="p-times"), by=world.tess, now=now)
        assert course_export(course) == before
        lesson.refresh_from_db()
        with pytest.raises(TutorError) as refusal:
            lesson_restore(lesson, by=world.tess, now=now)
        assert refusal.value.code == "not_retired"

    def test_a_problem_does_not_come_back_without_its_lesson(self, world, course, lesson, now):
        lesson_retire(lesson, by=world.tess, now=now)
        problem = Problem.objects.get(course=course, key="p-times")
        with pytest.raises(ImportRefusedError, match="There is no lesson 'l-times'"):
            problem_restore(problem, by=world.tess, now=now)

    def test_strangers_to_the_course_retire_no_lesson(self, world, lesson, now):
        for attempt in (lesson_retire, lesson_restore):
            with pytest.raises(TutorError) as refusal:
                attempt(lesson, by=world.zoe, now=now)
            assert refusal.value.code == "not_an_author"

    def test_strangers_to_the_course_do_neither(self, world, problem, draft, now):
        for attempt in (
            lambda: problem_retire(problem, by=world.zoe, now=now),
            lambda: draft_publish(draft, by=world.zoe, now=now),
            lambda: draft_open(problem.course, "problem", "p-add", by=world.zoe, now=now),
        ):
            with pytest.raises(TutorError) as refusal:
                attempt()
            assert refusal.value.code == "not_an_author"


def test_a_new_lesson_is_written_for_a_skill_and_published_behind_the_others(world, course, now):
    skill = Skill.objects.get(course=course, key="carry")
    draft = draft_new_lesson(course, skill, by=world.tess, now=now)
    another = draft_new_lesson(course, skill, by=world.tess, now=now)
    assert [d.document["id"] for d in (draft, another)] == ["carry-lesson", "carry-lesson-2"]
    assert draft.document["skills"] == ["carry"]
    assert draft_publish(draft, by=world.tess, now=now).version == 2
    lesson = Lesson.objects.get(course=course, key="carry-lesson")
    assert (lesson.title, list(lesson.skills.all())) == ("Carry", [skill])
    assert course_export(course)["lessons"][-1]["id"] == "carry-lesson"
    another.document["id"] = "carry-lesson"
    lesson_retire(lesson, by=world.tess, now=now)
    with pytest.raises(DraftConflictError, match="a lesson 'carry-lesson' already"):
        draft_publish(another, by=world.tess, now=now)
    with pytest.raises(TutorError):
        draft_new_lesson(course, skill, by=world.zoe, now=now)


def test_the_pages_write_retire_and_bring_back_a_lesson(world, course, lesson, client_of):
    tess = client_of(world.tess)
    page = reverse("course_content", args=[course.uuid])
    begun = tess.post(reverse("lesson_new", args=[course.uuid]), {"skill": "times"}, follow=True)
    assert "Times" in begun.content.decode()
    assert Draft.objects.get().document["skills"] == ["times"]
    review = tess.get(reverse("draft_publish", args=[Draft.objects.get().uuid])).content.decode()
    assert "Learners will read this lesson from now on" in review
    assert "this problem" not in review
    retired = tess.post(reverse("lesson_retire", args=[lesson.uuid]), follow=True)
    assert "Version 2 of the course" in retired.content.decode()
    assert "Bring it back" in retired.content.decode()
    assert "1 retired lesson" in tess.get(page).content.decode()
    back = tess.post(reverse("lesson_restore", args=[lesson.uuid]), follow=True).content.decode()
    assert "Version 3 of the course" in back
    assert "Retire this lesson" in back
    assert "retired lesson" not in tess.get(page).content.decode()
    seen = client_of(world.zoe).get(reverse("lesson_detail", args=[lesson.uuid])).content.decode()
    assert "Bring it back" not in seen


def test_a_lesson_is_published_too(world, course, lesson, now):
    draft = draft_open(course, DraftKind.LESSON, "l-times", by=world.tess, now=now)
    written(draft, now, "/body", "Read $2 \\times 3$.")
    result = draft_publish(draft, by=world.tess, now=now)
    assert [(c.kind, c.key) for c in result.changes] == [("lesson", "l-times")]
    lesson.refresh_from_db()
    assert lesson.body == "Read $2 \\times 3$."


def test_a_draft_keeps_its_id_and_bounds(draft, now):
    with pytest.raises(TutorError) as refusal:
        draft_save(draft, draft.document | {"id": "other"}, now=now)
    assert refusal.value.code == "other_id"
    with pytest.raises(TutorError) as refusal:
        draft_save(draft, draft.document | {"body": "x" * 3_000_000}, now=now)
    assert refusal.value.code == "too_large"


def test_a_second_opening_goes_on_with_the_same_draft(world, course, draft, now):
    assert draft_open(course, DraftKind.PROBLEM, "p-add", by=world.tess, now=now) == draft


def test_only_what_changed_is_checked_again(world, course, draft, now, monkeypatch):
    from tutor.content import validation

    looked = []
    real = validation.problem_check
    monkeypatch.setattr(
        validation, "problem_check", lambda p, *a, **k: (looked.append(p["id"]), real(p, *a, **k))
    )
    written(draft, now, "/title", "Mine")
    draft_publish(draft, by=world.tess, now=now)
    assert looked == ["p-add"]


def test_an_empty_worked_example_reaches_no_learner(world, course, lesson, now):
    draft = draft_open(course, DraftKind.LESSON, lesson.key, by=world.tess, now=now)
    before = list(lesson.worked_examples)
    written_one = {"title": "", "body": "", "steps": ["", "Take $7$.", " \n"]}
    blank = {"title": "", "body": " ", "steps": ["", ""]}
    draft.document["worked_examples"] += [blank, written_one, blank]
    draft_publish(draft, by=world.tess, now=now)
    lesson.refresh_from_db()
    assert lesson.worked_examples == [*before, {**written_one, "steps": ["Take $7$."]}]
