"""What a model expects of practice that has not happened: futures drawn from the model itself.

Nothing is written down: states are rolled forward in memory, answer by answer, each answer drawn
with the chance that the model gives it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tutor.tracing import engine
from tutor.tracing.models import ModelVersion


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """A step of one skill that is to be practised at a time, in days since the epoch."""

    skill_id: int
    at_days: float


@dataclass(frozen=True, slots=True, eq=False)
class Futures:
    """Beliefs at the end: arrays (n_futures, n_learners, n_skills)."""

    p_correct: NDArray[np.float64]
    p_mastery: NDArray[np.float64]


def rehearse(
    version: ModelVersion,
    blobs: Sequence[engine.Blob | None],
    steps: Sequence[PlannedStep],
    *,
    skill_ids: Sequence[int],
    at_days: float,
    n_futures: int,
    rng: np.random.Generator,
) -> Futures:
    """Roll every learner's state through the steps, `n_futures` times, and look at `at_days`.

    A blob of None is a learner's beginning. Steps must be in order of time, none before the
    learners' last answers.

    Raises:
        KTModelsError: when the version cannot be loaded, or a state lies ahead of the steps.
    """
    model = engine.tracer(version)
    skills = [str(skill) for skill in skill_ids]
    asked = [(str(step.skill_id), step.at_days) for step in steps]
    ends = []
    for blob in blobs:
        begin = model.init_state() if blob is None else model.load_state(bytes(blob))
        for _future in range(n_futures):
            state = begin
            for (skill, at), draw in zip(asked, rng.random(len(asked)), strict=True):
                p_correct = model.predict_next(state, (skill,), item=None, at=at)
                state = model.update(
                    state,
                    engine.Observation(
                        skills=(skill,), item=None, is_correct=bool(draw < p_correct), at=at
                    ),
                )
            ends.append(state)
    beliefs = model.forecast_many(ends, skills, at=at_days)
    shape = (len(blobs), n_futures, len(skills))
    return Futures(
        p_correct=beliefs.p_correct.reshape(shape).transpose(1, 0, 2),
        p_mastery=beliefs.p_mastery.reshape(shape).transpose(1, 0, 2),
    )
