"""How the belief of one skill went: replayed from the log, and carried forward from a cache.

A replay costs what the learner ever answered. So the points are kept with the state that they ended
in, and the next look replays only what was answered since. A correction, an import of earlier
history or a lost cache begins anew: the log decides, the cache only saves time.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.cache import cache

from tutor.accounts.models import User
from tutor.common.clock import days_since_epoch
from tutor.content.models import Course
from tutor.responses.exports import ObservationRow, observations_export
from tutor.tracing import engine
from tutor.tracing.models import ModelVersion
from tutor.tracing.services import log_mark, version_serving

logger = logging.getLogger(__name__)

KEPT_SECONDS = 14 * 24 * 60 * 60
MOST_POINTS = 200


@dataclass(frozen=True, slots=True)
class BeliefPoint:
    """The belief of one skill at a moment; `is_correct` of the observation that made it, if any."""

    at: datetime
    p_correct: float
    lower: float
    upper: float
    is_correct: bool | None


@dataclass(frozen=True, slots=True)
class _Walk:
    """The newest points of a skill, the state after them, and the mark of the log up to there."""

    mark: tuple[int, int, int]
    last_at: datetime | None
    blob: bytes | None
    points: tuple[BeliefPoint, ...]


BEGINNING = _Walk(mark=(0, 0, 0), last_at=None, blob=None, points=())


def belief_history(
    learner: User,
    course: Course,
    *,
    skill_id: int,
    now: datetime,
    limit: int = MOST_POINTS,
    days_ahead: int = 0,
) -> list[BeliefPoint]:
    """Return how the belief of one skill went under the serving version (at most three queries).

    A point after each of the newest `limit` observations of the skill, one for now, and one a day
    for `days_ahead` days to come.
    """
    version = version_serving(course, now=now)
    key = f"trail:{version.uuid}:{learner.pk}:{skill_id}"
    mark = log_mark(course.pk, learner.pk)
    kept = _kept(key)
    walk = kept if kept.mark == mark else _walked(version, learner, course, skill_id, kept, mark)
    if walk.last_at is not None and walk.last_at > now:
        walk = _walked(version, learner, course, skill_id, BEGINNING, mark, until=now)
    elif walk is not kept:
        _keep(key, walk)
    ahead = [now + timedelta(days=day) for day in range(days_ahead + 1)]
    coming = engine.trail(
        version,
        [],
        skill_id=skill_id,
        ahead_at_days=[days_since_epoch(moment) for moment in ahead],
        blob=walk.blob,
    )
    return [
        *walk.points[-limit:],
        *(
            BeliefPoint(moment, point.p_correct, point.lower, point.upper, None)
            for moment, point in zip(ahead, coming.points, strict=True)
        ),
    ]


def _walked(
    version: ModelVersion,
    learner: User,
    course: Course,
    skill_id: int,
    kept: _Walk,
    mark: tuple[int, int, int],
    *,
    until: datetime | None = None,
) -> _Walk:
    """Go on from what is kept, or from the beginning where the log changed behind it."""
    rows: list[ObservationRow] = []
    begin = BEGINNING
    if kept.blob is not None and kept.mark[2] == mark[2] and until is None:
        rows = _rows(learner, course, newer_than=kept.mark[1])
        is_later = not rows or kept.last_at is None or rows[0].at >= kept.last_at
        if is_later and kept.mark[0] + len(rows) == mark[0]:
            begin = kept
    if begin is BEGINNING:
        rows = _rows(learner, course, until=until)
    found = engine.trail(
        version,
        [
            engine.observation_make(
                row.skill_ids, item=row.item, is_correct=row.is_correct, at_days=row.at_days
            )
            for row in rows
        ],
        skill_id=skill_id,
        ahead_at_days=[],
        blob=begin.blob,
    )
    points = [
        BeliefPoint(
            at=rows[point.index].at,
            p_correct=point.p_correct,
            lower=point.lower,
            upper=point.upper,
            is_correct=rows[point.index].is_correct,
        )
        for point in found.points
        if point.index is not None
    ]
    newest = max([begin.mark[1], *(row.response_id for row in rows)])
    return _Walk(
        # Of what was read, which may be more than was there a moment ago.
        mark=(begin.mark[0] + len(rows), newest, mark[2]),
        last_at=rows[-1].at if rows else begin.last_at,
        blob=found.blob,
        points=(*begin.points, *points)[-MOST_POINTS:],
    )


def _rows(
    learner: User,
    course: Course,
    *,
    newer_than: int | None = None,
    until: datetime | None = None,
) -> list[ObservationRow]:
    return list(
        observations_export(course, learner_ids=[learner.pk], newer_than=newer_than, until=until)
    )


def _kept(key: str) -> _Walk:
    try:
        found = cache.get(key)
    except Exception:  # noqa: BLE001 - whatever the cache server raises, the log is there
        logger.warning("belief trails are replayed: the cache cannot be reached")
        return BEGINNING
    return found if isinstance(found, _Walk) else BEGINNING


def _keep(key: str, walk: _Walk) -> None:
    try:
        cache.set(key, walk, timeout=KEPT_SECONDS)
    except Exception:  # noqa: BLE001 - as above
        logger.warning("a belief trail is not kept: the cache cannot be reached")
