"""Standings follow a log that changed behind them."""

from datetime import datetime, timedelta

from tests.tutor.tracing.logs import response_of
from tests.world import World
from tutor.common.outbox import outbox_due, outbox_take
from tutor.content.models import Step
from tutor.responses.models import Regrade, Response
from tutor.scheduling.models import SkillStanding
from tutor.tracing.replaying import learners_replay_later


def history(world: World, skill: str, now: datetime, *, n: int, is_correct: bool = True) -> None:
    """A log that was written past the practice pages, as an import writes it."""
    step = Step.objects.get(course=world.course, key=f"{skill}2a")
    Response.objects.bulk_create(
        response_of(
            world.course,
            world.ada,
            step.pk,
            world.skills[skill].pk,
            is_correct,
            now - timedelta(days=1, minutes=number),
        )
        for number in range(n)
    )
    replay(world, now)


def replay(world: World, now: datetime) -> None:
    learners_replay_later(world.course, [world.ada.pk], now=now)
    for minute in (1, 2):
        moment = now + timedelta(minutes=minute)
        for entry_id in outbox_due(now=moment):
            assert outbox_take(entry_id, now=moment, is_sweep=True)


def standing(world: World, skill: str) -> SkillStanding:
    return SkillStanding.objects.get(learner=world.ada, skill=world.skills[skill])


def test_a_skill_that_an_imported_log_practised_is_open_and_mastered(
    world: World, now: datetime
) -> None:
    history(world, "c", now, n=12)
    found = standing(world, "c")
    assert found.opened_at is not None
    assert found.is_mastered
    assert found.review_due_at is not None


def test_a_skill_that_was_practised_in_vain_is_open_and_not_mastered(
    world: World, now: datetime
) -> None:
    history(world, "c", now, n=12, is_correct=False)
    assert standing(world, "c").opened_at is not None
    assert not standing(world, "c").is_mastered


def test_mastery_by_a_wrong_key_is_taken_back_and_stays_open(world: World, now: datetime) -> None:
    history(world, "c", now, n=12)
    Regrade.objects.bulk_create(
        Regrade(response=response, is_correct=False, reason="the key", regraded_at=now)
        for response in Response.objects.all()
    )
    replay(world, now)
    found = standing(world, "c")
    assert not found.is_mastered
    assert found.opened_at is not None
    assert found.review_due_at is not None
    assert found.review_due_at <= now + timedelta(minutes=5)
