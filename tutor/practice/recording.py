"""Recording a deed: the response, the belief it moves, and what is next, in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.utils.translation import gettext as _

from tutor.common.outbox import outbox_add
from tutor.content.documents import HintDocument, ProblemDocument, StepDocument, problem_document
from tutor.content.graph import CourseGraph, course_graph
from tutor.content.models import Step
from tutor.practice.beginning import activity_plan
from tutor.practice.models import Activity, Session, SessionKind
from tutor.responses.models import Response, ResponseKind, ResponseSource
from tutor.responses.services import Given, response_record
from tutor.scheduling.models import SkillStanding
from tutor.scheduling.selectors import (
    PastObservation,
    recent_observations,
    standings_of_learner,
)
from tutor.scheduling.services import (
    offer_from,
    plan_link,
    standings_refresh,
    step_forecasts,
)
from tutor.tracing.selectors import LearnerBeliefs, SkillBelief, beliefs_of_state
from tutor.tracing.services import RECORDED_TOPIC, observation_apply, tracing_hold

# How exactly a sitting knows when it was last active; it ends after hours.
ACTIVE_GRAIN = timedelta(minutes=1)
# How many recent outcomes of a skill a page shows.
RECENT_SHOWN = 8
SOURCE_OF = {
    SessionKind.PRACTICE: ResponseSource.PRACTICE,
    SessionKind.PLACEMENT: ResponseSource.PLACEMENT,
}
ADVANCED_FIELDS = (
    "tries",
    "is_observed",
    "is_solved",
    "hints_opened",
    "scaffolds_solved",
    "feedback",
)


class Deed(StrEnum):
    """How a learner's deed ended."""

    RECORDED = "recorded"
    REPEATED = "repeated"
    UNREADABLE = "unreadable"
    OUTDATED = "outdated"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a deed. `message` (Markdown) says why, where nothing was recorded.

    `activity` is what is on the screen after it, where that is known without another look.
    """

    deed: Deed
    message: str = ""
    activity: Activity | None = None


def activity_of(session: Session) -> Activity | None:
    """Return what is on the screen of a sitting; None when it is done or over."""
    return (
        Activity.objects.select_related("revision")
        .filter(session=session, finished_at=None)
        .first()
    )


@dataclass(frozen=True, slots=True)
class Scene:
    """The step at hand, read before anything is locked."""

    activity: Activity
    problem: ProblemDocument
    step: StepDocument


def scene_of(session: Session) -> Scene | None:
    activity = activity_of(session)
    if activity is None:
        return None
    problem = problem_document(activity.revision, seed=activity.variant_seed)
    return Scene(activity=activity, problem=problem, step=problem.steps[activity.step_index])


def late(session: Session, attempt_token: UUID) -> Outcome:
    """Tell a re-sent form (recorded once already) from one whose step has gone."""
    if Response.objects.filter(session_uuid=session.uuid, attempt_token=attempt_token).exists():
        return Outcome(Deed.REPEATED)
    return Outcome(
        Deed.OUTDATED,
        _("This question was answered or left on another page, so nothing was recorded now."),
    )


def deed_record(
    session: Session,
    scene: Scene,
    *,
    kind: ResponseKind,
    is_right: bool,
    attempt_token: UUID,
    elapsed_ms: int | None,
    now: datetime,
    raw_answer: str = "",
    misconception: str = "",
    message: str = "",
    hint: HintDocument | None = None,
) -> Outcome:
    activity, fresh_token = scene.activity, uuid4()
    with transaction.atomic():
        # Every deed changes the token, so whoever changes it from the one that the scene was read
        # with holds the row, and the scene is still what the row says.
        held = Activity.objects.filter(pk=activity.pk, attempt_token=attempt_token)
        if not held.update(attempt_token=fresh_token):
            return late(session, attempt_token)
        activity.attempt_token = fresh_token
        course, learner = session.course, session.learner
        graph = course_graph(course)
        step, skill_ids = _step_row(graph, scene)
        tracing = tracing_hold(learner, course, now=now)
        before = beliefs_of_state(tracing.state, version=tracing.version, course=course, now=now)
        response = response_record(
            learner,
            Given(
                course_id=course.pk,
                step_id=step.pk,
                revision_id=activity.revision_id,
                skill_ids=skill_ids,
                session_uuid=session.uuid,
                attempt_token=attempt_token,
                kind=kind,
                is_right=is_right,
                raw_answer=raw_answer,
                misconception=misconception,
                hint_key=hint.key if hint else "",
                variant_seed=activity.variant_seed,
                try_number=activity.tries + 1,
                hints_opened=len(activity.hints_opened),
                elapsed_ms=_elapsed(activity, elapsed_ms, now=now),
                source=SOURCE_OF[SessionKind(session.kind)],
                plan_uuid=activity.plan_uuid,
                model_version_uuid=tracing.version.uuid,
            ),
            is_step_observed=activity.is_observed,
            answered_at=now,
            now=now,
        )
        observation_apply(tracing, response, step=step, now=now)
        beliefs, standings = before, None
        observations = recent_observations(learner, course)
        if response.is_observation:
            beliefs = beliefs_of_state(
                tracing.state, version=tracing.version, course=course, now=now
            )
            # A question of a placement opens nothing; the placement's end does.
            if session.kind == SessionKind.PRACTICE:
                standings = standings_refresh(
                    learner,
                    course,
                    graph=graph,
                    beliefs=beliefs,
                    tracing=tracing,
                    touched=skill_ids,
                    is_right=response.is_correct,
                    now=now,
                )
            plan_link(activity.plan_uuid, response)
        is_solved = _activity_advance(
            activity,
            kind=kind,
            is_right=is_right,
            message=message,
            raw_answer=raw_answer,
            hint=hint,
        )
        if response.is_observation:
            activity.is_observed = True
            activity.feedback |= _change(activity, before, beliefs, skill_ids)
            activity.feedback |= _mastered(standings or {}, graph, skill_ids, now=now)
            activity.feedback["recent"] = outcomes_recent(
                observations, activity.feedback.get("skill_id")
            )
        is_last_step = activity.step_index + 1 == len(scene.problem.steps)
        if is_solved and is_last_step and session.kind == SessionKind.PRACTICE:
            activity.feedback["next"] = _plan_next(
                session,
                graph=graph,
                beliefs=beliefs,
                standings=standings,
                observations=observations,
                now=now,
            )
        activity.save(update_fields=ADVANCED_FIELDS)
        if now - session.last_active_at >= ACTIVE_GRAIN:
            Session.objects.filter(pk=session.pk).update(last_active_at=now)
        if response.is_observation:
            outbox_add(RECORDED_TOPIC, {"response_id": response.pk}, now=now)
    return Outcome(Deed.RECORDED, activity=activity)


def _step_row(graph: CourseGraph, scene: Scene) -> tuple[Step, Sequence[int]]:
    """Return the step and its skills: from the graph, or from its row when it was retired since."""
    ref = graph.step_of_key.get(scene.step.key)
    if ref is not None:
        return Step(pk=ref.step_id, key=ref.key), ref.skill_ids
    step = Step.objects.get(course_id=graph.course_id, key=scene.step.key)
    return step, list(step.skills.values_list("pk", flat=True))


def _elapsed(activity: Activity, elapsed_ms: int | None, *, now: datetime) -> int:
    """Return the time on the step; the browser's word only where the server's clock allows it."""
    served_ms = max(int((now - activity.step_shown_at).total_seconds() * 1000), 0)
    return served_ms if elapsed_ms is None else min(max(elapsed_ms, 0), served_ms)


def _activity_advance(
    activity: Activity,
    *,
    kind: ResponseKind,
    is_right: bool,
    message: str,
    raw_answer: str,
    hint: HintDocument | None,
) -> bool:
    """Move the activity on by a deed; return whether the step is over."""
    feedback = {
        name: value
        for name, value in activity.feedback.items()
        if name in {"before", "after", "skill_id", "recent", "scaffolds"}
    }
    if kind == ResponseKind.SCAFFOLD and hint is not None:
        scaffolds = feedback.setdefault("scaffolds", {})
        scaffolds[hint.key] = {"is_right": is_right, "message": message, "raw": raw_answer}
        if is_right and hint.key not in activity.scaffolds_solved:
            activity.scaffolds_solved.append(hint.key)
    elif kind == ResponseKind.HINT and hint is not None:
        activity.hints_opened.append(hint.key)
    else:
        activity.tries += kind == ResponseKind.ANSWER
        activity.is_solved = is_right or kind == ResponseKind.DONT_KNOW
        feedback |= {
            "kind": kind.value,
            "is_right": is_right,
            "message": message,
            "raw": raw_answer,
        }
    activity.feedback = feedback
    return activity.is_solved


def _change(
    activity: Activity,
    before: LearnerBeliefs,
    after: LearnerBeliefs,
    skill_ids: Sequence[int],
) -> dict[str, Any]:
    """Return how the belief of the skill in view moved, as the page shows it."""
    in_view = [skill for skill in (activity.skill_id_aim, *skill_ids) if skill in after.row_of]
    shown = next((skill for skill in in_view if skill in skill_ids), None)
    if shown is None:
        return {}
    return {
        "skill_id": shown,
        "before": _belief_dict(before.of(shown)),
        "after": _belief_dict(after.of(shown)),
    }


def _mastered(
    standings: Mapping[int, SkillStanding],
    graph: CourseGraph,
    skill_ids: Sequence[int],
    *,
    now: datetime,
) -> dict[str, Any]:
    """Return which of the step's skills this answer mastered, and how many skills that opened."""
    mastered = [
        skill
        for skill in skill_ids
        if skill in standings
        and standings[skill].is_mastered
        and standings[skill].mastered_at == now
    ]
    follow = {child for skill in mastered for child in graph.children.get(skill, ())}
    opened = [child for child in follow if child in standings and standings[child].opened_at == now]
    return {"mastered": mastered, "n_opened": len(opened)} if mastered else {}


def outcomes_recent(observations: Sequence[PastObservation], skill_id: int | None) -> list[bool]:
    """Return whether each of the skill's newest observations was right, oldest first."""
    right = [row.is_correct for row in observations if skill_id in row.skill_ids]
    return right[:RECENT_SHOWN][::-1]


def _belief_dict(belief: SkillBelief) -> dict[str, Any]:
    values = asdict(belief)
    values.pop("last_at")
    return values


def _plan_next(
    session: Session,
    *,
    graph: CourseGraph,
    beliefs: LearnerBeliefs,
    standings: dict[int, SkillStanding] | None,
    observations: Sequence[PastObservation],
    now: datetime,
) -> dict[str, Any] | None:
    learner, course = session.learner, session.course
    offer = offer_from(
        learner,
        course,
        graph=graph,
        beliefs=beliefs,
        standings=standings_of_learner(learner, graph) if standings is None else standings,
        observations=observations,
        now=now,
        forecasts=step_forecasts(learner, course, observations),
    )
    if offer.drawn is None:
        return None
    return activity_plan(session, offer, taken=offer.drawn, now=now)
