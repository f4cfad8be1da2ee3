"""What the online halves of the models share: what an observation must be, and counted beliefs."""

from collections.abc import Mapping, Sequence
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from kt_models.bkt.interval import beta_interval
from kt_models.errors import DataError
from kt_models.protocol import Beliefs, Observation

# A point model says nothing of its own uncertainty: the interval of its forecast is that of a Beta
# worth this many answers before the first one, and never more than the cap.
_PRIOR_ANSWERS = 4.0
_CAPPED_ANSWERS = 40.0

Seen = Mapping[str, tuple[int, float]]
"""Of every practised skill: how many responses, and the time of the last one."""


def check_observation(observation: Observation, *, last_at: float) -> None:
    """Refuse no skills, a skill named twice, and a time that is no number or goes backwards.

    Raises: DataError.
    """
    skills, at = observation.skills, observation.at
    if not skills or len(set(skills)) != len(skills):
        raise DataError(f"an observation needs one skill or more, each once; got {skills}")
    if not isfinite(at):
        raise DataError(f"observation has time {at}, expected a finite number")
    if at < last_at:
        raise DataError(
            f"observation of {', '.join(skills)} at {at} is earlier than the learner's last one "
            f"at {last_at}; expected {last_at} or later: rebuild the state from the log"
        )


def seen_after(seen: Seen, observation: Observation) -> Seen:
    """Return the counts after one more response."""
    after = dict(seen)
    for skill in observation.skills:
        after[skill] = (after.get(skill, (0, 0.0))[0] + 1, observation.at)
    return after


def counted_beliefs(
    p_correct: NDArray[np.float64], seen: Sequence[Seen], skills: Sequence[str]
) -> Beliefs:
    """Return (n_learners, n_skills) beliefs around p_correct, surer the more was seen.

    Mastery is P(correct), for want of a latent one.
    """
    never = (0, float("nan"))
    rows = [[one.get(skill, never) for skill in skills] for one in seen]
    shape = (len(seen), len(skills))
    counts = np.array([[n for n, _ in row] for row in rows], dtype=np.int64).reshape(shape)
    last_at = np.array([[last for _, last in row] for row in rows], dtype=np.float64)
    lower, upper = beta_interval(p_correct, np.minimum(_PRIOR_ANSWERS + counts, _CAPPED_ANSWERS))
    return Beliefs(
        p_correct=p_correct,
        p_mastery=p_correct.copy(),
        lower=lower,
        upper=upper,
        n_observations=counts,
        last_at=last_at.reshape(shape),
    )
