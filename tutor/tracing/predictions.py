"""What the prediction role is for: P(correct) of the steps that could come next.

A worker asks the model after each answer and keeps what it says beside the state; a page reads that
with one query and never waits for it, nor loads what the model needs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from tutor.accounts.models import User
from tutor.common.clock import days_since_epoch
from tutor.content.graph import CourseGraph, StepRef, course_graph
from tutor.content.models import Course
from tutor.responses.models import Response
from tutor.tracing import engine
from tutor.tracing.models import LearnerState, ModelRole, ModelVersion, VersionStatus

# The answer at hand is not in the state yet: its own worker comes after it.
LATE_MOST = 1
# A course of thousands of steps would take seconds for each answer: what is near comes first.
STEPS_MOST = 600
RECENT = 20
_KEPT = np.dtype([("step", "<u4"), ("p", "<f2")])


def forecasts_of_learner(
    learner: User, course: Course, *, newest: Sequence[int]
) -> dict[int, float]:
    """Return P(correct) of steps that could come next, by step (one query).

    `newest` are the numbers of the learner's newest observations. Empty where no version serves the
    role, where the state is more than one of them late, or where it is being rebuilt: whoever asks
    goes by the mastery belief then.
    """
    state = (
        LearnerState.objects.filter(
            learner=learner,
            version__course=course,
            version__role=ModelRole.PREDICTION,
            version__status=VersionStatus.SERVING,
            is_stale=False,
        )
        .only("forecasts", "last_response_id")
        .first()
    )
    if state is None or sum(pk > state.last_response_id for pk in newest) > LATE_MOST:
        return {}
    kept = np.frombuffer(bytes(state.forecasts), dtype=_KEPT)
    return dict(zip(kept["step"].tolist(), kept["p"].astype(float).tolist(), strict=True))


@dataclass(frozen=True, slots=True)
class StepForecasts:
    """What the version that serves the prediction role said after a learner's last answer.

    `last_response_id` is the newest response that it knew.
    """

    learner_id: int
    version: ModelVersion
    made_at: datetime
    last_response_id: int
    step_ids: tuple[int, ...]
    p_correct: NDArray[np.float64]


def forecasts_of_learners(learner_ids: Sequence[int], course: Course) -> dict[int, StepForecasts]:
    """Return the kept forecasts of many learners, of those who have some (one query)."""
    states = LearnerState.objects.filter(
        learner_id__in=learner_ids,
        version__course=course,
        version__role=ModelRole.PREDICTION,
        version__status=VersionStatus.SERVING,
        is_stale=False,
    )
    found = {}
    for state in states.select_related("version").defer("blob", "version__metrics"):
        kept = np.frombuffer(bytes(state.forecasts), dtype=_KEPT)
        found[state.learner_id] = StepForecasts(
            learner_id=state.learner_id,
            version=state.version,
            made_at=state.updated_at,
            last_response_id=state.last_response_id,
            step_ids=tuple(kept["step"].tolist()),
            p_correct=kept["p"].astype(np.float64),
        )
    return found


def forecasts_make(
    version: ModelVersion, blob: engine.Blob, *, learner_id: int, at: datetime
) -> bytes:
    """Ask the model of the steps that could come next; return its answers as they are kept.

    Raises:
        KTModelsError: when the version cannot be asked.
    """
    steps = _steps_near(course_graph(version.course), _skills_recent(version, learner_id))
    kept = np.empty(len(steps), dtype=_KEPT)
    kept["step"] = [step.step_id for step in steps]
    kept["p"] = engine.steps_score(
        version,
        blob,
        [(step.key, step.skill_ids) for step in steps],
        at_days=days_since_epoch(at),
    )
    return kept.tobytes()


def _skills_recent(version: ModelVersion, learner_id: int) -> list[int]:
    rows = (
        Response.objects.filter(
            learner_id=learner_id, course_id=version.course_id, is_observation=True
        )
        .order_by("-answered_at", "-id")
        .values_list("skill_ids", flat=True)[:RECENT]
    )
    return [skill for skill_ids in rows for skill in skill_ids]


def _steps_near(graph: CourseGraph, recent: Sequence[int]) -> list[StepRef]:
    """Return steps in the order of how likely they are next: of recent skills, of what they lead to
    and need, then of all others.
    """
    known = [skill for skill in dict.fromkeys(recent) if skill in graph.steps_by_skill]
    around = [
        neighbour
        for skill in known
        for neighbour in (*graph.children[skill], *graph.parents[skill])
    ]
    found: dict[int, StepRef] = {}
    for skill in dict.fromkeys([*known, *around, *graph.skill_ids]):
        for step in graph.steps_by_skill[skill]:
            found.setdefault(step.step_id, step)
        if len(found) >= STEPS_MOST:
            break
    return list(found.values())[:STEPS_MOST]
