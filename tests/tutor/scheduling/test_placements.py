"""Placements in the database: begun once, resumed, ended by themselves, obeyed by the plan."""

from datetime import datetime, timedelta

import pytest

from tests.tutor.tracing.logs import response_of
from tests.world import World
from tutor.common.errors import TutorError
from tutor.content.graph import course_graphs_forget
from tutor.content.models import Step
from tutor.scheduling.models import Placement, SkillStanding
from tutor.scheduling.placements import (
    CONFIG,
    placement_answer,
    placement_end,
    placement_is_offered,
    placement_question,
    placement_result,
    placement_start,
)
from tutor.scheduling.selectors import statuses_of_learner
from tutor.scheduling.statuses import Status


def test_it_is_begun_once_and_asks_the_same_until_answered(world: World, now: datetime) -> None:
    first = placement_start(world.ada, world.course, now=now)
    again = placement_start(world.ada, world.course, now=now + timedelta(hours=3))
    assert first.pk == again.pk
    assert placement_question(first, world.course) == placement_question(again, world.course)


def test_whoever_answers_all_right_may_begin_at_the_end(world: World, now: datetime) -> None:
    placement = placement_start(world.ada, world.course, now=now)
    while (question := placement_question(placement, world.course)) is not None:
        assert question.target.step.skill_ids == (question.skill_id,)
        placement = placement_answer(
            placement, world.course, skill_id=question.skill_id, is_correct=True, now=now
        )
    assert placement.is_complete
    assert len(placement.answers) <= CONFIG.most_questions
    found = statuses_of_learner(world.ada, world.course, now=now)
    assert {row.status for row in found.values()} == {Status.READY}
    result = placement_result(placement, world.course)
    assert result.n_known_expected > 2
    assert 0 < result.n_known_sd < 1


def test_whoever_knows_nothing_begins_at_the_beginning(world: World, now: datetime) -> None:
    placement = placement_start(world.ada, world.course, now=now)
    while (question := placement_question(placement, world.course)) is not None:
        placement = placement_answer(
            placement, world.course, skill_id=question.skill_id, is_correct=False, now=now
        )
    found = statuses_of_learner(world.ada, world.course, now=now)
    assert found[world.skills["a"].pk].status is Status.READY
    assert found[world.skills["c"].pk].status is Status.LOCKED
    (begin,) = placement_result(placement, world.course).fringe
    assert begin.skill_id == world.skills["a"].pk


def test_left_early_what_was_answered_counts(world: World, now: datetime) -> None:
    placement = placement_start(world.ada, world.course, now=now)
    question = placement_question(placement, world.course)
    assert question is not None
    placement = placement_answer(
        placement, world.course, skill_id=question.skill_id, is_correct=True, now=now
    )
    ended = placement_end(placement, world.course, now=now)
    assert ended.ended_at == now
    assert not ended.is_complete
    assert placement_question(ended, world.course) is None
    standing = SkillStanding.objects.get(learner=world.ada, skill_id=question.skill_id)
    assert standing.p_placed is not None
    assert standing.p_placed > 0.5
    late = placement_answer(
        ended, world.course, skill_id=question.skill_id, is_correct=False, now=now
    )
    assert late.answers == ended.answers


def test_left_at_once_nothing_is_guessed(world: World, now: datetime) -> None:
    placement_end(placement_start(world.ada, world.course, now=now), world.course, now=now)
    assert not SkillStanding.objects.filter(learner=world.ada).exists()
    assert Placement.objects.get().p_known == {}


def test_it_is_offered_to_newcomers_only(world: World, now: datetime) -> None:
    assert placement_is_offered(world.ada, world.course)
    placement = placement_start(world.ada, world.course, now=now)
    assert placement_is_offered(world.ada, world.course)
    placement_end(placement, world.course, now=now)
    assert not placement_is_offered(world.ada, world.course)
    step = Step.objects.filter(course=world.course)[0]
    response_of(world.course, world.ben, step.pk, step.skills.get().pk, True, now).save()
    assert not placement_is_offered(world.ben, world.course)


def test_a_course_without_questions_places_nobody(world: World, now: datetime) -> None:
    Step.objects.update(is_retired=True)
    course_graphs_forget()
    with pytest.raises(TutorError, match="no questions"):
        placement_start(world.ada, world.course, now=now)
