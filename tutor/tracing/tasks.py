"""The room's scheduled work."""

import logging

from celery import shared_task

from tutor.common.clock import now_utc
from tutor.content.models import Course
from tutor.tracing.services import states_verify

logger = logging.getLogger(__name__)


@shared_task
def states_verify_task() -> int:
    """Every night: hold each learner state against a replay of the log, and mend what differs."""
    n_differences = 0
    for course in Course.objects.all():
        verification = states_verify(course, now=now_utc(), is_repairing=True)
        n_differences += len(verification.differing_state_ids)
        logger.info(
            "course %s: %s states verified, %s differences",
            course.pk,
            verification.n_states,
            len(verification.differing_state_ids),
        )
    return n_differences
