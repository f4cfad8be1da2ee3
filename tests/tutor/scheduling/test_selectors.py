"""What the scheduler reads of the past."""

from datetime import datetime

from tests.tutor.tracing.logs import response_of
from tests.world import World
from tutor.content.models import Step
from tutor.responses.models import Regrade
from tutor.scheduling.selectors import recent_observations


def test_a_corrected_verdict_is_what_the_scheduler_goes_by(world: World, now: datetime) -> None:
    step = Step.objects.filter(course=world.course)[0]
    given = response_of(world.course, world.ada, step.pk, step.skills.get().pk, False, now)
    given.save()
    Regrade.objects.create(response=given, is_correct=True, reason="the key", regraded_at=now)
    assert [row.is_correct for row in recent_observations(world.ada, world.course)] == [True]
