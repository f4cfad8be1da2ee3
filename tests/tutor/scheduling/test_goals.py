"""Goals, assignments, overrides and edge decisions: dated, reversible, and obeyed."""

from datetime import datetime, timedelta

import pytest

from tests.world import World
from tutor.common.errors import TutorError
from tutor.content.graph import course_graph
from tutor.content.models import Prerequisite
from tutor.scheduling.edge_decisions import edge_decide, edge_decision_undo
from tutor.scheduling.goals import (
    assignment_make,
    assignment_withdraw,
    goal_end,
    goal_set,
    override_lift,
    override_make,
)
from tutor.scheduling.guidance import guidance_of_learner
from tutor.scheduling.models import EdgeVerdict, Goal, OverrideSays
from tutor.scheduling.outlooks import paths_of_learner
from tutor.scheduling.selectors import statuses_of_learner
from tutor.scheduling.services import offer_for
from tutor.scheduling.statuses import Status
from tutor.tracing.selectors import beliefs_of_learner

SOON = timedelta(days=10)


def skill_id(world: World, key: str) -> int:
    return world.skills[key].pk


def status(world: World, key: str, *, now: datetime) -> Status:
    found = statuses_of_learner(world.ada, world.course, now=now)
    return found[skill_id(world, key)].status


def test_a_goal_is_the_closure_of_its_skills(world: World, now: datetime) -> None:
    goal_set(world.ada, world.course, skill_ids=[skill_id(world, "b")], now=now)
    (found,) = paths_of_learner(world.ada, world.course, now=now)
    assert [skill.skill_id for skill in found.path.left] == [
        skill_id(world, "a"),
        skill_id(world, "b"),
    ]


def test_a_new_goal_takes_the_place_of_the_one_before(world: World, now: datetime) -> None:
    for key in ("a", "b"):
        goal_set(world.ada, world.course, skill_ids=[skill_id(world, key)], now=now)
    assert Goal.objects.filter(ended_at=None).count() == 1
    goal_end(world.ada, world.course, now=now)
    (found,) = paths_of_learner(world.ada, world.course, now=now)
    assert (found.aim, found.path.n_skills) == (None, 3)


def test_only_what_leads_to_the_goal_is_offered(world: World, now: datetime) -> None:
    Prerequisite.objects.all().delete()
    world.course.version_number += 1
    world.course.save()
    assert len(offer_for(world.ada, world.course, now=now).candidates) == 3
    goal_set(world.ada, world.course, skill_ids=[skill_id(world, "c")], now=now)
    offer = offer_for(world.ada, world.course, now=now)
    assert [candidate.skill_id for candidate in offer.candidates] == [skill_id(world, "c")]


def test_an_assignment_reaches_its_class_and_can_be_withdrawn(world: World, now: datetime) -> None:
    made = assignment_make(
        world.classroom,
        title="Sums",
        skill_ids=[skill_id(world, "a")],
        due_at=now + SOON,
        by=world.tess,
        now=now,
    )
    for learner, n in ((world.ada, 1), (world.ben, 1), (world.zed, 0)):
        assert len(guidance_of_learner(learner, world.course, now=now).aims) == n
    (aim,) = guidance_of_learner(world.ada, world.course, now=now).aims
    assert (aim.title, aim.due_at, aim.is_assigned) == ("Sums", now + SOON, True)
    assignment_withdraw(made, by=world.tess, now=now)
    assert guidance_of_learner(world.ada, world.course, now=now).aims == ()


def test_an_assignment_for_some_is_not_for_the_others(world: World, now: datetime) -> None:
    assignment_make(
        world.classroom,
        title="Sums",
        skill_ids=[skill_id(world, "a")],
        due_at=now + SOON,
        learners=[world.ben],
        by=world.tess,
        now=now,
    )
    assert guidance_of_learner(world.ada, world.course, now=now).aims == ()
    assert len(guidance_of_learner(world.ben, world.course, now=now).aims) == 1


def test_what_is_due_first_comes_first_and_one_query_tells_all(
    world: World, now: datetime, django_assert_num_queries
) -> None:
    goal_set(world.ada, world.course, skill_ids=[skill_id(world, "c")], now=now)
    for title, days in (("later", 9), ("sooner", 3)):
        assignment_make(
            world.classroom,
            title=title,
            skill_ids=[skill_id(world, "a"), skill_id(world, "b")],
            due_at=now + timedelta(days=days),
            by=world.tess,
            now=now,
        )
    with django_assert_num_queries(1):
        aims = guidance_of_learner(world.ada, world.course, now=now).aims
    assert [aim.title for aim in aims] == ["sooner", "later", ""]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"skill_ids": []}, "no_skills"),
        ({"skill_ids": [10**9]}, "unknown_skill"),
        ({"due_at": timedelta(days=-1)}, "date_past"),
        ({"title": " "}, "no_title"),
        ({"learners": "zed"}, "not_in_class"),
    ],
)
def test_a_senseless_assignment_is_refused(world: World, now: datetime, change, code) -> None:
    asked = {"title": "Sums", "skill_ids": [skill_id(world, "a")], "due_at": SOON, "learners": ()}
    asked |= change
    asked["due_at"] = now + asked["due_at"]
    asked["learners"] = [world.zed] if asked["learners"] == "zed" else []
    with pytest.raises(TutorError) as refused:
        assignment_make(world.classroom, by=world.tess, now=now, **asked)
    assert refused.value.code == code


def test_a_teachers_word_opens_what_comes_after_and_leaves_the_model_alone(
    world: World, now: datetime
) -> None:
    believed = beliefs_of_learner(world.ada, world.course, now=now).p_mastery.tolist()
    made = override_make(
        world.ada, world.skills["a"], says=OverrideSays.KNOWS, by=world.tess, now=now
    )
    assert status(world, "a", now=now) is Status.MASTERED
    assert status(world, "b", now=now) is Status.READY
    assert beliefs_of_learner(world.ada, world.course, now=now).p_mastery.tolist() == believed
    override_lift(made, by=world.tess, now=now)
    assert status(world, "b", now=now) is Status.LOCKED


def test_a_teachers_word_decays(world: World, now: datetime) -> None:
    override_make(
        world.ada,
        world.skills["a"],
        says=OverrideSays.KNOWS,
        half_life_days=10,
        by=world.tess,
        now=now,
    )
    assert status(world, "b", now=now + timedelta(days=9)) is Status.READY
    assert status(world, "b", now=now + timedelta(days=11)) is Status.LOCKED


def test_a_skill_may_be_opened_by_word(world: World, now: datetime) -> None:
    override_make(world.ada, world.skills["c"], says=OverrideSays.OPEN, by=world.tess, now=now)
    assert status(world, "c", now=now) is Status.READY


def test_an_accepted_edge_gates_and_undoing_it_opens_again(world: World, now: datetime) -> None:
    decided = edge_decide(
        world.course,
        from_skill=world.skills["a"],
        to_skill=world.skills["c"],
        verdict=EdgeVerdict.ACCEPTED,
        evidence={"n": 40},
        by=world.tess,
        now=now,
    )
    world.course.refresh_from_db()
    assert skill_id(world, "a") in course_graph(world.course).parents[skill_id(world, "c")]
    edge_decision_undo(decided, by=world.tess, now=now)
    world.course.refresh_from_db()
    assert skill_id(world, "a") not in course_graph(world.course).parents[skill_id(world, "c")]


def test_a_rejected_edge_comes_back_as_it_was(world: World, now: datetime) -> None:
    before = Prerequisite.objects.filter(to_skill=world.skills["b"]).values(
        "source", "weight", "reason"
    )[0]
    decided = edge_decide(
        world.course,
        from_skill=world.skills["a"],
        to_skill=world.skills["b"],
        verdict=EdgeVerdict.REJECTED,
        evidence={},
        by=world.tess,
        now=now,
    )
    assert not Prerequisite.objects.filter(to_skill=world.skills["b"]).exists()
    assert status(world, "b", now=now) is Status.READY
    edge_decision_undo(decided, by=world.tess, now=now)
    after = Prerequisite.objects.filter(to_skill=world.skills["b"]).values(
        "source", "weight", "reason"
    )[0]
    assert after == before


def test_an_edge_that_closes_a_circle_is_refused(world: World, now: datetime) -> None:
    with pytest.raises(TutorError, match="circle: "):
        edge_decide(
            world.course,
            from_skill=world.skills["c"],
            to_skill=world.skills["a"],
            verdict=EdgeVerdict.ACCEPTED,
            evidence={},
            by=world.tess,
            now=now,
        )
