"""Which step of a skill is asked: near the aim by the prediction role, in teaching order else."""

from dataclasses import replace
from datetime import datetime

import pytest

from tests.tutor.tracing.logs import response_of
from tests.world import World
from tutor.content.graph import StepRef, course_graph
from tutor.content.models import Step
from tutor.scheduling.services import Offer, offer_for, target_choose


def first_steps(world: World, skill: str) -> list[StepRef]:
    """The first step of each problem of a skill, in teaching order."""
    firsts: dict[int, StepRef] = {}
    for step in course_graph(world.course).steps_by_skill[world.skills[skill].pk]:
        firsts.setdefault(step.problem_id, step)
    return list(firsts.values())


def chosen(world: World, offer: Offer, forecasts: dict[int, float]) -> int:
    graph = course_graph(world.course)
    target = target_choose(replace(offer, forecasts=forecasts), graph, world.skills["a"].pk)
    return target.step.step_id


def test_the_step_whose_forecast_is_nearest_to_the_aim_is_asked(
    world: World, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tutor.scheduling.services.STEPS_DRAWN_FROM", 1)
    offer = offer_for(world.ada, world.course, now=now)
    steps = first_steps(world, "a")
    assert len(steps) > 1
    for nearest in steps:
        forecasts = {step.step_id: 0.3 for step in steps} | {nearest.step_id: 0.78}
        assert chosen(world, offer, forecasts) == nearest.step_id


def test_without_forecasts_the_teaching_order_decides(
    world: World, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tutor.scheduling.services.STEPS_DRAWN_FROM", 1)
    offer = offer_for(world.ada, world.course, now=now)
    assert chosen(world, offer, {}) == first_steps(world, "a")[0].step_id


def test_a_seen_step_is_not_asked_for_its_forecast_while_another_is_unseen(
    world: World, now: datetime
) -> None:
    first, *others = first_steps(world, "a")
    step = Step.objects.get(pk=first.step_id)
    response_of(world.course, world.ada, step.pk, world.skills["a"].pk, True, now).save()
    offer = offer_for(world.ada, world.course, now=now)
    forecasts = {first.step_id: 0.8} | {step.step_id: 0.1 for step in others}
    assert chosen(world, offer, forecasts) in {step.step_id for step in others}
