"""What beat sends: nothing piles up behind a worker that is stopped, and every queue has a name."""

import pytest
from celery.schedules import crontab
from django.conf import settings

from tutor.celery import app
from tutor.common.outbox import DEFAULT_QUEUE, PREDICT_QUEUE, REPLAY_QUEUE

DAY_SECONDS = 86_400.0


@pytest.mark.parametrize("name", settings.CELERY_BEAT_SCHEDULE)
def test_a_periodic_message_is_dropped_by_the_time_of_the_next(name: str) -> None:
    entry = settings.CELERY_BEAT_SCHEDULE[name]
    is_daily = isinstance(entry["schedule"], crontab)
    period = DAY_SECONDS if is_daily else entry["schedule"]
    assert 0 < entry["options"]["expires"] <= period
    # Long enough that a worker that is busy for a while still does a night's task.
    assert not is_daily or entry["options"]["expires"] >= 3600


@pytest.mark.parametrize("name", settings.CELERY_BEAT_SCHEDULE)
def test_a_periodic_message_names_a_task_and_a_queue_that_are_there(name: str) -> None:
    app.loader.import_default_modules()
    entry = settings.CELERY_BEAT_SCHEDULE[name]
    assert entry["task"] in app.tasks
    assert entry["options"]["queue"] in {DEFAULT_QUEUE, PREDICT_QUEUE, REPLAY_QUEUE}


def test_verifying_and_measuring_at_night_keep_no_answer_waiting() -> None:
    for name in ("states-verify", "drifts-measure"):
        assert settings.CELERY_BEAT_SCHEDULE[name]["options"]["queue"] == REPLAY_QUEUE
