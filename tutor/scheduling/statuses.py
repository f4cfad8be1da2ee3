"""What each skill is to a learner: pure functions of a graph, beliefs and what is remembered.

Nothing here knows Django, the clock or a random source. See docs/scheduling.md.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Status(StrEnum):
    """What a skill is to a learner now."""

    LOCKED = "locked"
    READY = "ready"
    LEARNING = "learning"
    MASTERED = "mastered"
    REVIEW_DUE = "review_due"
    UNKNOWN = "unknown"


class SkillGraph(Protocol):
    """The part of a course's graph that decisions need; mappings have a key for every skill.

    `practisable` skills have a step; `gates` are a skill's nearest prerequisites that have one.
    """

    @property
    def skill_ids(self) -> tuple[int, ...]: ...
    @property
    def parents(self) -> Mapping[int, tuple[int, ...]]: ...
    @property
    def children(self) -> Mapping[int, tuple[int, ...]]: ...
    @property
    def encompassed(self) -> Mapping[int, tuple[tuple[int, float], ...]]: ...
    @property
    def practisable(self) -> AbstractSet[int]: ...
    @property
    def gates(self) -> Mapping[int, tuple[int, ...]]: ...
    def ancestors(self, skill_id: int) -> frozenset[int]: ...


class BeliefArrays(Protocol):
    """Beliefs as arrays (n_skills,) in the order of the graph's `skill_ids`."""

    @property
    def p_correct(self) -> NDArray[np.float64]: ...
    @property
    def p_mastery(self) -> NDArray[np.float64]: ...
    @property
    def lower(self) -> NDArray[np.float64]: ...
    @property
    def upper(self) -> NDArray[np.float64]: ...
    @property
    def n_observations(self) -> NDArray[np.int64]: ...


@dataclass(frozen=True, slots=True)
class Standing:
    """What is remembered of a skill besides the belief."""

    is_open: bool = False
    is_mastered: bool = False
    was_mastered: bool = False


@dataclass(frozen=True, slots=True)
class PolicyConfig:
    """Thresholds, weights and caps. Probabilities unless the name says otherwise."""

    gate: float = 0.70
    gate_mastery: float = 0.90
    mastery_enter: float = 0.95
    mastery_leave: float = 0.80
    mastery_min_observations: int = 3
    target_p_correct: float = 0.80
    weight_learn: float = 1.0
    weight_review: float = 1.2
    weight_fit: float = 0.6
    weight_information: float = 0.4
    weight_variety: float = 0.5
    temperature: float = 0.15
    epsilon: float = 0.05
    most_candidates: int = 12
    most_in_a_row: int = 5
    most_new_skills_a_day: int = 3
    most_reviews_a_day: int = 20
    wheel_opportunities: int = 10
    wheel_run: int = 3


@dataclass(frozen=True, slots=True)
class SkillStatus:
    """A skill's status, and for a locked one the prerequisites that hold it."""

    status: Status
    is_open: bool
    held_by: tuple[int, ...] = ()


def statuses_compute(
    graph: SkillGraph,
    beliefs: BeliefArrays,
    standings: Mapping[int, Standing],
    *,
    config: PolicyConfig,
) -> dict[int, SkillStatus]:
    """Return every skill's status; one without a step cannot be measured, so it is `unknown`."""
    skill_ids = graph.skill_ids
    row_of = {skill: row for row, skill in enumerate(skill_ids)}
    passes = (beliefs.lower >= config.gate) | (
        (beliefs.p_mastery >= config.gate_mastery) & (beliefs.n_observations > 0)
    )
    none = Standing()
    statuses: dict[int, SkillStatus] = {}
    for row, skill in enumerate(skill_ids):
        if skill not in graph.practisable:
            statuses[skill] = SkillStatus(status=Status.UNKNOWN, is_open=False)
            continue
        standing = standings.get(skill, none)
        held_by: tuple[int, ...] = ()
        if not standing.is_open:
            held_by = tuple(
                parent
                for parent in graph.gates[skill]
                if not passes[row_of[parent]] and not standings.get(parent, none).was_mastered
            )
        statuses[skill] = SkillStatus(
            status=_status(row, beliefs, standing, is_held=bool(held_by), config=config),
            is_open=not held_by,
            held_by=held_by,
        )
    return statuses


def _status(
    row: int,
    beliefs: BeliefArrays,
    standing: Standing,
    *,
    is_held: bool,
    config: PolicyConfig,
) -> Status:
    p_mastery, n = beliefs.p_mastery[row], beliefs.n_observations[row]
    if is_mastered_now(p_mastery, int(n), standing, config=config):
        return Status.MASTERED
    if standing.was_mastered or standing.is_mastered:
        return Status.REVIEW_DUE
    if is_held:
        return Status.LOCKED
    return Status.LEARNING if n else Status.READY


def is_mastered_now(
    p_mastery: float, n_observations: int, standing: Standing, *, config: PolicyConfig
) -> bool:
    """Return whether a skill counts as mastered: entered high, left low, so as not to flicker."""
    if standing.is_mastered:
        return p_mastery >= config.mastery_leave
    return p_mastery >= config.mastery_enter and n_observations >= config.mastery_min_observations
