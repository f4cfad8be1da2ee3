"""A serving version whose artifact is gone: answers count, and nothing that was won is lost."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
from django.test import Client

from tests.world import World
from tutor.accounts.models import User
from tutor.common.outbox import outbox_due, outbox_take
from tutor.content.models import Skill
from tutor.practice.recording import Deed, activity_of
from tutor.practice.services import answer_submit, session_start
from tutor.responses.models import Response
from tutor.scheduling.models import SkillStanding
from tutor.tracing import engine
from tutor.tracing.models import LearnerState, ModelVersion
from tutor.tracing.services import version_serving


@pytest.fixture
def broken(world: World, now: datetime) -> Iterator[ModelVersion]:
    version = version_serving(world.course, now=now)
    ModelVersion.objects.filter(pk=version.pk).update(artifact="gone", sha256="0" * 64)
    engine._fitted.cache_clear()
    yield version
    engine._fitted.cache_clear()


def answer(world: World, now: datetime) -> Deed:
    session = session_start(world.ada, world.course, now=now)
    activity = activity_of(session)
    assert activity is not None
    return answer_submit(
        session, raw_answer="7", attempt_token=activity.attempt_token, now=now
    ).deed


def test_a_newcomers_first_answer_is_recorded_and_counted_when_the_model_is_back(
    world: World, broken: ModelVersion, now: datetime
) -> None:
    assert answer(world, now) is Deed.RECORDED
    assert Response.objects.filter(is_observation=True).count() == 1
    assert LearnerState.objects.get().is_stale
    ModelVersion.objects.filter(pk=broken.pk).update(artifact="", sha256="")
    later = now + timedelta(minutes=1)
    for entry_id in outbox_due(now=later):
        outbox_take(entry_id, now=later, is_sweep=True)
    state = LearnerState.objects.get()
    assert (state.is_stale, state.n_observations) == (False, 1)


def test_mastery_is_not_lost_to_a_broken_model(
    world: World, broken: ModelVersion, now: datetime
) -> None:
    due = now + timedelta(days=9)
    mastered = SkillStanding.objects.create(
        learner=world.ada,
        skill=Skill.objects.get(course=world.course, key="a"),
        opened_at=now,
        is_mastered=True,
        mastered_at=now,
        review_due_at=due,
    )
    assert answer(world, now) is Deed.RECORDED
    mastered.refresh_from_db()
    assert (mastered.is_mastered, mastered.review_due_at) == (True, due)


def test_every_page_still_comes_with_a_broken_model(
    world: World, broken: ModelVersion, now: datetime, client_of: Callable[[User], Client]
) -> None:
    assert answer(world, now) is Deed.RECORDED
    client, course = client_of(world.ada), f"/learn/{world.course.uuid}/"
    skill = world.skills["a"].uuid
    for page in ("", "map/", "map/?view=list", f"skills/{skill}/", "progress/", "answers/"):
        assert client.get(f"{course}{page}").status_code == 200, page
