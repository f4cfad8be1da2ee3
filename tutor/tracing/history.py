"""Reproducible history: what was believed on a day, under the version that served that day."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings

from tutor.accounts.models import User
from tutor.content.graph import course_graph
from tutor.content.models import Course
from tutor.responses.exports import observations_export
from tutor.tracing.models import ModelRole, ModelVersion, Promotion, PromotionStatus
from tutor.tracing.selectors import LearnerBeliefs, beliefs_of_blobs
from tutor.tracing.services import replay, version_serving


def day_end(day: date) -> datetime:
    """Return the last moment of a day at the school."""
    midnight = datetime.combine(day + timedelta(days=1), time(), ZoneInfo(settings.TIME_ZONE))
    return midnight - timedelta(microseconds=1)


def version_at(course: Course, *, at: datetime, role: str = ModelRole.MASTERY) -> ModelVersion:
    """Return the version that served a role at a moment: promotions are the history of it."""
    done = Promotion.objects.filter(
        course=course, role=role, status=PromotionStatus.DONE
    ).select_related("version", "previous")
    last = done.filter(finished_at__lte=at).order_by("-finished_at", "-id").first()
    if last is not None:
        return last.version
    first = done.order_by("finished_at", "id").first()
    if first is not None and first.previous is not None:
        return first.previous
    return version_serving(course, now=at, role=role)


def beliefs_on(learner: User, course: Course, *, day: date) -> LearnerBeliefs:
    """Return the learner's beliefs at the end of a day, by replaying the log as it was known then.

    Responses and corrections that were recorded later are left out, so that a page seen that day
    is reproduced.
    """
    at = day_end(day)
    version = version_at(course, at=at)
    rows = list(observations_export(course, learner_ids=[learner.pk], until=at, recorded_until=at))
    return beliefs_of_blobs(
        version,
        [replay(version, rows)],
        learner_ids=[learner.pk],
        skill_ids=course_graph(course).skill_ids,
        now=at,
    ).of_row(0)
