"""What a learner sees of the step at hand: everything rendered, nothing left to look up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from tutor.content.documents import HintDocument, ProblemDocument, StepDocument, problem_document
from tutor.content.graph import CourseGraph, SkillNode, course_graph
from tutor.content.lessons import LessonText, lessons_of_skill
from tutor.content.models import Course
from tutor.content.showing import AnswerField, Renderer, answer_field
from tutor.grading.answers import answer_expected
from tutor.practice.models import Activity, Session
from tutor.practice.recording import activity_of, outcomes_recent
from tutor.responses.models import ResponseKind
from tutor.scheduling.selectors import recent_observations
from tutor.scheduling.services import Opening
from tutor.tracing.selectors import beliefs_of_learner


@dataclass(frozen=True, slots=True)
class HintView:
    """An opened hint; a scaffold carries its own field and what became of it."""

    key: str
    title: str
    html: str
    field: AnswerField | None = None
    is_solved: bool = False
    message_html: str = ""
    is_wrong: bool = False


@dataclass(frozen=True, slots=True)
class BeliefView:
    """P(correct now) with its 80 % interval and the number of observations behind it."""

    p_correct: float
    lower: float
    upper: float
    n_observations: int


@dataclass(frozen=True, slots=True)
class FeedbackView:
    """What the last answer to the step brought."""

    is_right: bool
    is_given_up: bool
    message_html: str
    answer_html: str
    solution_html: str
    mastered: tuple[SkillNode, ...] = ()
    n_opened: int = 0


@dataclass(frozen=True, slots=True)
class NextView:
    """What comes after this problem, and why; `skill` is None for the next step of it."""

    skill: SkillNode | None
    kind: str
    reason: str


@dataclass(frozen=True, slots=True)
class OpeningView:
    """What is read before the first step: a lesson that is new, or its worked examples again."""

    is_example: bool
    lessons: tuple[LessonText, ...]


@dataclass(frozen=True, slots=True)
class StepScreen:
    """A step on the screen. Every `*_html` is safe to show as it is."""

    session_uuid: UUID
    attempt_token: UUID
    course: Course
    skill: SkillNode | None
    reason: str
    title: str
    body_html: str
    prompt_html: str
    step_number: int
    n_steps: int
    field: AnswerField
    tries: int
    is_solved: bool
    hints: tuple[HintView, ...]
    n_hints_left: int
    feedback: FeedbackView | None
    belief: BeliefView | None
    belief_before: BeliefView | None
    recent: tuple[bool, ...]
    upcoming: NextView | None
    licence: str
    attribution: str
    opening: OpeningView | None = None

    @property
    def is_right_at_first(self) -> bool:
        """Whether the answer that counts was right: the first, and no hint before it."""
        is_right = self.feedback is not None and self.feedback.is_right
        return is_right and self.tries == 1 and not self.hints


def screen_build(
    session: Session, *, now: datetime, activity: Activity | None = None
) -> StepScreen | None:
    """Return the step at hand; None when nothing is on the screen (the sitting is done).

    A caller that has just changed the activity hands it over.
    """
    if activity is None:
        activity = activity_of(session)
    if activity is None:
        return None
    graph = course_graph(session.course)
    problem = problem_document(activity.revision, seed=activity.variant_seed)
    step = problem.steps[activity.step_index]
    html = Renderer(session.course)
    skill = _skill_in_view(activity, step, graph)
    return StepScreen(
        session_uuid=session.uuid,
        attempt_token=activity.attempt_token,
        course=session.course,
        skill=skill,
        reason=activity.reason,
        title=problem.title,
        body_html=html.block(problem.body),
        prompt_html=html.block(step.prompt),
        step_number=activity.step_index + 1,
        n_steps=len(problem.steps),
        field=answer_field(
            step.answer,
            step.choices,
            raw=activity.feedback.get("raw", ""),
            seed=activity.variant_seed,
            html=html,
        ),
        tries=activity.tries,
        is_solved=activity.is_solved,
        hints=_hints(step, activity, html),
        n_hints_left=sum(hint.key not in activity.hints_opened for hint in step.hints),
        feedback=_feedback(activity, step, html, graph),
        belief=_belief(session, activity, skill, now=now),
        belief_before=_belief_of(activity.feedback.get("before")),
        recent=_recent(session, activity, skill),
        upcoming=_upcoming(activity, problem, graph),
        licence=problem.licence,
        attribution=problem.attribution,
        opening=_opening(session.course, activity),
    )


def _opening(course: Course, activity: Activity) -> OpeningView | None:
    # An answer or a hint on another device says that the lesson was left behind.
    is_begun = activity.is_observed or activity.is_solved or activity.step_index > 0
    if not activity.opening or activity.opening_read_at or is_begun:
        return None
    lessons = lessons_of_skill(course, activity.skill_id_aim or 0)
    if not lessons:
        return None
    return OpeningView(is_example=activity.opening == Opening.EXAMPLE, lessons=lessons)


def _skill_in_view(activity: Activity, step: StepDocument, graph: CourseGraph) -> SkillNode | None:
    """Return the skill that the plan aims at if the step has it, else the step's first."""
    ref = graph.step_of_key.get(step.key)
    skills: Sequence[int] = ref.skill_ids if ref else ()
    if activity.skill_id_aim in skills:
        return graph.skill_of.get(activity.skill_id_aim or 0)
    return graph.skill_of.get(skills[0]) if skills else None


def _hints(step: StepDocument, activity: Activity, html: Renderer) -> tuple[HintView, ...]:
    written = {hint.key: hint for hint in step.hints}
    said = activity.feedback.get("scaffolds", {})
    return tuple(
        _hint(
            written[key],
            said.get(key, {}),
            is_solved=key in activity.scaffolds_solved,
            seed=activity.variant_seed,
            html=html,
        )
        for key in activity.hints_opened
        if key in written
    )


def _hint(
    hint: HintDocument, said: Mapping[str, Any], *, is_solved: bool, seed: int, html: Renderer
) -> HintView:
    field = None
    if hint.answer is not None:
        field = answer_field(
            hint.answer, hint.choices, raw=said.get("raw", ""), seed=seed, html=html
        )
    return HintView(
        key=hint.key,
        title=hint.title,
        html=html.block(hint.text),
        field=field,
        is_solved=is_solved,
        message_html=html.inline(said.get("message", "")),
        is_wrong=bool(said) and not said.get("is_right"),
    )


def _feedback(
    activity: Activity, step: StepDocument, html: Renderer, graph: CourseGraph
) -> FeedbackView | None:
    said = activity.feedback
    if "kind" not in said:
        return None
    is_over = activity.is_solved
    return FeedbackView(
        is_right=bool(said["is_right"]),
        is_given_up=said["kind"] == ResponseKind.DONT_KNOW,
        message_html=html.inline(said["message"]),
        answer_html=html.inline(answer_expected(step.answer, step.choices)) if is_over else "",
        solution_html=html.block(step.solution or _from_hints(step)) if is_over else "",
        mastered=tuple(
            graph.skill_of[skill] for skill in said.get("mastered", ()) if skill in graph.skill_of
        ),
        n_opened=said.get("n_opened", 0),
    )


def _from_hints(step: StepDocument) -> str:
    """Stand in for a worked solution that the author did not write: the hints, one by one."""
    return "\n\n".join(hint.text for hint in step.hints if hint.text)


def _belief(
    session: Session, activity: Activity, skill: SkillNode | None, *, now: datetime
) -> BeliefView | None:
    if skill is None:
        return None
    said = activity.feedback
    if said.get("after") and said.get("skill_id") == skill.id:
        return _belief_of(said["after"])
    belief = beliefs_of_learner(session.learner, session.course, now=now).of(skill.id)
    return BeliefView(
        p_correct=belief.p_correct,
        lower=belief.lower,
        upper=belief.upper,
        n_observations=belief.n_observations,
    )


def _belief_of(said: Mapping[str, Any] | None) -> BeliefView | None:
    if not said:
        return None
    return BeliefView(
        p_correct=said["p_correct"],
        lower=said["lower"],
        upper=said["upper"],
        n_observations=said["n_observations"],
    )


def _recent(session: Session, activity: Activity, skill: SkillNode | None) -> tuple[bool, ...]:
    """Return the newest observations of the skill, oldest first: was each right."""
    if skill is None:
        return ()
    said = activity.feedback
    if "recent" in said and said.get("skill_id") == skill.id:
        return tuple(said["recent"])
    return tuple(outcomes_recent(recent_observations(session.learner, session.course), skill.id))


def _upcoming(activity: Activity, problem: ProblemDocument, graph: CourseGraph) -> NextView | None:
    if not activity.is_solved:
        return None
    if activity.step_index + 1 < len(problem.steps):
        return NextView(skill=None, kind="step", reason=_("This problem has another step."))
    said = activity.feedback.get("next")
    if said is None:
        return None
    return NextView(
        skill=graph.skill_of.get(said["skill_id"]), kind=said["kind"], reason=said["reason"]
    )
