"""What the learner's home and skill pages show: read once, no query from a template."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils.html import conditional_escape, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tutor.accounts.models import User
from tutor.content.graph import LessonRef, SkillNode, course_graph
from tutor.content.models import Course, Lesson
from tutor.content.text import text_inline, text_render
from tutor.grading.kinds_choice import ids_posted
from tutor.practice.charts import BeliefChart, belief_chart
from tutor.practice.documents import problem_document
from tutor.practice.map_page import SkillRow, skill_rows
from tutor.practice.models import Activity
from tutor.responses.models import Response, ResponseKind
from tutor.responses.regrading import LearnerRegrade, regrades_of_learner
from tutor.responses.selectors import responses_of_learner
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
class WorkedExample:
    """A worked example, rendered."""

    title: str
    body: str
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LessonText:
    """A lesson, rendered."""

    lesson: Lesson
    body: str
    examples: tuple[WorkedExample, ...]


def lesson_text(lesson: Lesson, course: Course) -> LessonText:
    """Render a lesson's text and worked examples."""
    return LessonText(
        lesson=lesson,
        body=text_render(lesson.body, course_uuid=course.uuid),
        examples=tuple(
            WorkedExample(
                title=example.get("title", ""),
                body=text_render(example.get("body", ""), course_uuid=course.uuid),
                steps=tuple(
                    text_inline(step, course_uuid=course.uuid) for step in example.get("steps", [])
                ),
            )
            for example in lesson.worked_examples
        ),
    )


@dataclass(frozen=True, slots=True)
class ResponseRow:
    """An own response in words."""

    at: datetime
    problem: str
    answer_html: str
    outcome: str
    is_correct: bool


@dataclass(frozen=True, slots=True)
class SkillPage:
    """One skill for one learner."""

    row: SkillRow
    proposal: Proposal | None
    needs: tuple[SkillRow, ...]
    unlocks: tuple[SkillRow, ...]
    lessons: tuple[LessonText, ...]
    lesson_refs: tuple[LessonRef, ...]
    chart: BeliefChart | None
    forecast_p: float | None
    responses: tuple[ResponseRow, ...]
    has_more_responses: bool
    change: RoleChange | None
    belief_before: SkillBelief | None


def skill_page(learner: User, course: Course, skill: SkillNode, *, now: datetime) -> SkillPage:
    """Return a skill's lesson, belief over time, own responses and neighbours."""
    graph = course_graph(course)
    offer = offer_for(learner, course, now=now)
    rows = skill_rows(graph, offer.statuses, offer.beliefs)
    refs = graph.lessons_by_skill[skill.id]
    lessons = Lesson.objects.filter(pk__in=[ref.id for ref in refs]).order_by("order", "id")
    points = belief_history(
        learner, course, skill_id=skill.id, now=now, limit=60, days_ahead=FORECAST_DAYS
    )
    responses = list(
        responses_of_learner(learner, course, skill_id=skill.id).select_related(
            "step__problem", "revision"
        )[: RESPONSES_SHOWN + 1]
    )
    change = role_change(offer.beliefs.version, now=now)
    earlier = None if change is None else beliefs_before(learner, course, change, now=now)
    mine = [candidate for candidate in offer.candidates if candidate.skill_id == skill.id]
    return SkillPage(
        row=rows[skill.id],
        proposal=_proposal(mine[0], rows) if mine else None,
        needs=tuple(rows[other] for other in graph.parents[skill.id]),
        unlocks=tuple(rows[other] for other in graph.children[skill.id]),
        lessons=tuple(lesson_text(lesson, course) for lesson in lessons),
        lesson_refs=refs,
        chart=belief_chart(points),
        forecast_p=points[-1].p_correct if points else None,
        responses=_response_rows(responses[:RESPONSES_SHOWN], course),
        has_more_responses=len(responses) > RESPONSES_SHOWN,
        change=change,
        belief_before=None if earlier is None else earlier.of(skill.id),
    )


def _response_rows(responses: Sequence[Response], course: Course) -> tuple[ResponseRow, ...]:
    return tuple(
        ResponseRow(
            at=response.answered_at,
            problem=str(response.step.problem),
            answer_html=_answer_html(response, course),
            outcome=_outcome(response),
            is_correct=bool(getattr(response, "effective_is_correct", response.is_correct)),
        )
        for response in responses
    )


def _answer_html(response: Response, course: Course) -> str:
    """Return what was typed, or the words of what was picked, as they stood on the screen."""
    raw = response.raw_answer
    if not raw or response.revision is None or response.kind != ResponseKind.ANSWER:
        return conditional_escape(raw)
    problem = problem_document(response.revision, seed=response.variant_seed)
    step = next((step for step in problem.steps if step.key == response.step.key), None)
    if step is None or not step.choices or step.answer["kind"] == "matching":
        return conditional_escape(raw)
    texts = {choice["id"]: choice["text"] for choice in step.choices}
    picked = [texts[key] for key in ids_posted(raw) if key in texts]
    return format_html_join(
        "; ", "{}", ((text_inline(text, course_uuid=course.uuid),) for text in picked)
    )


def _outcome(response: Response) -> str:
    is_correct = bool(getattr(response, "effective_is_correct", response.is_correct))
    if response.kind == ResponseKind.HINT:
        return _("opened a hint")
    if response.kind == ResponseKind.DONT_KNOW:
        return _("did not know it yet")
    if response.kind == ResponseKind.SCAFFOLD:
        return _("helping question right") if is_correct else _("helping question not right")
    if not response.is_observation:
        return _("right, a later try") if is_correct else _("not right, a later try")
    return _("right") if is_correct else _("not right")
