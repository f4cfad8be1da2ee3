"""Beliefs and forecasts as rows for the API: asked of the model for some learners at a time."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import QuerySet

from tutor.accounts.models import User
from tutor.content.models import Course, Step
from tutor.responses.rows import skill_keys
from tutor.tracing.predictions import forecasts_of_learners
from tutor.tracing.selectors import beliefs_of_learners

LEARNERS_AT_A_TIME = 50
# More digits would be noise.
DIGITS = 6


class BeliefRow(NamedTuple):
    """One belief of one learner, with the version that it comes from."""

    learner: UUID
    skill: str
    p_correct: float
    lower: float
    upper: float
    p_mastery: float
    n_observations: int
    has_evidence: bool
    last_at: datetime | None
    at: datetime
    model_name: str
    model_version: UUID


def beliefs_documents(
    learners: Sequence[User], course: Course, *, now: datetime
) -> list[dict[str, Any]]:
    """Return each learner's beliefs as the API answers them (three queries)."""
    keys = skill_keys(course)
    many = beliefs_of_learners(learners, course, now=now)
    documents = []
    for row, learner in enumerate(learners):
        beliefs = many.of_row(row)
        skills = []
        for skill_id in beliefs.skill_ids:
            belief = beliefs.of(skill_id)
            skills.append(
                {
                    "skill": keys[skill_id],
                    "p_correct": round(belief.p_correct, DIGITS),
                    "lower": round(belief.lower, DIGITS),
                    "upper": round(belief.upper, DIGITS),
                    "p_mastery": round(belief.p_mastery, DIGITS),
                    "n_observations": belief.n_observations,
                    "has_evidence": belief.has_evidence,
                    "last_at": belief.last_at,
                }
            )
        documents.append(
            {
                "learner": learner.uuid,
                "at": beliefs.at,
                "version": beliefs.version,
                "is_fallback": beliefs.is_fallback,
                "skills": skills,
            }
        )
    return documents


def beliefs_stream(
    learners: QuerySet[User], course: Course, *, now: datetime
) -> Iterator[BeliefRow]:
    """Yield the beliefs of any number of learners, some of them in memory at a time."""
    left = learners.order_by("id").iterator(LEARNERS_AT_A_TIME)
    while some := list(islice(left, LEARNERS_AT_A_TIME)):
        for document in beliefs_documents(some, course, now=now):
            version = document["version"]
            for skill in document["skills"]:
                yield BeliefRow(
                    learner=document["learner"],
                    at=document["at"],
                    model_name=version.model_name,
                    model_version=version.uuid,
                    **skill,
                )


def forecasts_documents(learners: Sequence[User], course: Course) -> list[dict[str, Any]]:
    """Return what the prediction role said of each learner's next steps (two queries)."""
    found = forecasts_of_learners([learner.pk for learner in learners], course)
    step_ids = {step for forecasts in found.values() for step in forecasts.step_ids}
    keys = dict(Step.objects.filter(course=course, pk__in=step_ids).values_list("pk", "key"))
    documents: list[dict[str, Any]] = []
    for learner in learners:
        forecasts = found.get(learner.pk)
        steps = []
        if forecasts is not None:
            steps = [
                {"step": keys[step], "p_correct": round(p, DIGITS)}
                for step, p in zip(forecasts.step_ids, forecasts.p_correct.tolist(), strict=True)
                if step in keys
            ]
        documents.append(
            {
                "learner": learner.uuid,
                "version": forecasts.version if forecasts else None,
                "made_at": forecasts.made_at if forecasts else None,
                "last_response": forecasts.last_response_id if forecasts else None,
                "steps": steps,
            }
        )
    return documents
