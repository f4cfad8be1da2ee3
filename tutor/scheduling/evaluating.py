"""Logged plans as decisions to evaluate another policy on."""

from datetime import datetime
from itertools import groupby

from django.db.models import F

from tutor.content.models import Course
from tutor.responses.models import Response
from tutor.responses.selectors import effective_correctness
from tutor.scheduling.models import Plan
from tutor.scheduling.off_line import Decision


def decisions_logged(
    course: Course, *, policy: str, since: datetime | None = None
) -> list[list[Decision]]:
    """Return a policy's decisions by sitting, in order (two queries).

    Only plans that led to an observation count; the reward is whether that was right. What was
    drawn counts as decided, whichever of the candidates the learner then took.
    """
    plans = Plan.objects.filter(
        course=course,
        policy=policy,
        chosen__isnull=False,
        session_uuid__isnull=False,
        response__isnull=False,
    )
    if since is not None:
        plans = plans.filter(created_at__gte=since)
    rights = dict(
        Response.objects.filter(plan__in=plans.values("pk")).values_list(
            "pk", effective_correctness()
        )
    )
    rows = plans.order_by("session_uuid", "id").values_list(
        "session_uuid", "candidates", "chosen", F("response_id")
    )
    return [
        [
            Decision(
                terms=[candidate["terms"] for candidate in candidates],
                propensities=[candidate["propensity"] for candidate in candidates],
                drawn=int(chosen or 0),
                reward=float(rights.get(response_id, False)),
            )
            for _uuid, candidates, chosen, response_id in sitting
        ]
        for _session, sitting in groupby(rows, key=lambda row: row[0])
    ]
