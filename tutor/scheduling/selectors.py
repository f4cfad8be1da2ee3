"""Statuses of skills, and what the scheduler knows of a learner's past."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from tutor.accounts.models import User
from tutor.content.graph import CourseGraph, course_graph
from tutor.content.models import Course
from tutor.responses.models import Response, ResponseSource
from tutor.responses.selectors import effective_correctness
from tutor.scheduling.graph_arrays import GraphArrays, graph_arrays
from tutor.scheduling.guidance import (
    NO_GUIDANCE,
    Guidance,
    guidance_of_learner,
    guidance_of_learners,
)
from tutor.scheduling.models import SkillStanding
from tutor.scheduling.overlay import beliefs_overlay, standings_overlay
from tutor.scheduling.policies import Past
from tutor.scheduling.statuses import (
    STATUSES,
    BeliefArrays,
    PolicyConfig,
    SkillStatus,
    Standing,
    StandingArrays,
    Status,
    StatusArrays,
    one_learner,
    statuses_many,
    statuses_read,
)
from tutor.tracing.selectors import ClassBeliefs, LearnerBeliefs, beliefs_of_learner

PAST_OBSERVATIONS = 120
DAY = timedelta(days=1)
# Longer than a sitting's pause: within it a step without variants is not asked again.
REPEAT_GAP = timedelta(hours=12)


def policy_config(course: Course) -> PolicyConfig:
    """Return the thresholds and weights that a course is scheduled with."""
    return PolicyConfig(gate=course.gate)


def standing_of(row: SkillStanding, *, now: datetime) -> Standing:
    """Return what the policy needs of a stored standing."""
    return Standing(
        is_open=row.opened_at is not None,
        is_mastered=row.is_mastered,
        was_mastered=row.mastered_at is not None,
        is_due=row.review_due_at is not None and row.review_due_at <= now,
    )


def standings_of_learner(learner: User, graph: CourseGraph) -> dict[int, SkillStanding]:
    """Return the learner's stored standings by skill (one query)."""
    rows = SkillStanding.objects.filter(learner=learner, skill__course_id=graph.course_id)
    return {row.skill_id: row for row in rows}


@dataclass(frozen=True, eq=False)
class Remembered:
    """One learner's standings as arrays: masks (1, n_skills), the rest (n_skills,).

    `gap_days` since the last right answer (NaN for never), `late` in units of a review's own
    interval.
    """

    masks: StandingArrays
    gap_days: NDArray[np.float64]
    n_spaced: NDArray[np.int64]
    late: NDArray[np.float64]
    placed: dict[int, float]


def remembered_of(
    arrays: GraphArrays, standings: Mapping[int, SkillStanding], *, now: datetime
) -> Remembered:
    """Return stored standings as arrays, in one pass."""
    is_open, is_mastered, was_mastered, is_due = np.zeros((4, 1, arrays.n), dtype=np.bool_)
    gap, late = np.full(arrays.n, np.nan), np.zeros(arrays.n)
    n_spaced = np.zeros(arrays.n, dtype=np.int64)
    placed: dict[int, float] = {}
    for skill, row in standings.items():
        at = arrays.row_of.get(skill)
        if at is None:
            continue
        right_at, due_at = row.right_at, row.review_due_at
        is_open[0, at] = row.opened_at is not None
        if row.is_mastered or row.mastered_at is not None:
            is_mastered[0, at], was_mastered[0, at] = row.is_mastered, row.mastered_at is not None
        if right_at is not None:
            gap[at], n_spaced[at] = (now - right_at) / DAY, row.n_spaced
        if due_at is not None:
            is_due[0, at] = due_at <= now
            lasted = (due_at - right_at) / DAY if right_at is not None else 1.0
            late[at] = (now - due_at) / DAY / max(lasted, 1.0)
        if row.p_placed is not None:
            placed[skill] = row.p_placed
    return Remembered(
        masks=StandingArrays(
            is_open=is_open, is_mastered=is_mastered, was_mastered=was_mastered, is_due=is_due
        ),
        gap_days=gap,
        n_spaced=n_spaced,
        late=late,
        placed=placed,
    )


@dataclass(frozen=True, eq=False)
class View:
    """Where one learner stands: beliefs with everything laid over them, and statuses."""

    graph: CourseGraph
    arrays: GraphArrays
    beliefs: BeliefArrays
    remembered: Remembered
    many: StatusArrays

    def with_status(self, status: Status) -> tuple[int, ...]:
        """Return the skills that have a status."""
        rows = np.flatnonzero(self.many.code[0] == STATUSES.index(status))
        return tuple(self.graph.skill_ids[row] for row in rows.tolist())

    @cached_property
    def statuses(self) -> dict[int, SkillStatus]:
        """Every skill's status by its id."""
        return statuses_read(self.graph, self.many)


def view_of(
    graph: CourseGraph,
    beliefs: LearnerBeliefs,
    standings: Mapping[int, SkillStanding],
    *,
    course: Course,
    guidance: Guidance = NO_GUIDANCE,
) -> View:
    """Return where a learner stands from what is at hand, without a query."""
    arrays, config = graph_arrays(graph), policy_config(course)
    words = guidance.words(now=beliefs.at)
    remembered = remembered_of(arrays, standings, now=beliefs.at)
    over = beliefs_overlay(arrays, beliefs, placed=remembered.placed, words=words, config=config)
    masks = standings_overlay(arrays, remembered.masks, words)
    many = statuses_many(arrays, one_learner(over), masks, config=config)
    return View(graph=graph, arrays=arrays, beliefs=over, remembered=remembered, many=many)


def statuses_from(
    graph: CourseGraph,
    beliefs: LearnerBeliefs,
    standings: Mapping[int, SkillStanding],
    *,
    course: Course,
    guidance: Guidance = NO_GUIDANCE,
) -> dict[int, SkillStatus]:
    """Return every skill's status from what is at hand, without a query."""
    return view_of(graph, beliefs, standings, course=course, guidance=guidance).statuses


def statuses_of_learner(
    learner: User, course: Course, *, now: datetime, beliefs: LearnerBeliefs | None = None
) -> dict[int, SkillStatus]:
    """Return the status of every skill of a course for one learner."""
    graph = course_graph(course)
    return statuses_from(
        graph,
        beliefs or beliefs_of_learner(learner, course, now=now),
        standings_of_learner(learner, graph),
        course=course,
        guidance=guidance_of_learner(learner, course, now=now),
    )


def views_of_class(beliefs: ClassBeliefs, course: Course) -> dict[int, View]:
    """Return where each of many learners stands (two queries).

    Views, because statuses by skill are read from them on demand: 40 learners of 500 skills are
    20,000 objects.
    """
    graph = course_graph(course)
    standings: dict[int, dict[int, SkillStanding]] = {pk: {} for pk in beliefs.learner_ids}
    for row in SkillStanding.objects.filter(
        learner_id__in=beliefs.learner_ids, skill__course_id=graph.course_id
    ):
        standings[row.learner_id][row.skill_id] = row
    guidance = guidance_of_learners(beliefs.learner_ids, course, now=beliefs.at)
    return {
        learner_id: view_of(
            graph,
            beliefs.of_row(place),
            standings[learner_id],
            course=course,
            guidance=guidance[learner_id],
        )
        for place, learner_id in enumerate(beliefs.learner_ids)
    }


def day_start(now: datetime) -> datetime:
    """Return the moment at which the school's day began."""
    local = now.astimezone(ZoneInfo(settings.TIME_ZONE))
    return local.replace(hour=0, minute=0, second=0, microsecond=0)


class PastObservation(NamedTuple):
    """What the scheduler looks at of an observation."""

    response_id: int
    step_id: int
    skill_ids: list[int]
    is_correct: bool
    answered_at: datetime
    source: str = ResponseSource.PRACTICE.value


def recent_observations(learner: User, course: Course) -> list[PastObservation]:
    """Return the learner's newest observations, newest first (one query)."""
    rows = (
        Response.objects.filter(learner=learner, course=course, is_observation=True)
        .order_by("-answered_at", "-id")
        .values_list("id", "step_id", "skill_ids", effective_correctness(), "answered_at", "source")
    )
    return [PastObservation(*row) for row in rows[:PAST_OBSERVATIONS]]


def skills_exhausted(
    graph: CourseGraph, observations: Iterable[PastObservation], *, now: datetime
) -> frozenset[int]:
    """Return the skills whose every step was answered a short while ago and has no variants.

    Their repeats within a sitting are no observations, so they would move nothing.
    """
    rows = [row for row in observations if now - row.answered_at < REPEAT_GAP]
    recent = {row.step_id for row in rows}
    return frozenset(
        skill
        for skill in {skill for row in rows for skill in row.skill_ids}
        if all(
            step.step_id in recent and not step.is_varied
            for step in graph.steps_by_skill.get(skill, ())
        )
    )


def past_of(
    observations: Iterable[PastObservation],
    standings: Mapping[int, SkillStanding],
    *,
    graph: CourseGraph,
    now: datetime,
) -> Past:
    """Return the policy's view of the past from what is at hand, without a query."""
    rows = list(observations)
    today = day_start(now)
    touched_today = {skill for row in rows if row.answered_at >= today for skill in row.skill_ids}
    touched_before = {skill for row in rows if row.answered_at < today for skill in row.skill_ids}
    new_today = {
        skill
        for skill in touched_today - touched_before
        if (row := standings.get(skill)) is None
        or row.mastered_at is None
        or row.mastered_at >= today
    }
    reviewed_today = {
        skill
        for skill in touched_today
        if (row := standings.get(skill)) is not None
        and row.mastered_at is not None
        and row.mastered_at < today
    }
    return Past(
        observations=tuple((tuple(row.skill_ids), row.is_correct) for row in rows),
        new_skills_today=len(new_today),
        reviews_today=len(reviewed_today),
        exhausted=skills_exhausted(graph, rows, now=now),
        n_today=sum(row.answered_at >= today for row in rows),
    )
