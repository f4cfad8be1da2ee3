"""How an activity begins: the stored plan, what is read first, and the first step."""

from datetime import datetime
from typing import Any
from uuid import UUID

from tutor.content.graph import course_graph
from tutor.practice.answers import responses_on_skill
from tutor.practice.models import Activity, Session
from tutor.responses.models import Response, ResponseSource
from tutor.scheduling.placement import PlacementConfig
from tutor.scheduling.services import (
    Offer,
    OfferedCandidate,
    Opening,
    plan_record,
    target_choose,
)

# How often a placement may ask for one skill.
PLACEMENT_MOST = PlacementConfig().most_of_a_skill


def activity_plan(session: Session, offer: Offer, *, taken: int, now: datetime) -> dict[str, Any]:
    """Record the decision, and return what an activity needs to begin with it."""
    candidate = offer.candidates[taken]
    graph = course_graph(session.course)
    target = target_choose(offer, graph, candidate.skill_id)
    plan = plan_record(
        session.learner,
        session.course,
        offer,
        taken=taken,
        target=target,
        session_uuid=session.uuid,
        now=now,
    )
    return {
        "plan": str(plan.uuid),
        "skill_id": candidate.skill_id,
        "kind": candidate.kind,
        "reason": candidate.reason,
        "opening": _opening(session, offer, candidate),
        "revision_id": target.step.revision_id,
        "variant_seed": target.variant_seed,
    }


def _opening(session: Session, offer: Offer, candidate: OfferedCandidate) -> str:
    """Return what is read first; a skill that only a placement asked for is new all the same."""
    n_asked = offer.beliefs.of(candidate.skill_id).n_observations
    lessons = course_graph(session.course).lessons_by_skill[candidate.skill_id]
    if candidate.opening or not lessons or not 0 < n_asked <= PLACEMENT_MOST:
        return candidate.opening.value
    told = Response.objects.filter(
        learner=session.learner, course=session.course, is_observation=True
    ).exclude(source=ResponseSource.PLACEMENT)
    is_practised = responses_on_skill(told, candidate.skill_id).exists()
    return (Opening.NONE if is_practised else Opening.LESSON).value


def activity_begin(session: Session, upcoming: dict[str, Any], *, now: datetime) -> Activity:
    """Put what was planned on the screen."""
    return Activity.objects.create(
        session=session,
        revision_id=upcoming["revision_id"],
        plan_uuid=UUID(upcoming["plan"]),
        skill_id_aim=upcoming["skill_id"],
        reason=upcoming["reason"],
        # Planned before there were openings: an activity that was under way then has none.
        opening=upcoming.get("opening", ""),
        variant_seed=upcoming["variant_seed"],
        step_shown_at=now,
        started_at=now,
        feedback={},
    )


def opening_read(session: Session, *, attempt_token: UUID, now: datetime) -> None:
    """Go on from the lesson to the first step, whose time begins now. Twice changes nothing."""
    Activity.objects.filter(
        session=session, finished_at=None, attempt_token=attempt_token, opening_read_at=None
    ).exclude(opening="").update(opening_read_at=now, step_shown_at=now)
