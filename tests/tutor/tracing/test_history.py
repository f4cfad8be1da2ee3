"""A belief of a past day is what was seen that day, whatever came since."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command

from tests.tutor.tracing.logs import log_make, response_of, serving, work_off
from tests.tutor.tracing.test_fits import execute
from tutor.accounts.models import User
from tutor.responses.models import Regrade, Response
from tutor.tracing import engine
from tutor.tracing.history import beliefs_on, day_end, version_at
from tutor.tracing.models import Promotion
from tutor.tracing.services import version_serving


@pytest.fixture(autouse=True)
def _own_artifacts(settings: LazySettings, tmp_path: Path) -> Iterator[None]:
    settings.VAR_DIR = tmp_path
    engine._fitted.cache_clear()
    yield
    engine._fitted.cache_clear()


def test_a_day_s_belief_stays_after_a_promotion_late_history_and_a_regrade(
    db: None, now: datetime
) -> None:
    course = log_make(now=now)
    learner = User.objects.get(username="log0")
    cold = version_serving(course, now=now - timedelta(days=60))
    day = (now - timedelta(days=10)).date()
    seen = beliefs_on(learner, course, day=day)
    some = Response.objects.filter(learner=learner, answered_at__lt=day_end(day)).latest("id")
    execute(course, now)
    work_off(now)
    late = response_of(course, learner, some.step_id, some.skill_ids[0], True, some.answered_at)
    late.recorded_at = now
    late.save()
    Regrade.objects.create(
        response=some, is_correct=not some.is_correct, reason="key", regraded_at=now
    )
    again = beliefs_on(learner, course, day=day)
    assert again.version == cold
    assert again.p_correct.tolist() == seen.p_correct.tolist()
    assert again.n_observations.sum() > 0
    switched = Promotion.objects.latest("id").finished_at
    assert switched is not None
    assert version_at(course, at=switched) == serving(course)


def test_the_command_prints_every_skill_and_names_what_it_does_not_know(
    db: None, now: datetime
) -> None:
    log_make(now=now, n_learners=1, n_each=3)
    out = StringIO()
    call_command("belief_on", "log0", "log", "2026-02-01", stdout=out)
    lines = out.getvalue().splitlines()
    assert len(lines) == 5
    assert "(bkt)" in lines[0]
    with pytest.raises(CommandError, match="no account has the username 'nobody'"):
        call_command("belief_on", "nobody", "log", "2026-02-01")
