"""Reviews that are due, in one query; paces and sittings read from what is there."""

from datetime import datetime, timedelta

import pytest

from tests.world import World
from tutor.scheduling.models import SkillStanding
from tutor.scheduling.outlooks import pace_of_learner, reviews_due, sitting_of_offer
from tutor.scheduling.services import Opening, offer_for


def standing(world: World, learner, key: str, *, right_at, due_at, now) -> None:
    SkillStanding.objects.create(
        learner=learner,
        skill=world.skills[key],
        opened_at=now,
        is_mastered=True,
        mastered_at=right_at,
        right_at=right_at,
        review_due_at=due_at,
    )


def test_reviews_are_found_in_one_query_the_relatively_latest_first(
    world: World, now: datetime, django_assert_num_queries
) -> None:
    days = [timedelta(days=n) for n in range(40)]
    # Two days late on an interval of thirty is less than one day late on an interval of two.
    standing(world, world.ada, "a", right_at=now - days[32], due_at=now - days[2], now=now)
    standing(world, world.ada, "b", right_at=now - days[3], due_at=now - days[1], now=now)
    standing(world, world.ada, "c", right_at=now - days[3], due_at=now + days[1], now=now)
    standing(world, world.ben, "a", right_at=now - days[9], due_at=now - days[3], now=now)
    with django_assert_num_queries(1):
        found = reviews_due(world.course, until=now)
    shown = [(row.learner_id, row.skill_id) for row in found]
    ada, ben = world.ada.pk, world.ben.pk
    assert shown == [
        (ada, world.skills["b"].pk),
        (ada, world.skills["a"].pk),
        (ben, world.skills["a"].pk),
    ]
    assert found[0].lateness == pytest.approx(0.5)
    assert [row.learner_id for row in reviews_due(world.course, learner_ids=[ben], until=now)] == [
        ben
    ]


def test_a_newcomer_has_the_usual_pace_and_begins_with_a_lesson(
    world: World, now: datetime
) -> None:
    pace = pace_of_learner(world.ada, world.course, now=now)
    assert (pace.step_low, pace.step_high, pace.minutes_a_week) == (1.0, 3.0, 60.0)
    offer = offer_for(world.ada, world.course, now=now)
    assert offer.first is not None
    assert offer.first.opening is Opening.LESSON
    plan = sitting_of_offer(offer, pace=pace)
    assert plan.blocks[0].skill_ids == (world.skills["a"].pk,)
    assert plan.minutes <= 25
