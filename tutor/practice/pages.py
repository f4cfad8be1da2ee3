"""What the learner's home and skill pages show: read once, no query from a template."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils.translation import gettext_lazy

from tutor.accounts.models import User
from tutor.content.graph import SkillNode, course_graph
from tutor.content.models import Course
from tutor.practice.answer_rows import ResponseRow, response_rows
from tutor.practice.answers import Summary, responses_count, responses_found
from tutor.practice.charts import BeliefChart, belief_chart
from tutor.practice.lessons import LessonText, lessons_of_skill
from tutor.practice.map_page import SkillRow, skill_rows
from tutor.practice.models import Activity
from tutor.responses.regrading import LearnerRegrade, regrades_of_learner
from tutor.scheduling.services import OfferedCandidate, offer_for
from tutor.scheduling.statuses import Status
from tutor.tracing.changes import RoleChange, beliefs_before, role_change
from tutor.tracing.selectors import SkillBelief, belief_history

KIND_LABELS = {
    "learn": gettext_lazy("Something new"),
    "practise": gettext_lazy("Keep going"),
    "review": gettext_lazy("Review"),
    "remedial": gettext_lazy("One step back"),
}
RESPONSES_SHOWN = 12
FORECAST_DAYS = 14
# For how long home tells of corrected answers.
REGRADES_TOLD_FOR = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A candidate of the scheduler as a card."""

    kind: str
    kind_label: str
    reason: str
    minutes: int
    row: SkillRow


@dataclass(frozen=True, slots=True)
class HomePage:
    """The learner's home on one course."""

    course: Course
    first: Proposal | None
    alternatives: tuple[Proposal, ...]
    reviews: tuple[SkillRow, ...]
    n_mastered: int
    n_begun: int
    n_skills: int
    has_open_activity: bool
    change: RoleChange | None
    regrades: tuple[LearnerRegrade, ...]


def home_page(learner: User, course: Course, *, now: datetime) -> HomePage:
    """Return what is next, what is due, and how far the learner is."""
    graph = course_graph(course)
    offer = offer_for(learner, course, now=now)
    rows = skill_rows(graph, offer.statuses, offer.beliefs)
    return HomePage(
        course=course,
        first=None if offer.first is None else _proposal(offer.first, rows),
        alternatives=tuple(_proposal(candidate, rows) for candidate in offer.alternatives),
        reviews=tuple(row for row in rows.values() if row.status == Status.REVIEW_DUE),
        n_mastered=sum(row.status == Status.MASTERED for row in rows.values()),
        n_begun=sum(row.status in {Status.LEARNING, Status.REVIEW_DUE} for row in rows.values()),
        n_skills=sum(row.status != Status.UNKNOWN for row in rows.values()),
        has_open_activity=Activity.objects.filter(
            Q(session__learner=learner, session__course=course, session__ended_at=None),
            finished_at=None,
        ).exists(),
        change=role_change(offer.beliefs.version, now=now),
        regrades=tuple(regrades_of_learner(learner, course, since=now - REGRADES_TOLD_FOR)),
    )


def _proposal(candidate: OfferedCandidate, rows: Mapping[int, SkillRow]) -> Proposal:
    return Proposal(
        kind=candidate.kind,
        kind_label=str(KIND_LABELS[candidate.kind]),
        reason=candidate.reason,
        minutes=candidate.minutes,
        row=rows[candidate.skill_id],
    )


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


def skill_page(learner: User, course: Course, skill: SkillNode, *, now: datetime) -> SkillPage:
    """Return a skill's lesson, belief over time, own responses and neighbours."""
    graph = course_graph(course)
    offer = offer_for(learner, course, now=now)
    rows = skill_rows(graph, offer.statuses, offer.beliefs)
    points = belief_history(
        learner, course, skill_id=skill.id, now=now, limit=60, days_ahead=FORECAST_DAYS
    )
    found = responses_found(learner, course, skill_id=skill.id)
    change = role_change(offer.beliefs.version, now=now)
    earlier = None if change is None else beliefs_before(learner, course, change, now=now)
    mine = [candidate for candidate in offer.candidates if candidate.skill_id == skill.id]
    return SkillPage(
        row=rows[skill.id],
        proposal=_proposal(mine[0], rows) if mine else None,
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
    )
