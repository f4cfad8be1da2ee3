"""The week after a role changed its model: the change, and what the earlier model would say."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from tutor.accounts.models import User
from tutor.content.graph import course_graph
from tutor.content.models import Course
from tutor.responses.exports import observations_export
from tutor.tracing import engine
from tutor.tracing.models import ModelVersion, Promotion, PromotionStatus
from tutor.tracing.selectors import LearnerBeliefs, beliefs_of_blobs
from tutor.tracing.services import replay

logger = logging.getLogger(__name__)

SHOWN_FOR = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class RoleChange:
    """A role's change of its model, not longer ago than pages tell of it."""

    version: ModelVersion
    previous: ModelVersion
    at: datetime


def role_change(version: ModelVersion, *, now: datetime) -> RoleChange | None:
    """Return how the version came to serve, if that was within the week.

    Asks the database nothing where the version has served for longer, or from the beginning.
    """
    since = version.served_from
    if since is None or now - since > SHOWN_FOR:
        return None
    if not version.artifact and since == version.created_at:
        return None
    last = (
        Promotion.objects.filter(version=version, status=PromotionStatus.DONE, finished_at=since)
        .select_related("previous")
        .order_by("-id")
        .first()
    )
    if last is None or last.previous is None:
        return None
    return RoleChange(version=version, previous=last.previous, at=since)


def beliefs_before(
    learner: User, course: Course, change: RoleChange, *, now: datetime
) -> LearnerBeliefs | None:
    """Return what the earlier version makes of the same answers; None when it cannot be loaded."""
    rows = list(observations_export(course, learner_ids=[learner.pk], until=now))
    try:
        blob = replay(change.previous, rows)
    except engine.KTModelsError:
        logger.exception("version %s cannot be shown beside its successor", change.previous.pk)
        return None
    return beliefs_of_blobs(
        change.previous,
        [blob],
        learner_ids=[learner.pk],
        skill_ids=course_graph(course).skill_ids,
        now=now,
    ).of_row(0)
