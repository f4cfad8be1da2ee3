"""Fits that nobody asked for: every night, and when many answers came."""

import logging
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from tutor.common.errors import TutorError
from tutor.content.models import Course
from tutor.responses.models import Response
from tutor.tracing.fits import fit_request
from tutor.tracing.models import FitRun, FitStatus, ModelRole, ModelVersion, VersionStatus

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StartRule:
    """When a course is fitted unasked: after so many new observations since the last fit."""

    at_least: int
    share: float

    def n_wanted(self, n_before: int) -> int:
        """Return how many new observations are enough."""
        return max(self.at_least, ceil(self.share * n_before))


NIGHTLY_RULE = StartRule(at_least=200, share=0.10)
VOLUME_RULE = StartRule(at_least=1000, share=0.50)
# What is fitted unasked on every course, and for which role; beside it, whatever serves there.
UNATTENDED = (("bkt_forgets", ModelRole.MASTERY), ("cakt_plus", ModelRole.PREDICTION))
# What failed or was cancelled is not asked for again before this has passed.
REFIT_PAUSE = timedelta(hours=20)


def fits_start_due(rule: StartRule, *, trigger: str, now: datetime) -> list[FitRun]:
    """Ask for the fits that a start rule calls for: of the usual models, and of what serves."""
    started = []
    serving = _serving_others()
    for course in Course.objects.all():
        usual: list[_Wanted] = [(model_name, role, {}) for model_name, role in UNATTENDED]
        for model_name, role, config in usual + serving[course.pk]:
            runs = FitRun.objects.filter(course=course, model_name=model_name)
            newest = runs.filter(status=FitStatus.DONE).order_by("-id").first()
            if not _has_enough_new(course, newest, rule):
                continue
            if runs.filter(
                status__in=(FitStatus.FAILED, FitStatus.CANCELLED),
                finished_at__gt=now - REFIT_PAUSE,
            ).exists():
                continue
            try:
                started.append(
                    fit_request(
                        course,
                        model_name=model_name,
                        role=role,
                        trigger=trigger,
                        by=None,
                        now=now,
                        config=config,
                    )
                )
            except TutorError as refusal:
                logger.info("course %s is not fitted: %s", course.pk, refusal.code)
    return started


_Wanted = tuple[str, str, dict[str, Any]]


def _serving_others() -> defaultdict[int, list[_Wanted]]:
    """Return model, role and settings of what serves a course and is not fitted there anyway.

    A model that was fitted by hand and won is kept fresh; one that lost is not fitted again.
    """
    found = defaultdict[int, list[_Wanted]](list)
    serving = (
        ModelVersion.objects.filter(status=VersionStatus.SERVING)
        .exclude(artifact="")
        .exclude(model_name__in=[name for name, _ in UNATTENDED])
    )
    for course_id, model_name, role, config in serving.values_list(
        "course_id", "model_name", "role", "fit_run__config"
    ):
        found[course_id].append((model_name, role, config or {}))
    return found


def _has_enough_new(course: Course, newest: FitRun | None, rule: StartRule) -> bool:
    """Return whether enough observations came after the last fit's; looks at no more than that.

    Walks the index by course and number from the last row that the fit read, so that a log of a
    million rows costs no more than what is new. Rows that were deleted make room for new ones.
    """
    n_before = (newest.n_observations or 0) if newest else 0
    n_wanted = rule.n_wanted(n_before)
    new = Response.objects.filter(course=course, is_observation=True)
    if newest is not None and newest.last_response_id is not None:
        new = new.filter(pk__gt=newest.last_response_id)
    else:
        # A fit from before this was noted: all of the log, less what the fit had.
        n_wanted += n_before
    # The row that makes it enough is the last one that is read.
    place = n_wanted - 1
    return new.order_by("pk")[place : place + 1].exists()
