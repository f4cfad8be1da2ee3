"""What the page of a skill shows: read once, no query from a template."""

import logging
from dataclasses import dataclass
from datetime import datetime

from tutor.accounts.models import User
from tutor.content.graph import SkillNode, course_graph
from tutor.content.lessons import LessonText, lessons_of_skill
from tutor.content.models import Course
from tutor.practice.answer_rows import ResponseRow, response_rows
from tutor.practice.answers import Summary, responses_count, responses_found
from tutor.practice.charts import BeliefChart, belief_chart
from tutor.practice.map_page import SkillRow, skill_rows
from tutor.practice.proposals import Proposal, proposal_of
from tutor.scheduling.models import Override
from tutor.scheduling.services import offer_for
from tutor.tracing.changes import RoleChange, beliefs_before, role_change
from tutor.tracing.engine import KTModelsError
from tutor.tracing.selectors import SkillBelief
from tutor.tracing.trails import BeliefPoint, belief_history

logger = logging.getLogger(__name__)

RESPONSES_SHOWN = 12
POINTS_SHOWN = 60
FORECAST_DAYS = 14


@dataclass(frozen=True, slots=True)
class SkillPage:
    """One skill for one learner."""

    row: SkillRow
    proposal: Proposal | None
    needs: tuple[SkillRow, ...]
    unlocks: tuple[SkillRow, ...]
    lessons: tuple[LessonText, ...]
    chart: BeliefChart | None
    forecast_week_p: float | None
    forecast_p: float | None
    responses: tuple[ResponseRow, ...]
    counts: Summary
    change: RoleChange | None
    belief_before: SkillBelief | None
    word: Override | None


def skill_page(learner: User, course: Course, skill: SkillNode, *, now: datetime) -> SkillPage:
    """Return a skill's lesson, belief over time, own responses and neighbours."""
    graph = course_graph(course)
    offer = offer_for(learner, course, now=now)
    rows = skill_rows(graph, offer.statuses, offer.beliefs)
    points = _points(learner, course, skill, now=now)
    found = responses_found(learner, course, skill_id=skill.id)
    change = role_change(offer.beliefs.version, now=now)
    earlier = None if change is None else beliefs_before(learner, course, change, now=now)
    mine = [candidate for candidate in offer.candidates if candidate.skill_id == skill.id]
    return SkillPage(
        row=rows[skill.id],
        proposal=proposal_of(mine[0], rows) if mine else None,
        needs=tuple(rows[other] for other in graph.parents[skill.id]),
        unlocks=tuple(rows[other] for other in graph.children[skill.id]),
        lessons=lessons_of_skill(course, skill.id),
        chart=belief_chart(points),
        forecast_week_p=points[-1 - FORECAST_DAYS + 7].p_correct if points else None,
        forecast_p=points[-1].p_correct if points else None,
        responses=response_rows(found[:RESPONSES_SHOWN], course),
        counts=responses_count(found),
        change=change,
        belief_before=None if earlier is None else earlier.of(skill.id),
        word=Override.objects.filter(learner=learner, skill=skill.id, lifted_at=None).first(),
    )


def _points(learner: User, course: Course, skill: SkillNode, *, now: datetime) -> list[BeliefPoint]:
    """Return the points of the chart; none where the serving version cannot be asked now."""
    try:
        return belief_history(
            learner,
            course,
            skill_id=skill.id,
            now=now,
            limit=POINTS_SHOWN,
            days_ahead=FORECAST_DAYS,
        )
    except KTModelsError:
        logger.exception("the belief of skill %s over time cannot be shown", skill.id)
        return []
