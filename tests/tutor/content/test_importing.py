import pytest

from tests.tutor.content.bundle_case import bundle_make, put
from tutor.accounts.models import AuditEvent
from tutor.common.errors import TutorError
from tutor.content import importing, staging
from tutor.content.bundles import bundle_unpack, canonical, checksum
from tutor.content.errors import ImportRefusedError
from tutor.content.exporting import course_export
from tutor.content.graph import course_graph
from tutor.content.importing import course_import, course_roll_back
from tutor.content.models import (
    Asset,
    Course,
    CourseVersion,
    EdgeSource,
    Hint,
    Lesson,
    Prerequisite,
    Problem,
    ProblemRevision,
    Skill,
    Step,
)

pytestmark = pytest.mark.django_db

MODELS = (Course, Skill, Prerequisite, Lesson, Problem, ProblemRevision, Step, Hint, Asset)


@pytest.fixture(params=["at once", "staged"])
def imported(now, request, monkeypatch):
    if request.param == "staged":
        monkeypatch.setattr(staging, "LEAST_PROBLEMS", 1)

    def run(bundle, **options):
        return course_import(bundle, **{"by": None, "now": now, "is_dry_run": False} | options)

    return run


def rows_in_all():
    return {model.__name__: model.objects.count() for model in (*MODELS, CourseVersion)}


def numbers(result, kind):
    return {action: n for action, n in result.counts[kind].items() if n}


def test_a_first_import_makes_everything(imported):
    result = imported(bundle_make())
    assert result.version == 1
    assert rows_in_all() == {
        "Course": 1,
        "Skill": 3,
        "Prerequisite": 3,
        "Lesson": 2,
        "Problem": 3,
        "ProblemRevision": 3,
        "Step": 3,
        "Hint": 3,
        "Asset": 1,
        "CourseVersion": 1,
    }
    assert numbers(result, "hints") == {"created": 2}
    assert numbers(result, "sub_hints") == {"created": 1}
    step = Step.objects.get(key="p-add-a")
    assert step.answer_kind == "number"
    assert [hint.key for hint in step.hints.all()] == ["h1", "s1", "s1-1"]
    assert step.hints.get(key="s1-1").parent_key == "s1"
    assert step.problem.revision.document == canonical(bundle_make())["problems"][0]


def test_the_graph_of_an_imported_course_can_be_asked(imported):
    graph = course_graph(imported(bundle_make()).course)
    key_of = {node.id: node.key for node in graph.skills}
    carry = next(node.id for node in graph.skills if node.key == "carry")
    assert [key_of[i] for i in graph.parents[carry]] == ["add"]
    assert [ref.key for ref in graph.steps_by_skill[carry]] == ["p-carry-a"]


def test_the_same_bundle_twice_changes_nothing(imported):
    imported(bundle_make())
    before = rows_in_all()
    result = imported(bundle_make())
    assert result.is_no_op
    assert result.version is None
    assert rows_in_all() == before


def test_export_then_import_changes_nothing_and_all_forms_are_one(imported):
    course = imported(bundle_make()).course
    exported = course_export(course)
    assert exported == canonical(bundle_make())
    version = CourseVersion.objects.get()
    assert bundle_unpack(bytes(version.bundle_gz)) == exported
    assert version.checksum == checksum(exported)
    assert imported(exported).is_no_op


def test_a_dry_run_tells_the_same_and_writes_nothing(imported):
    tried = imported(bundle_make(), is_dry_run=True)
    assert rows_in_all() == dict.fromkeys(rows_in_all(), 0)
    assert tried.counts == imported(bundle_make()).counts


def test_changed_words_make_a_new_revision_and_the_old_one_stays(imported):
    imported(bundle_make())
    old = Problem.objects.get(key="p-times").revision
    bundle = bundle_make()
    put(bundle, "/problems/2/steps/0/prompt", "How much is two times three?")
    result = imported(bundle)
    problem = Problem.objects.get(key="p-times")
    assert result.version == 2
    assert problem.revision.number == 2
    assert problem.revision.document["steps"][0]["prompt"] == "How much is two times three?"
    old.refresh_from_db()
    assert "times 3" in old.document["steps"][0]["prompt"]
    assert problem.steps.get().prompt == "How much is two times three?"
    assert numbers(result, "problems") == {"changed": 1, "unchanged": 2}
    assert numbers(result, "steps") == {"changed": 1, "unchanged": 2}
    change = next(change for change in result.changes if change.kind == "step")
    assert list(change.fields) == ["prompt"]


def test_a_moved_problem_keeps_its_revision(imported):
    imported(bundle_make())
    bundle = bundle_make()
    put(bundle, "/problems/2/lesson", "l-add")
    result = imported(bundle)
    assert numbers(result, "problems") == {"changed": 1, "unchanged": 2}
    problem = Problem.objects.get(key="p-times")
    assert (problem.lesson.key, problem.revision.number) == ("l-add", 1)
    assert course_export(result.course) == canonical(bundle)


def test_what_is_missing_is_retired_and_comes_back_as_it_was(imported):
    course = imported(bundle_make()).course
    before = {(type(r), r.pk) for m in (Skill, Problem, Step, Lesson) for r in m.objects.all()}
    bundle = bundle_make()
    put(bundle, "/prerequisites", bundle["prerequisites"][:1])
    for pointer in ("/skills/2", "/lessons/1", "/problems/2"):
        put(bundle, pointer, ...)
    result = imported(bundle)
    assert numbers(result, "skills") == {"retired": 1, "unchanged": 2}
    assert numbers(result, "steps") == {"retired": 1, "unchanged": 2}
    assert Skill.objects.get(key="times").is_retired
    assert Problem.objects.get(key="p-times").is_retired
    assert Step.objects.get(key="p-times-a").is_retired
    assert course_export(course) | {"course": None} == canonical(bundle) | {"course": None}
    assert imported(bundle).is_no_op
    imported(bundle_make())
    assert not Step.objects.get(key="p-times-a").is_retired
    assert Problem.objects.get(key="p-times").revision.number == 1
    after = {(type(r), r.pk) for m in (Skill, Problem, Step, Lesson) for r in m.objects.all()}
    assert after == before
    assert course_export(course) == canonical(bundle_make())


def test_a_step_may_move_to_another_problem_and_keeps_its_row(imported):
    imported(bundle_make())
    step = Step.objects.get(key="p-times-a")
    bundle = bundle_make()
    bundle["problems"][1]["steps"].append(bundle["problems"][2]["steps"][0])
    put(bundle, "/problems/2", ...)
    imported(bundle)
    moved = Step.objects.get(key="p-times-a")
    assert (moved.pk, moved.problem.key, moved.is_retired) == (step.pk, "p-carry", False)


def test_a_retired_picture_stays_for_earlier_revisions(imported):
    imported(bundle_make())
    bundle = bundle_make()
    put(bundle, "/assets", [])
    put(bundle, "/problems/1/body", "No picture.")
    imported(bundle)
    asset = Asset.objects.get()
    assert asset.is_retired
    imported(bundle_make())
    asset.refresh_from_db()
    assert not asset.is_retired


def test_a_refused_bundle_changes_nothing(imported):
    imported(bundle_make())
    before = rows_in_all()
    bundle = bundle_make()
    put(bundle, "/skills/0/title", "New title")
    put(bundle, "/problems/1/lesson", "gone")
    with pytest.raises(ImportRefusedError) as refused:
        imported(bundle)
    assert [row.pointer for row in refused.value.errors] == ["/problems/1/lesson"]
    assert rows_in_all() == before
    assert Skill.objects.get(key="add").title == "Add"


def test_an_import_that_breaks_half_way_leaves_nothing(imported, monkeypatch):
    def broken(*args, **options):
        raise RuntimeError("disk full")

    monkeypatch.setattr(importing, "_version_store", broken)
    with pytest.raises(RuntimeError):
        imported(bundle_make())
    assert rows_in_all() == dict.fromkeys(rows_in_all(), 0)


def test_a_course_that_changes_meanwhile_is_planned_anew(imported, monkeypatch):
    imported(bundle_make())
    plan_make, calls = importing.plan_make, []

    def slow_plan(target, course, **options):
        plan = plan_make(target, course, **options)
        calls.append(plan)
        if len(calls) == 1:
            other = bundle_make()
            put(other, "/course/description", "Changed by somebody else.")
            imported(other)
        return plan

    monkeypatch.setattr(importing, "plan_make", slow_plan)
    bundle = bundle_make()
    put(bundle, "/course/title", "Mine")
    result = imported(bundle)
    assert result.version == 3
    course = Course.objects.get()
    assert (course.title, course.description) == ("Mine", "")


def test_positions_follow_the_graph_and_the_authors_order_is_kept(imported):
    bundle = bundle_make()
    bundle["skills"].reverse()
    course = imported(bundle).course
    assert [s.key for s in Skill.objects.order_by("position")] == ["add", "carry", "times"]
    assert [s["id"] for s in course_export(course)["skills"]] == ["times", "carry", "add"]


def test_imported_and_learned_edges_survive_a_bundle_that_does_not_speak_of_them(imported):
    bundle = bundle_make()
    bundle["prerequisites"] = bundle["prerequisites"][:1]
    course = imported(bundle).course
    skill = {s.key: s for s in Skill.objects.all()}
    Prerequisite.objects.create(
        course=course,
        from_skill=skill["carry"],
        to_skill=skill["times"],
        source=EdgeSource.LEARNED,
    )
    assert imported(bundle).is_no_op
    exported = course_export(course)
    assert [e["source"] for e in exported["prerequisites"]] == ["authored", "learned"]
    assert imported(exported).is_no_op
    bundle["prerequisites"] = [{"from": "times", "to": "carry"}]
    with pytest.raises(ImportRefusedError, match="circle"):
        imported(bundle)


def test_an_authored_edge_that_is_left_out_is_removed(imported):
    imported(bundle_make())
    bundle = bundle_make()
    put(bundle, "/prerequisites/2", ...)
    assert numbers(imported(bundle), "prerequisites") == {"retired": 1, "unchanged": 2}
    assert Prerequisite.objects.count() == 2


def test_rolling_back_brings_the_old_content_as_a_new_version(imported, now):
    course = imported(bundle_make()).course
    bundle = bundle_make()
    put(bundle, "/course/title", "Other")
    put(bundle, "/problems/2", ...)
    put(bundle, "/skills/3", {"id": "new", "title": "New"})
    imported(bundle)
    result = course_roll_back(course, 1, by=None, now=now)
    assert result.version == 3
    assert course_export(Course.objects.get()) == canonical(bundle_make())
    assert course_roll_back(course, 3, by=None, now=now).version is None


def test_rolling_back_takes_later_imported_edges_away_again(imported, now):
    course = imported(bundle_make()).course
    skill = {s.key: s for s in Skill.objects.all()}
    Prerequisite.objects.create(
        course=course,
        from_skill=skill["add"],
        to_skill=skill["times"],
        source=EdgeSource.IMPORTED,
    )
    course_roll_back(course, 1, by=None, now=now)
    assert not Prerequisite.objects.filter(source=EdgeSource.IMPORTED).exists()


def test_an_unknown_version_is_named(imported, now):
    course = imported(bundle_make()).course
    with pytest.raises(TutorError, match="no version 7; its versions go from 1 to 1"):
        course_roll_back(course, 7, by=None, now=now)


def test_an_import_is_recorded_with_who_did_it(imported, world):
    imported(bundle_make(), by=world.tess)
    event = AuditEvent.objects.get(action="course_import")
    assert event.actor == world.tess
    assert event.detail["version"] == 1
    assert CourseVersion.objects.get().created_by == world.tess


def test_the_number_of_statements_does_not_grow_with_the_number_of_problems(
    imported, django_assert_max_num_queries
):
    bundle = bundle_make()
    for n in range(60):
        problem = bundle_make()["problems"][2] | {"id": f"more-{n}"}
        problem["steps"] = [problem["steps"][0] | {"id": f"more-{n}-a"}]
        bundle["problems"].append(problem)
    with django_assert_max_num_queries(60):
        imported(bundle)
