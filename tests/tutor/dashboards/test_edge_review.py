"""Reviewing prerequisites: the rules on counts made by hand, and decisions that the graph obeys."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.test import Client

from tests.world import World, world_make
from tutor.accounts.models import Role, User
from tutor.accounts.services import account_create
from tutor.content.graph import course_graph
from tutor.content.models import Course
from tutor.dashboards.edge_review import EdgeSays, edges_judge
from tutor.dashboards.graph_drawing import neighbourhood
from tutor.roster.models import Classroom
from tutor.roster.services import classroom_create
from tutor.scheduling.models import EdgeDecision, EdgeVerdict
from tutor.tracing.edges import Contingency, EdgeEvidence

ClientOf = Callable[[User], Client]


def evidence(
    world: World,
    parent: str,
    child: str,
    strong: tuple[int, int],
    weak: tuple[int, int],
    **given: Any,
) -> EdgeEvidence:
    graph = course_graph(world.course)
    parent_id, child_id = world.skills[parent].pk, world.skills[child].pk
    whole: dict[str, Any] = {
        "weight": 0.4,
        "lower": 0.1,
        "upper": 0.7,
        "n_learners": strong[1] + weak[1],
        "is_prerequisite": parent_id in graph.parents[child_id],
        "was_prior": False,
        "gain": 0.02,
        "gain_sd": 0.02,
    }
    return EdgeEvidence(
        parent_id=parent_id,
        child_id=child_id,
        after_strong=Contingency(n=strong[1], n_right=strong[0]),
        after_weak=Contingency(n=weak[1], n_right=weak[0]),
        **(whole | given),
    )


@pytest.fixture
def wide(db: None, now: datetime) -> World:
    """A world whose course has no prerequisites but a -> b."""
    world = world_make(now=now)
    world.course.prerequisites.filter(from_skill__key="b").delete()
    world.course.version_number += 1
    world.course.save()
    return world


HALF = (50, 100)


def test_a_pair_that_is_surely_worth_something_is_suggested(wide: World) -> None:
    rows = [
        evidence(wide, "a", "c", HALF, HALF, gain=0.2, gain_sd=0.051),
        # Not sure, and against the course's order.
        evidence(wide, "b", "c", HALF, HALF, gain=0.2, gain_sd=0.051),
        evidence(wide, "c", "b", HALF, HALF, gain=0.5, gain_sd=0.01),
    ]
    judged = edges_judge(rows, course_graph(wide.course))
    assert judged.that(EdgeSays.SUGGESTED) == ()
    rows[0] = evidence(wide, "a", "c", HALF, HALF, gain=0.2, gain_sd=0.049)
    (case,) = edges_judge(rows, course_graph(wide.course)).that(EdgeSays.SUGGESTED)
    assert (case.parent.key, case.child.key) == ("a", "c")
    assert case.gain is not None
    assert case.gain.lower == pytest.approx(0.2 - 4 * 0.049)
    assert case.facts["after_strong"] == [50, 100]
    assert case.facts["gain"] == [0.2, 0.049]


def test_what_is_sure_but_small_is_not_suggested(wide: World) -> None:
    rows = [
        evidence(wide, "a", "b", HALF, HALF, gain=0.1, gain_sd=0.01),
        evidence(wide, "a", "c", HALF, HALF, gain=0.09, gain_sd=0.001),
    ]
    graph = course_graph(wide.course)
    assert edges_judge(rows, graph).that(EdgeSays.SUGGESTED) == ()
    rows[1] = evidence(wide, "a", "c", HALF, HALF, gain=0.11, gain_sd=0.001)
    assert len(edges_judge(rows, graph).that(EdgeSays.SUGGESTED)) == 1


def test_a_prerequisite_surely_below_half_of_the_usual_is_spoken_against(world: World) -> None:
    rows = [
        evidence(world, "a", "b", HALF, HALF, gain=0.0, gain_sd=0.01),
        evidence(world, "b", "c", HALF, HALF, gain=0.3, gain_sd=0.05),
    ]
    judged = edges_judge(rows, course_graph(world.course))
    assert judged.usual == pytest.approx(0.15)
    assert [case.child.key for case in judged.that(EdgeSays.CONTRADICTED)] == ["b"]
    assert [case.child.key for case in judged.that(EdgeSays.SUPPORTED)] == ["c"]
    rows[0] = evidence(world, "a", "b", HALF, HALF, gain=0.0, gain_sd=0.02)
    judged = edges_judge(rows, course_graph(world.course))
    assert judged.that(EdgeSays.CONTRADICTED) == ()


def test_what_a_path_joins_already_is_not_suggested(world: World) -> None:
    rows = [evidence(world, "a", "c", HALF, HALF, gain=0.4, gain_sd=0.01)]
    judged = edges_judge(rows, course_graph(world.course))
    assert judged.that(EdgeSays.SUGGESTED) == ()


@pytest.mark.parametrize(("gain", "sd"), [(None, None), (0.5, 0.0)])
def test_too_few_learners_say_nothing(wide: World, gain: float | None, sd: float | None) -> None:
    few = evidence(wide, "a", "c", (3, 3), (0, 3), gain=gain, gain_sd=sd)
    judged = edges_judge([few], course_graph(wide.course))
    assert judged.usual is None
    assert [case.says for case in judged.cases] == [EdgeSays.UNDECIDED]
    assert judged.cases[0].facts["gain"] is None


def test_the_drawing_shows_both_skills_and_their_neighbours(world: World) -> None:
    graph = course_graph(world.course)
    by_key = {skill.key: skill for skill in graph.skills}
    drawing = neighbourhood(graph, by_key["a"], by_key["b"])
    assert {box.title for box in drawing.boxes} == {"Skill a", "Skill b", "Skill c"}
    assert sum(line.is_asked for line in drawing.lines) == 1


@pytest.fixture
def classroom(psi_kt_course: Course, now: datetime) -> Classroom:
    """A class on a course under PSI-KT, taught by tom."""
    tom = account_create(username="tom", display_name="Tom", role=Role.TEACHER)
    return classroom_create(name="Seven", course=psi_kt_course, teachers=[tom], now=now)


@pytest.fixture
def tom(classroom: Classroom) -> User:
    return classroom.teachers.get()


def pair(course: Course, parent: str, child: str) -> dict[str, str]:
    uuids = dict(course.skills.values_list("key", "uuid"))
    return {"parent": str(uuids[parent]), "child": str(uuids[child])}


def parents_of(course: Course, child: str) -> set[str]:
    course.refresh_from_db()
    graph = course_graph(course)
    of = next(skill.id for skill in graph.skills if skill.key == child)
    return {graph.skill_of[parent].key for parent in graph.parents[of]}


def test_an_accepted_edge_is_obeyed_and_can_be_withdrawn(
    classroom: Classroom, tom: User, client_of: ClientOf
) -> None:
    client, base = client_of(tom), f"/teach/classes/{classroom.uuid}/graph/"
    course = classroom.course
    before = parents_of(course, "d")
    assert "a" not in before
    answer = client.post(f"{base}decide/", {**pair(course, "a", "d"), "verdict": "accepted"})
    assert answer.headers["Location"] == base
    assert parents_of(course, "d") == before | {"a"}
    decision = EdgeDecision.objects.get(course=course)
    assert decision.decided_by == tom
    assert set(decision.evidence) >= {"weight", "after_strong", "after_weak", "n_learners"}
    page = client.get(base).content.decode()
    assert "needed before" in page
    client.post(f"{base}decisions/{decision.uuid}/withdraw/")
    assert parents_of(course, "d") == before
    assert client.post(f"{base}decisions/{decision.uuid}/withdraw/").status_code == 404


def test_a_rejected_prerequisite_is_taken_out(
    classroom: Classroom, tom: User, client_of: ClientOf
) -> None:
    client, base = client_of(tom), f"/teach/classes/{classroom.uuid}/graph/"
    client.post(f"{base}decide/", {**pair(classroom.course, "a", "b"), "verdict": "rejected"})
    assert parents_of(classroom.course, "b") == set()


def test_later_changes_nothing_and_keeps_it_listed(
    classroom: Classroom, tom: User, client_of: ClientOf
) -> None:
    client, base = client_of(tom), f"/teach/classes/{classroom.uuid}/graph/"
    client.post(f"{base}decide/", {**pair(classroom.course, "a", "b"), "verdict": "later"})
    assert parents_of(classroom.course, "b") == {"a"}
    assert EdgeDecision.objects.get().verdict == EdgeVerdict.LATER
    assert "Nothing yet" in client.get(base).content.decode()


def test_a_circle_is_refused_by_name(classroom: Classroom, tom: User, client_of: ClientOf) -> None:
    client, base = client_of(tom), f"/teach/classes/{classroom.uuid}/graph/"
    fields = {**pair(classroom.course, "b", "a"), "verdict": "accepted"}
    page = client.post(f"{base}decide/", fields, follow=True).content.decode()
    assert "run in a circle" in page
    assert not EdgeDecision.objects.exists()


def test_who_may_not_change_the_course_sees_but_does_not_decide(
    classroom: Classroom, tom: User, client_of: ClientOf
) -> None:
    author = account_create(username="uma", display_name="Uma", role=Role.TEACHER)
    classroom.course.authors.add(author)
    client, base = client_of(tom), f"/teach/classes/{classroom.uuid}/graph/"
    page = client.get(base).content.decode()
    assert "they decide" in page
    assert "<form" not in page.split("<main")[1]
    fields = {**pair(classroom.course, "a", "b"), "verdict": "rejected"}
    assert client.post(f"{base}decide/", fields).status_code == 403


@pytest.mark.parametrize(
    "fields", [{}, {"verdict": "maybe"}, {"verdict": "later", "parent": "x", "child": "y"}]
)
def test_what_cannot_be_meant_is_not_found(
    classroom: Classroom, tom: User, client_of: ClientOf, fields: dict[str, str]
) -> None:
    target = f"/teach/classes/{classroom.uuid}/graph/decide/"
    assert client_of(tom).post(target, fields).status_code == 404


def test_a_model_without_a_graph_says_so(world: World, client_of: ClientOf) -> None:
    page = client_of(world.tess).get(f"/teach/classes/{world.classroom.uuid}/graph/")
    assert "does not learn how skills hang together" in page.content.decode()
