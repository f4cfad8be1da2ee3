"""What is remembered of a skill: intervals that grow, online and from the log alike."""

from datetime import datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from tests.tutor.tracing.logs import response_of
from tests.world import World
from tutor.content.graph import course_graph
from tutor.content.models import Step
from tutor.responses.models import Response
from tutor.scheduling.evaluating import decisions_logged
from tutor.scheduling.models import Plan, SkillStanding
from tutor.scheduling.rebuilding import standings_rebuild
from tutor.scheduling.selectors import statuses_of_learner
from tutor.scheduling.standings import standings_refresh
from tutor.scheduling.statuses import Status
from tutor.tracing.selectors import beliefs_of_state
from tutor.tracing.services import observation_apply, tracing_hold

HOUR = timedelta(hours=1)


def practise(world: World, moments: list[datetime]) -> None:
    """Right answers to skill a, each moving belief and standing as the answer path does."""
    step = Step.objects.filter(course=world.course, skills=world.skills["a"])[0]
    skill_id = world.skills["a"].pk
    graph = course_graph(world.course)
    for moment in moments:
        with transaction.atomic():
            response = response_of(world.course, world.ada, step.pk, skill_id, True, moment)
            response.save()
            tracing = tracing_hold(world.ada, world.course, now=moment)
            observation_apply(tracing, response, step=step, now=moment)
            standings_refresh(
                world.ada,
                world.course,
                graph=graph,
                beliefs=beliefs_of_state(
                    tracing.state, version=tracing.version, course=world.course, now=moment
                ),
                tracing=tracing,
                touched=[skill_id],
                now=moment,
                is_right=True,
            )


def standing(world: World) -> SkillStanding:
    return SkillStanding.objects.get(learner=world.ada, skill=world.skills["a"])


def status(world: World, now: datetime) -> Status:
    return statuses_of_learner(world.ada, world.course, now=now)[world.skills["a"].pk].status


@pytest.mark.django_db(transaction=True)
def test_what_was_mastered_is_seen_again_the_next_day_and_then_less_often(
    world: World, now: datetime
) -> None:
    practise(world, [now + HOUR * n / 60 for n in range(5)])
    assert status(world, now + HOUR) is Status.MASTERED
    assert status(world, now + 24 * HOUR) is Status.REVIEW_DUE
    practise(world, [now + 24 * HOUR])
    assert standing(world).n_spaced == 1
    assert status(world, now + 30 * HOUR) is Status.MASTERED
    assert status(world, now + 71 * HOUR) is Status.REVIEW_DUE


@pytest.mark.django_db(transaction=True)
def test_a_rebuild_from_the_log_remembers_the_same(world: World, now: datetime) -> None:
    practise(world, [now + HOUR * n / 60 for n in range(5)] + [now + 26 * HOUR, now + 80 * HOUR])
    kept = standing(world)
    SkillStanding.objects.filter(pk=kept.pk).update(n_spaced=9, right_at=None)
    standings_rebuild(world.ada, world.course, now=now + 80 * HOUR)
    rebuilt = standing(world)
    assert rebuilt.n_spaced == kept.n_spaced == 2
    assert rebuilt.right_at is not None
    assert kept.right_at is not None
    assert abs(rebuilt.right_at - kept.right_at) < timedelta(seconds=1)


def plan_stored(world: World, *, session: str, chosen: int, is_right: bool, now: datetime) -> None:
    step = Step.objects.filter(course=world.course)[0]
    response = response_of(world.course, world.ada, step.pk, world.skills["a"].pk, is_right, now)
    response.save()
    Plan.objects.create(
        learner=world.ada,
        course=world.course,
        session_uuid=session,
        created_at=now,
        policy="stepwise",
        rng_seed=1,
        candidates=[
            {"skill_id": 1, "terms": {"learn": 0.4}, "propensity": 0.7},
            {"skill_id": 2, "terms": {"learn": 0.2}, "propensity": 0.3},
        ],
        chosen=chosen,
        response=response,
    )


def test_logged_plans_are_decisions_by_sitting(
    world: World, now: datetime, django_assert_num_queries
) -> None:
    one, two = f"{1:032x}", f"{2:032x}"
    for place, (session, chosen, is_right) in enumerate(
        [(one, 0, True), (two, 1, False), (one, 1, True)]
    ):
        moment = now + place * HOUR
        plan_stored(world, session=session, chosen=chosen, is_right=is_right, now=moment)
    with django_assert_num_queries(2):
        sittings = decisions_logged(world.course, policy="stepwise")
    assert [[(row.drawn, row.reward) for row in sitting] for sitting in sittings] == [
        [(0, 1.0), (1, 1.0)],
        [(1, 0.0)],
    ]
    assert decisions_logged(world.course, policy="random") == []
    out = StringIO()
    call_command("evaluate_policy", world.course.key, "--factor", "learn=2", stdout=out)
    assert "3 decisions in 2 sittings" in out.getvalue()
    assert "few sittings" in out.getvalue()


def test_an_empty_log_says_so(world: World) -> None:
    assert not Response.objects.exists()
    with pytest.raises(CommandError, match="no logged decision"):
        call_command("evaluate_policy", world.course.key)
    with pytest.raises(CommandError, match="expected TERM=NUMBER"):
        call_command("evaluate_policy", world.course.key, "--factor", "luck=2")
