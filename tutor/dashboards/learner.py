"""What a learner's page shows a teacher."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import numpy as np
from django.db.models import Q
from django.http import Http404

from tutor.accounts.models import User
from tutor.content.graph import SkillNode, course_graph
from tutor.content.models import Course
from tutor.dashboards.charts import BeliefChart, belief_chart
from tutor.dashboards.heatmap import mastery_percent
from tutor.dashboards.words import TeacherWord
from tutor.responses.models import Response
from tutor.responses.selectors import responses_of_learner
from tutor.scheduling.models import Plan
from tutor.scheduling.services import Offer, offer_for
from tutor.scheduling.statuses import SkillStatus, Status
from tutor.tracing.changes import RoleChange, beliefs_before, role_change
from tutor.tracing.engine import KTModelsError
from tutor.tracing.history import beliefs_on
from tutor.tracing.models import ModelVersion
from tutor.tracing.selectors import SkillBelief
from tutor.tracing.trails import BeliefPoint, belief_history

logger = logging.getLogger(__name__)

PAGE_ROWS = 25
CHART_ROWS = 200
FORECAST_DAYS = 14


@dataclass(frozen=True, slots=True)
class SkillRow:
    """A skill with its status and belief; `held_by` are the prerequisites that lock it.

    A teacher's `word` shapes the status, never the belief.
    """

    skill: SkillNode
    status: SkillStatus
    belief: SkillBelief
    held_by: tuple[SkillNode, ...]
    word: TeacherWord | None = None

    @property
    def percent(self) -> int:
        """P(mastery) as the heatmap shows it."""
        return int(mastery_percent(np.array(self.belief.p_mastery)))


@dataclass(frozen=True, slots=True)
class TimelineRow:
    """A response as the timeline shows it."""

    response: Response
    is_correct: bool
    is_regraded: bool
    skills: tuple[str, ...]
    seconds: int | None


@dataclass(frozen=True, slots=True)
class Timeline:
    """A page of responses, newest first; `before` asks for the next older page."""

    rows: tuple[TimelineRow, ...]
    before: int | None
    is_newest: bool


@dataclass(frozen=True, slots=True)
class Skills:
    """Every skill of the course for one learner, what is next, and the newest stored plan."""

    rows: tuple[SkillRow, ...]
    offer: Offer
    plan: Plan | None

    @property
    def begun_or_open(self) -> tuple[SkillRow, ...]:
        """The skills that something can be said of now: not the untouched ones behind a lock."""
        return tuple(
            row for row in self.rows if row.status.is_open or row.belief.n_observations > 0
        )

    def shown_first(self, most: int) -> tuple[SkillRow, ...]:
        """Return those of them that are worth a look first, in the course's order.

        What is begun and not mastered or due again comes before what is mastered or not begun, and
        what was practised last before the rest.
        """

        def rank(row: SkillRow) -> tuple[bool, float]:
            is_at_work = row.status.status in {Status.LEARNING, Status.REVIEW_DUE}
            at = row.belief.last_at
            return not is_at_work, -at.timestamp() if at else 0.0

        chosen = {row.skill.id for row in sorted(self.begun_or_open, key=rank)[:most]}
        return tuple(row for row in self.rows if row.skill.id in chosen)

    @property
    def counts(self) -> dict[str, int]:
        """How many skills have each status."""
        return {
            status.value: n
            for status in Status
            if (n := sum(row.status.status is status for row in self.rows))
        }


@dataclass(frozen=True, slots=True)
class DayRow:
    """A skill as it was believed at the end of a past day."""

    skill: SkillNode
    belief: SkillBelief

    @property
    def percent(self) -> int:
        """P(mastery) as the heatmap shows it."""
        return int(mastery_percent(np.array(self.belief.p_mastery)))


@dataclass(frozen=True, slots=True)
class DayBeliefs:
    """A past day's beliefs, under the version that served then; version is None when it is lost."""

    day: date
    version: ModelVersion | None
    rows: tuple[DayRow, ...]


def beliefs_of_day(learner: User, course: Course, *, day: date) -> DayBeliefs:
    """Replay what was believed at the end of a day, of the skills that had an answer by then."""
    try:
        beliefs = beliefs_on(learner, course, day=day)
    except KTModelsError:
        return DayBeliefs(day=day, version=None, rows=())
    rows = (
        DayRow(skill=skill, belief=beliefs.of(skill.id)) for skill in course_graph(course).skills
    )
    return DayBeliefs(
        day=day,
        version=beliefs.version,
        rows=tuple(row for row in rows if row.belief.n_observations),
    )


@dataclass(frozen=True, slots=True)
class ModelChange:
    """That the model changed within the week, and one skill's belief under both."""

    change: RoleChange
    before: SkillBelief | None
    after: SkillBelief | None


def change_of_model(
    learner: User, course: Course, skills: Skills, skill: SkillNode | None, *, now: datetime
) -> ModelChange | None:
    """Return the mastery model's change of this week; no query when there is none."""
    change = role_change(skills.offer.beliefs.version, now=now)
    if change is None:
        return None
    earlier = None if skill is None else beliefs_before(learner, course, change, now=now)
    if skill is None or earlier is None:
        return ModelChange(change=change, before=None, after=None)
    return ModelChange(
        change=change, before=earlier.of(skill.id), after=skills.offer.beliefs.of(skill.id)
    )


@dataclass(frozen=True, slots=True)
class SkillHistory:
    """One skill's belief over time; `ahead` without practice, a day each."""

    skill: SkillNode
    points: Sequence[BeliefPoint]
    ahead: Sequence[BeliefPoint]
    chart: BeliefChart | None


def skills_of_learner(
    learner: User,
    course: Course,
    *,
    now: datetime,
    words: Mapping[int, TeacherWord] | None = None,
) -> Skills:
    """Read statuses, beliefs and what is next (five queries, whatever the history)."""
    graph = course_graph(course)
    offer = offer_for(learner, course, now=now)
    rows = tuple(
        SkillRow(
            skill=skill,
            status=offer.statuses[skill.id],
            belief=offer.beliefs.of(skill.id),
            held_by=tuple(graph.skill_of[held] for held in offer.statuses[skill.id].held_by),
            word=(words or {}).get(skill.id),
        )
        for skill in graph.skills
    )
    newest = (
        Plan.objects.filter(learner=learner, course=course).select_related("skill").order_by("-id")
    )
    return Skills(rows=rows, offer=offer, plan=newest.first())


def skill_choose(skills: Skills, wanted: UUID | None) -> SkillNode | None:
    """Return the skill whose history is shown: the one asked for, or the last practised.

    Raises:
        Http404: when the course has no such skill.
    """
    if wanted is not None:
        for row in skills.rows:
            if row.skill.uuid == wanted:
                return row.skill
        raise Http404
    practised = [(row.belief.last_at, row.skill.id, row.skill) for row in skills.rows]
    seen = [(at, skill_id, skill) for at, skill_id, skill in practised if at is not None]
    return max(seen)[2] if seen else None


def skill_history(
    learner: User, course: Course, skill: SkillNode, *, now: datetime
) -> SkillHistory:
    """Replay one skill's belief for the chart and its table, and forecast the days to come.

    Nothing of it is shown where the serving version cannot be asked now.
    """
    try:
        found = belief_history(
            learner,
            course,
            skill_id=skill.id,
            now=now,
            limit=CHART_ROWS,
            days_ahead=FORECAST_DAYS,
        )
    except KTModelsError:
        logger.exception("the belief of skill %s over time cannot be shown", skill.id)
        return SkillHistory(skill=skill, points=(), ahead=(), chart=None)
    points, ahead = found[:-FORECAST_DAYS], found[-FORECAST_DAYS:]
    return SkillHistory(
        skill=skill, points=points, ahead=ahead, chart=belief_chart(points, ahead=ahead)
    )


def timeline_of_learner(learner: User, course: Course, *, before: int | None) -> Timeline:
    """Read a page of responses older than the response `before`.

    The page starts from a place in the index, not from a count of rows, so that the thousandth page
    costs what the first does. Raises: Http404 for a `before` that is not the learner's.
    """
    graph = course_graph(course)
    responses = responses_of_learner(learner, course)
    if before is not None:
        at = (
            Response.objects.filter(pk=before, learner=learner, course=course)
            .values_list("answered_at", flat=True)
            .first()
        )
        if at is None:
            raise Http404
        responses = responses.filter(Q(answered_at__lt=at) | Q(answered_at=at, id__lt=before))
    found = list(responses[: PAGE_ROWS + 1])
    rows = tuple(
        TimelineRow(
            response=response,
            is_correct=response.effective_is_correct,  # type: ignore[attr-defined]
            is_regraded=response.effective_is_correct != response.is_correct,  # type: ignore[attr-defined]
            skills=tuple(
                graph.skill_of[skill_id].title
                for skill_id in response.skill_ids
                if skill_id in graph.skill_of
            ),
            seconds=None if response.elapsed_ms is None else round(response.elapsed_ms / 1000),
        )
        for response in found[:PAGE_ROWS]
    )
    more = len(found) > PAGE_ROWS
    return Timeline(
        rows=rows,
        before=rows[-1].response.pk if more else None,
        is_newest=before is None,
    )
