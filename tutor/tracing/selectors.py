"""Beliefs: always computed from states at a moment, never stored."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

import numpy as np
from django.db.models import QuerySet
from numpy.typing import NDArray

from tutor.accounts.models import User
from tutor.common.clock import DAY_SECONDS, days_since_epoch
from tutor.content.graph import course_graph
from tutor.content.models import Course
from tutor.tracing import engine
from tutor.tracing.models import LearnerState, ModelRole, ModelVersion, VersionStatus
from tutor.tracing.services import version_serving

logger = logging.getLogger(__name__)

# With fewer observations a page says "not enough evidence" instead of a number.
EVIDENCE_MIN = 3
# All of a version but its back-test, which is large.
VERSION_FIELDS = tuple(
    field.attname for field in ModelVersion._meta.concrete_fields if field.name != "metrics"
)


@dataclass(frozen=True, slots=True)
class SkillBelief:
    """What the serving model believes of one skill: P(correct now) with its 80 % interval."""

    skill_id: int
    p_correct: float
    p_mastery: float
    lower: float
    upper: float
    n_observations: int
    last_at: datetime | None

    @property
    def has_evidence(self) -> bool:
        """Whether there are enough observations to show a number."""
        return self.n_observations >= EVIDENCE_MIN


def moment_of(days: float) -> datetime | None:
    """Return the moment of a time in days since the epoch; None for NaN, which means never."""
    return None if np.isnan(days) else datetime.fromtimestamp(days * DAY_SECONDS, tz=UTC)


@dataclass(frozen=True, eq=False)
class LearnerBeliefs:
    """One learner's beliefs; arrays (n_skills,) in the order of `skill_ids`.

    `is_fallback`: the version could not be asked, so they are those of a learner never seen.
    """

    version: ModelVersion
    at: datetime
    skill_ids: tuple[int, ...]
    p_correct: NDArray[np.float64]
    p_mastery: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    n_observations: NDArray[np.int64]
    last_at_days: NDArray[np.float64]
    is_fallback: bool = False

    @cached_property
    def row_of(self) -> dict[int, int]:
        """Where each skill stands in the arrays."""
        return {skill_id: row for row, skill_id in enumerate(self.skill_ids)}

    def of(self, skill_id: int) -> SkillBelief:
        """Return one skill's belief. Raises: KeyError for a skill that is not in the course."""
        row = self.row_of[skill_id]
        return SkillBelief(
            skill_id=skill_id,
            p_correct=float(self.p_correct[row]),
            p_mastery=float(self.p_mastery[row]),
            lower=float(self.lower[row]),
            upper=float(self.upper[row]),
            n_observations=int(self.n_observations[row]),
            last_at=moment_of(float(self.last_at_days[row])),
        )


@dataclass(frozen=True, eq=False)
class ClassBeliefs:
    """Many learners' beliefs; arrays (n_learners, n_skills)."""

    version: ModelVersion
    at: datetime
    learner_ids: tuple[int, ...]
    skill_ids: tuple[int, ...]
    p_correct: NDArray[np.float64]
    p_mastery: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    n_observations: NDArray[np.int64]
    last_at_days: NDArray[np.float64]
    is_fallback: bool = False

    def of_row(self, row: int) -> LearnerBeliefs:
        """Return the beliefs of the learner in a row."""
        return LearnerBeliefs(
            version=self.version,
            at=self.at,
            skill_ids=self.skill_ids,
            p_correct=self.p_correct[row],
            p_mastery=self.p_mastery[row],
            lower=self.lower[row],
            upper=self.upper[row],
            n_observations=self.n_observations[row],
            last_at_days=self.last_at_days[row],
            is_fallback=self.is_fallback,
        )


def beliefs_of_blobs(
    version: ModelVersion,
    blobs: Sequence[engine.Blob | None],
    *,
    learner_ids: Sequence[int],
    skill_ids: Sequence[int],
    now: datetime,
) -> ClassBeliefs:
    """Return the beliefs of states at hand, without a query."""
    is_fallback = False
    try:
        beliefs = engine.forecast(version, blobs, skill_ids, at_days=days_since_epoch(now))
    except engine.KTModelsError:
        # The page still comes: with nothing known, wide intervals, and "not enough evidence".
        # `versions_check` goes back to a version that works within a minute.
        logger.exception("version %s cannot forecast", version.pk)
        is_fallback = True
        beliefs = engine.forecast_unknown(len(blobs), skill_ids, at_days=days_since_epoch(now))
    return ClassBeliefs(
        version=version,
        at=now,
        learner_ids=tuple(learner_ids),
        skill_ids=tuple(skill_ids),
        p_correct=beliefs.p_correct,
        p_mastery=beliefs.p_mastery,
        lower=beliefs.lower,
        upper=beliefs.upper,
        n_observations=beliefs.n_observations,
        last_at_days=beliefs.last_at,
        is_fallback=is_fallback,
    )


def beliefs_of_state(
    state: LearnerState, *, version: ModelVersion, course: Course, now: datetime
) -> LearnerBeliefs:
    """Return one learner's beliefs from a state at hand."""
    return beliefs_of_blobs(
        version,
        [state.blob or None],
        learner_ids=[state.learner_id],
        skill_ids=course_graph(course).skill_ids,
        now=now,
    ).of_row(0)


@dataclass(frozen=True, eq=False)
class HeldStates:
    """The states of some learners under the version that serves mastery; None for no state."""

    version: ModelVersion
    blobs: Mapping[int, engine.Blob | None]


def states_of_learners(
    learner_ids: Sequence[int] | QuerySet[User, int], course: Course, *, now: datetime
) -> HeldStates:
    """Return the learners' states (one query, with a queryset of ids too).

    Two queries where none of them has a state under the version that serves. A queryset's learners
    without a state are left out.
    """
    states = {
        state.learner_id: state
        for state in LearnerState.objects.select_related("version")
        .only("learner_id", "blob", *(f"version__{name}" for name in VERSION_FIELDS))
        .filter(
            learner_id__in=learner_ids,
            version__course=course,
            version__role=ModelRole.MASTERY,
            version__status=VersionStatus.SERVING,
        )
    }
    some = next(iter(states.values()), None)
    version = version_serving(course, now=now) if some is None else some.version
    known: dict[int, engine.Blob | None] = {
        pk: bytes(state.blob) or None for pk, state in states.items()
    }
    asked = () if isinstance(learner_ids, QuerySet) else learner_ids
    return HeldStates(version=version, blobs=dict.fromkeys(asked) | known)


def beliefs_of_learners(learners: Sequence[User], course: Course, *, now: datetime) -> ClassBeliefs:
    """Return the beliefs of many learners by one vectorised forecast (one query).

    Two queries where none of them has a state under the version that serves.
    """
    ids = [learner.pk for learner in learners]
    held = states_of_learners(ids, course, now=now)
    return beliefs_of_blobs(
        held.version,
        [held.blobs[pk] for pk in ids],
        learner_ids=ids,
        skill_ids=course_graph(course).skill_ids,
        now=now,
    )


def beliefs_ahead(
    held: HeldStates, learner: User, course: Course, *, at: Sequence[datetime]
) -> list[LearnerBeliefs]:
    """Return a learner's beliefs at each moment, if nothing is answered until then (no query)."""
    return [
        beliefs_of_blobs(
            held.version,
            [held.blobs.get(learner.pk)],
            learner_ids=[learner.pk],
            skill_ids=course_graph(course).skill_ids,
            now=moment,
        ).of_row(0)
        for moment in at
    ]


def beliefs_of_learner(learner: User, course: Course, *, now: datetime) -> LearnerBeliefs:
    """Return one learner's beliefs (one query)."""
    return beliefs_of_learners([learner], course, now=now).of_row(0)
