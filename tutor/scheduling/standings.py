"""What is remembered of learners besides beliefs: what opened, what was mastered, what is due."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

import numpy as np

from tutor.accounts.models import User
from tutor.common.clock import days_since_epoch
from tutor.content.graph import CourseGraph
from tutor.content.models import Course
from tutor.scheduling.models import SkillStanding
from tutor.scheduling.retention import Spacing, interval_days, spacing_after
from tutor.scheduling.selectors import (
    policy_config,
    standing_of,
    standings_of_learner,
    statuses_from,
)
from tutor.scheduling.statuses import PolicyConfig, Status, is_mastered_now
from tutor.tracing import engine
from tutor.tracing.selectors import LearnerBeliefs, moment_of
from tutor.tracing.services import Tracing

CHANGEABLE = (
    "opened_at",
    "is_mastered",
    "mastered_at",
    "review_due_at",
    "right_at",
    "n_spaced",
)


def standings_refresh(
    learner: User,
    course: Course,
    *,
    graph: CourseGraph,
    beliefs: LearnerBeliefs,
    tracing: Tracing,
    touched: Collection[int],
    now: datetime,
    is_right: bool = True,
    spacings: Mapping[int, Spacing] | None = None,
) -> dict[int, SkillStanding]:
    """Bring the stored standings up to the beliefs: open what opens, note mastery and its loss.

    What is open stays open. `touched` are the skills just practised, whose next review moves;
    `is_right` was that answer, or `spacings` tells the whole history of each after a replay.
    Where the model could not be asked nothing moves: mastery is not lost to a broken file.
    """
    standings = standings_of_learner(learner, graph)
    if beliefs.is_fallback:
        return standings
    statuses = statuses_from(graph, beliefs, standings, course=course)
    config = policy_config(course)
    new, changed = [], []
    for row, skill_id in enumerate(graph.skill_ids):
        status = statuses[skill_id]
        if status.status is Status.UNKNOWN or not (status.is_open or skill_id in touched):
            continue
        standing = standings.get(skill_id)
        is_new = standing is None
        if standing is None:
            standing = SkillStanding(learner=learner, skill_id=skill_id)
            standings[skill_id] = standing
        before = _changeable(standing)
        standing.opened_at = standing.opened_at or now
        is_mastered = is_mastered_now(
            float(beliefs.p_mastery[row]),
            int(beliefs.n_observations[row]),
            standing_of(standing, now=now),
            config=config,
        )
        _mastery_set(standing, is_mastered=is_mastered, now=now)
        if skill_id in touched:
            known = None if spacings is None else spacings.get(skill_id)
            _spacing_set(standing, known, is_right=is_right, now=now, config=config)
        if standing.is_mastered and (skill_id in touched or standing.review_due_at is None):
            standing.review_due_at = _review_due_at(standing, tracing, now=now, config=config)
        if is_new:
            new.append(standing)
        elif before != _changeable(standing):
            changed.append(standing)
    if new:
        SkillStanding.objects.bulk_create(new)
    if changed:
        SkillStanding.objects.bulk_update(changed, CHANGEABLE)
    return standings


def _changeable(standing: SkillStanding) -> tuple[object, ...]:
    return tuple(getattr(standing, name) for name in CHANGEABLE)


def _mastery_set(standing: SkillStanding, *, is_mastered: bool, now: datetime) -> None:
    if is_mastered and not standing.is_mastered:
        standing.mastered_at = standing.mastered_at or now
    if standing.is_mastered and not is_mastered:
        standing.review_due_at = now
    standing.is_mastered = is_mastered


def _spacing_set(
    standing: SkillStanding,
    known: Spacing | None,
    *,
    is_right: bool,
    now: datetime,
    config: PolicyConfig,
) -> None:
    at = None if standing.right_at is None else days_since_epoch(standing.right_at)
    spacing = known or spacing_after(
        Spacing(n_spaced=standing.n_spaced, right_at_days=at),
        at_days=days_since_epoch(now),
        is_right=is_right,
        config=config,
    )
    standing.n_spaced = spacing.n_spaced
    if known is not None:
        days = known.right_at_days
        standing.right_at = None if days is None else moment_of(days)
    elif is_right:
        standing.right_at = now


def _review_due_at(
    standing: SkillStanding, tracing: Tracing, *, now: datetime, config: PolicyConfig
) -> datetime:
    """Return when to see it again: when the model forecasts its loss, or its interval ends."""
    (at,) = engine.first_below(
        tracing.version,
        tracing.state.blob,
        [standing.skill_id],
        threshold=config.mastery_leave,
        from_days=days_since_epoch(now),
    )
    days = float(interval_days(np.array(standing.n_spaced), config=config))
    by_interval = (standing.right_at or now) + timedelta(days=days)
    by_model = None if at is None else moment_of(at)
    return by_interval if by_model is None else min(by_model, by_interval)
