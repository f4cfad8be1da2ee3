"""The room's tasks: fits on their own queue, and what beat looks after."""

import logging

from celery import shared_task
from django.conf import settings

from tutor.common.clock import now_utc
from tutor.common.outbox import REPLAY_QUEUE
from tutor.content.models import Course
from tutor.tracing.drift import drifts_measure
from tutor.tracing.fit_starting import NIGHTLY_RULE, VOLUME_RULE, fits_start_due
from tutor.tracing.fits import checkpoints_clear, fit_execute, fits_due, fits_give_up
from tutor.tracing.history_jobs import response_imports_reap, uploads_clear
from tutor.tracing.models import FitTrigger
from tutor.tracing.promotion import promotions_give_up, shard_replay, shards_due, versions_check
from tutor.tracing.services import states_verify

logger = logging.getLogger(__name__)

# A little longer than beat's pause between two looks.
OFFER_SECONDS = 20.0


@shared_task(time_limit=60 * settings.FIT_MINUTES + 300)
def fit_run_task(fit_id: int) -> None:
    """Run a fit, unless another worker has it; send it to the `fit` queue."""
    fit_execute(fit_id, clock=now_utc)


@shared_task
def fits_reap_task() -> None:
    """Offer again what a dead worker or a lost message left behind: fits, and shards of replays."""
    fits_give_up(now=now_utc())
    for fit_id in fits_due(now=now_utc()):
        # The next look offers it anew: what waits behind a long fit must not pile up.
        fit_run_task.apply_async((fit_id,), queue="fit", retry=False, expires=OFFER_SECONDS)
    promotions_give_up(now=now_utc())
    for shard_id in shards_due(now=now_utc()):
        shard_replay_task.apply_async(
            (shard_id,), queue=REPLAY_QUEUE, retry=False, expires=OFFER_SECONDS
        )
    checkpoints_clear()


@shared_task
def shard_replay_task(shard_id: int) -> None:
    """Replay a shard of learners, unless another worker has it; send it to the `replay` queue."""
    shard_replay(shard_id, now=now_utc())


@shared_task
def response_imports_reap_task() -> None:
    """Take up imports of logs whose worker died, and delete logs that nobody waits for."""
    response_imports_reap(now=now_utc())
    uploads_clear(now=now_utc())


@shared_task
def fits_nightly_task() -> None:
    """Fit the courses that have enough new answers since the last fit."""
    fits_start_due(NIGHTLY_RULE, trigger=FitTrigger.NIGHTLY, now=now_utc())


@shared_task
def fits_volume_task() -> None:
    """Fit the courses whose answers grew so much that the night is too late."""
    fits_start_due(VOLUME_RULE, trigger=FitTrigger.VOLUME, now=now_utc())


@shared_task
def versions_check_task() -> None:
    """Go back from versions whose artifact cannot be loaded."""
    versions_check(now=now_utc())


@shared_task
def drifts_measure_task() -> None:
    """Every night: score the serving versions on the answers that came since their fit."""
    drifts_measure(now=now_utc())


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
