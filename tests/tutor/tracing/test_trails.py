"""The belief over time: the same from the cache, carried forward, and anew."""

from datetime import datetime, timedelta

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.tutor.tracing.logs import response_of
from tests.world import World
from tutor.content.models import Step
from tutor.responses.models import Regrade, Response
from tutor.tracing import engine
from tutor.tracing.trails import BeliefPoint, belief_history


@pytest.fixture
def step(world: World) -> Step:
    return world.course.steps.get(key="a2a")


def record(world: World, step: Step, outcomes: str, at: datetime) -> None:
    """Append answers to the log, one a minute: r for right."""
    for place, outcome in enumerate(outcomes):
        response_of(
            world.course,
            world.ada,
            step.pk,
            world.skills["a"].pk,
            outcome == "r",
            at + timedelta(minutes=place),
        ).save()


def trail(world: World, now: datetime) -> list[BeliefPoint]:
    skill = world.skills["a"].pk
    return belief_history(world.ada, world.course, skill_id=skill, now=now, days_ahead=3)


def trail_anew(world: World, now: datetime) -> list[BeliefPoint]:
    cache.clear()
    return trail(world, now)


def n_replayed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Note how many observations each call of the engine replays."""
    seen: list[int] = []
    real = engine.trail

    def noted(version, observations, **rest):  # type: ignore[no-untyped-def]
        seen.append(len(observations))
        return real(version, observations, **rest)

    monkeypatch.setattr(engine, "trail", noted)
    return seen


def test_a_second_look_replays_nothing_and_says_the_same(
    world: World, step: Step, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(world, step, "rwrr", now - timedelta(days=2))
    first = trail(world, now)
    seen = n_replayed(monkeypatch)
    with CaptureQueriesContext(connection) as queries:
        assert trail(world, now) == first
    assert sum(seen) == 0
    assert len(queries) == 2


def test_new_answers_are_carried_forward_as_a_replay_has_them(
    world: World, step: Step, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(world, step, "rwrr", now - timedelta(days=2))
    trail(world, now)
    record(world, step, "wr", now - timedelta(days=1))
    seen = n_replayed(monkeypatch)
    carried = trail(world, now)
    assert sum(seen) == 2
    assert carried == trail_anew(world, now)
    assert [point.is_correct for point in carried[:6]] == [True, False, True, True, False, True]


def test_a_correction_begins_anew(world: World, step: Step, now: datetime) -> None:
    record(world, step, "rwr", now - timedelta(days=2))
    before = trail(world, now)
    response = Response.objects.earliest("id")
    Regrade.objects.create(response=response, is_correct=False, reason="key", regraded_at=now)
    after = trail(world, now)
    assert after[0].is_correct is False
    assert after[-1].p_correct < before[-1].p_correct
    assert after == trail_anew(world, now)


def test_history_imported_from_before_begins_anew(world: World, step: Step, now: datetime) -> None:
    record(world, step, "rr", now - timedelta(days=2))
    trail(world, now)
    record(world, step, "w", now - timedelta(days=9))
    after = trail(world, now)
    assert [point.is_correct for point in after[:3]] == [False, True, True]
    assert after == trail_anew(world, now)


def test_answers_that_went_away_begin_anew(world: World, step: Step, now: datetime) -> None:
    record(world, step, "rrw", now - timedelta(days=2))
    trail(world, now)
    Response.objects.latest("id").delete()
    assert trail(world, now) == trail_anew(world, now)


def test_a_look_at_an_earlier_moment_sees_nothing_of_later(
    world: World, step: Step, now: datetime
) -> None:
    record(world, step, "rr", now - timedelta(days=5))
    then = trail_anew(world, now - timedelta(days=3))
    record(world, step, "w", now - timedelta(days=1))
    trail(world, now)
    assert trail(world, now - timedelta(days=3)) == then


def test_a_cache_that_is_down_costs_only_time(
    world: World, step: Step, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(world, step, "rwr", now - timedelta(days=2))
    expected = trail(world, now)

    def down(*args: object, **kwargs: object) -> None:
        raise ConnectionError("no cache")

    monkeypatch.setattr(cache, "get", down)
    monkeypatch.setattr(cache, "set", down)
    assert trail(world, now) == expected


def test_a_skill_never_answered_has_a_forecast_only(world: World, now: datetime) -> None:
    points = trail(world, now)
    assert [point.is_correct for point in points] == [None] * 4
