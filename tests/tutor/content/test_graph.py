from datetime import UTC, datetime

import pytest

from tests.world import course_make
from tutor.content import graph as graph_module
from tutor.content.graph import course_graph, course_graphs_forget
from tutor.content.models import (
    Course,
    EdgeKind,
    Lesson,
    Prerequisite,
    Problem,
    ProblemRevision,
    Skill,
    Step,
)

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def course():
    course_graphs_forget()
    return Course.objects.create(key="c", title="C", version_number=1, created_at=NOW)


@pytest.fixture
def skills(course):
    # Written in another order than taught: position decides, not the row's number.
    return {
        key: Skill.objects.create(course=course, key=key, title=key, position=position)
        for key, position in [("c", 3), ("a", 1), ("b", 2), ("d", 4)]
    }


def edge(course, source, target, kind=EdgeKind.PREREQUISITE, weight=1.0):
    Prerequisite.objects.create(
        course=course, from_skill=source, to_skill=target, kind=kind, weight=weight
    )


def problem(course, lesson, key, steps, *, order=0, with_revision=True):
    row = Problem.objects.create(course=course, lesson=lesson, key=key, order=order)
    if with_revision:
        row.revision = ProblemRevision.objects.create(
            problem=row, number=1, document={}, checksum="x", created_at=NOW
        )
        row.save()
    for position, skills in enumerate(steps):
        step = Step.objects.create(
            course=course, problem=row, key=f"{key}{position}", answer={}, position=position
        )
        step.skills.set(skills)
    return row


def test_skills_come_in_the_order_of_the_course(course, skills):
    assert [node.key for node in course_graph(course).skills] == ["a", "b", "c", "d"]
    assert course_graph(course).skill_ids == tuple(skills[k].id for k in "abcd")


def test_ancestors_reach_through_every_prerequisite_and_ignore_encompassing(course, skills):
    edge(course, skills["a"], skills["b"])
    edge(course, skills["b"], skills["c"])
    edge(course, skills["c"], skills["d"], EdgeKind.ENCOMPASSING, 0.5)
    graph = course_graph(course)
    assert graph.parents[skills["c"].id] == (skills["b"].id,)
    assert graph.children[skills["a"].id] == (skills["b"].id,)
    assert graph.ancestors(skills["c"].id) == {skills["a"].id, skills["b"].id}
    assert graph.ancestors(skills["d"].id) == frozenset()
    assert graph.encompassed[skills["d"].id] == ((skills["c"].id, 0.5),)


def test_retired_skills_and_their_edges_are_left_out(course, skills):
    edge(course, skills["a"], skills["b"])
    Skill.objects.filter(pk=skills["a"].pk).update(is_retired=True)
    graph = course_graph(course)
    assert skills["a"].id not in graph.skill_ids
    assert graph.parents[skills["b"].id] == ()


def test_steps_come_by_lesson_problem_and_place_and_only_those_that_can_be_shown(course, skills):
    late = Lesson.objects.create(course=course, key="late", title="late", order=2)
    early = Lesson.objects.create(course=course, key="early", title="early", order=1)
    early.skills.set([skills["a"]])
    a, b = skills["a"], skills["b"]
    problem(course, late, "z", [[a]])
    problem(course, early, "y", [[b, a], [a]], order=2)
    problem(course, early, "x", [[a]], order=1)
    problem(course, early, "unrevised", [[a]], with_revision=False)
    retired = problem(course, early, "retired", [[a]])
    Problem.objects.filter(pk=retired.pk).update(is_retired=True)
    graph = course_graph(course)
    assert [ref.key for ref in graph.steps_by_skill[a.id]] == ["x0", "y0", "y1", "z0"]
    assert graph.steps_by_skill[b.id][0].skill_ids == (a.id, b.id)
    assert graph.steps_by_skill[skills["d"].id] == ()
    assert [ref.key for ref in graph.lessons_by_skill[a.id]] == ["early"]


def test_the_graph_costs_no_query_until_the_version_changes(
    course, skills, django_assert_num_queries
):
    with django_assert_num_queries(7):
        course_graph(course)
    with django_assert_num_queries(0):
        course_graph(Course(pk=course.pk, uuid=course.uuid, version_number=1))
    Skill.objects.create(course=course, key="e", title="e", position=9)
    course.version_number = 2
    assert len(course_graph(course).skills) == 5


def test_a_graph_is_never_half_of_one_version_and_half_of_the_next(course, skills, monkeypatch):
    a = skills["a"]
    real = graph_module._steps_by_skill
    reads = []

    def imported_meanwhile(course, rank):
        found = real(course, rank)
        if not reads:
            # An import is written between the steps' statement and the lessons'.
            lesson = Lesson.objects.create(course=course, key="l", title="l")
            lesson.skills.add(a)
            problem(course, lesson, "p", [[a]])
            Course.objects.filter(pk=course.pk).update(version_number=2)
        reads.append(1)
        return found

    monkeypatch.setattr(graph_module, "_steps_by_skill", imported_meanwhile)
    graph = course_graph(course)
    assert len(reads) == 2
    assert [ref.key for ref in graph.lessons_by_skill[a.id]] == ["l"]
    assert [ref.key for ref in graph.steps_by_skill[a.id]] == ["p0"]


def test_few_graphs_are_kept(course, skills):
    for version in range(graph_module.GRAPHS_KEPT + 5):
        course.version_number = version
        course_graph(course)
    assert len(graph_module._kept) == graph_module.GRAPHS_KEPT


def test_a_skill_without_steps_passes_its_gate_on() -> None:
    course = course_make(now=NOW)
    b = course.skills.get(key="b")
    Step.objects.filter(skills=b).update(is_retired=True)
    graph = course_graph(course)
    a, c = course.skills.get(key="a"), course.skills.get(key="c")
    assert b.pk not in graph.practisable
    assert graph.gates[c.pk] == (a.pk,)
