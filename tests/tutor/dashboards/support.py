"""Histories for the teacher pages' tests: responses in the log, states rebuilt from it."""

from collections.abc import Iterable
from datetime import datetime
from uuid import uuid4

from django.db import transaction

from tests.world import World
from tutor.accounts.models import Role, User
from tutor.accounts.services import account_create
from tutor.content.models import Step
from tutor.responses.models import Response, ResponseKind
from tutor.roster.services import classroom_join
from tutor.tracing.services import state_rebuild, tracing_hold


def respond(
    world: World,
    learner: User,
    skill: str,
    outcomes: Iterable[bool],
    *,
    at: datetime,
    kind: str = ResponseKind.ANSWER,
    is_observation: bool = True,
    raw_answer: str = "7",
) -> list[Response]:
    """Put responses to a step of a skill into the log, all at one moment, in order."""
    step = Step.objects.get(course=world.course, key=f"{skill}2a")
    return [
        Response.objects.create(
            learner=learner,
            course=world.course,
            step=step,
            skill_ids=[world.skills[skill].pk],
            session_uuid=uuid4(),
            kind=kind,
            is_observation=is_observation,
            is_correct=outcome,
            raw_answer=raw_answer,
            elapsed_ms=30_000,
            answered_at=at,
            recorded_at=at,
        )
        for outcome in outcomes
    ]


def trace(world: World, *learners: User, now: datetime) -> None:
    """Bring the learners' states up to the log."""
    for learner in learners:
        with transaction.atomic():
            state = tracing_hold(learner, world.course, now=now).state
        state_rebuild(state.pk, now=now)


def classmates(world: World, n: int, *, now: datetime) -> list[User]:
    """Add learners to the class."""
    people = []
    for number in range(n):
        person = account_create(
            username=f"mate{number}", display_name=f"Mate {number:02}", role=Role.LEARNER
        )
        classroom_join(person, join_code=world.classroom.join_code, now=now)
        people.append(person)
    return people
