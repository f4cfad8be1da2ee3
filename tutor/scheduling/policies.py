"""Choosing what is next: pure functions of a graph, beliefs and what came before.

Nothing here knows Django, the clock or a random source; `now`-dependent facts and `rng` come in, so
that the site, simulations and off-line evaluation run the same code. See docs/scheduling.md.
"""

import math
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random
from typing import Protocol

import numpy as np

from tutor.scheduling.statuses import (
    BeliefArrays,
    PolicyConfig,
    SkillGraph,
    SkillStatus,
    Status,
)


class Kind(StrEnum):
    """Why an activity is proposed."""

    LEARN = "learn"
    PRACTISE = "practise"
    REVIEW = "review"
    REMEDIAL = "remedial"


@dataclass(frozen=True, slots=True)
class Past:
    """The past: (skills, was it right) of each observation, newest first, and today's counts.

    `exhausted` are skills with nothing left to ask in this sitting but what was just asked.
    """

    observations: Sequence[tuple[tuple[int, ...], bool]] = ()
    new_skills_today: int = 0
    reviews_today: int = 0
    exhausted: AbstractSet[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A skill that could be next, with every term of its score (already weighted)."""

    skill_id: int
    kind: Kind
    score: float
    terms: Mapping[str, float]
    propensity: float = 0.0
    reason: str = ""
    reason_values: Mapping[str, float | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Choice:
    """Candidates by falling score, and the one that was drawn; None when nothing is left to do."""

    candidates: tuple[Candidate, ...]
    drawn: int | None


class Policy(Protocol):
    """Anything that chooses what is next."""

    name: str

    def choose(
        self,
        graph: SkillGraph,
        beliefs: BeliefArrays,
        statuses: Mapping[int, SkillStatus],
        *,
        past: Past,
        rng: Random,
    ) -> Choice: ...


@dataclass(frozen=True)
class FringePolicy:
    """The outer fringe and what is due, scored; one draw from a softmax with an epsilon floor."""

    config: PolicyConfig = field(default_factory=PolicyConfig)
    name: str = "fringe"

    def choose(
        self,
        graph: SkillGraph,
        beliefs: BeliefArrays,
        statuses: Mapping[int, SkillStatus],
        *,
        past: Past,
        rng: Random,
    ) -> Choice:
        """Return scored candidates and the draw. Scans the graph once."""
        config = self.config
        row_of = {skill: row for row, skill in enumerate(graph.skill_ids)}
        kinds = _kinds(graph, statuses, past, row_of=row_of, beliefs=beliefs, config=config)
        unlocks = _unlock_counts(graph, statuses, kinds)
        most = max(unlocks.values(), default=0)
        candidates = [
            _scored(
                graph,
                beliefs,
                row_of,
                skill,
                kind,
                unlocks=unlocks[skill],
                most_unlocks=most,
                past=past,
                config=config,
            )
            for skill, kind in kinds.items()
        ]
        candidates.sort(key=lambda candidate: (-candidate.score, row_of[candidate.skill_id]))
        return _draw(candidates[: config.most_candidates], rng, config=config)


def is_wheel_spinning(outcomes: Sequence[bool], *, config: PolicyConfig) -> bool:
    """Return whether a skill was practised ten times without three right in a row.

    Fewer opportunities are undetermined, not spinning. The order of `outcomes` does not matter.
    """
    if len(outcomes) < config.wheel_opportunities:
        return False
    run = 0
    for is_right in outcomes:
        run = run + 1 if is_right else 0
        if run >= config.wheel_run:
            return False
    return True


def _kinds(
    graph: SkillGraph,
    statuses: Mapping[int, SkillStatus],
    past: Past,
    *,
    row_of: Mapping[int, int],
    beliefs: BeliefArrays,
    config: PolicyConfig,
) -> dict[int, Kind]:
    kinds: dict[int, Kind] = {}
    for skill in graph.skill_ids:
        status = statuses[skill].status
        if status is Status.READY:
            kinds[skill] = Kind.LEARN
        elif status is Status.LEARNING:
            kinds[skill] = Kind.PRACTISE
        elif status is Status.REVIEW_DUE:
            kinds[skill] = Kind.REVIEW
    _remedy(kinds, graph, statuses, past, row_of=row_of, beliefs=beliefs, config=config)
    # Asked again they would tell nothing, and the same draw would come for ever.
    fresh = {skill: kind for skill, kind in kinds.items() if skill not in past.exhausted}
    return _capped(fresh, past, config=config)


def _remedy(
    kinds: dict[int, Kind],
    graph: SkillGraph,
    statuses: Mapping[int, SkillStatus],
    past: Past,
    *,
    row_of: Mapping[int, int],
    beliefs: BeliefArrays,
    config: PolicyConfig,
) -> None:
    """Stop drilling a skill that spins; offer its weakest ancestor in its place."""
    for skill in [skill for skill, kind in kinds.items() if kind is Kind.PRACTISE]:
        outcomes = [right for skills, right in past.observations if skill in skills]
        if not is_wheel_spinning(outcomes[: 2 * config.wheel_opportunities], config=config):
            continue
        ancestors = [
            ancestor
            for ancestor in graph.ancestors(skill)
            if statuses[ancestor].is_open and statuses[ancestor].status is not Status.MASTERED
        ]
        if not ancestors:
            continue
        weakest = min(ancestors, key=lambda a: (beliefs.p_correct[row_of[a]], row_of[a]))
        del kinds[skill]
        kinds[weakest] = Kind.REMEDIAL


def _capped(kinds: dict[int, Kind], past: Past, *, config: PolicyConfig) -> dict[int, Kind]:
    """Apply the daily caps and the limit on one skill in a row, unless nothing would be left."""
    refused: set[int] = set()
    if past.new_skills_today >= config.most_new_skills_a_day:
        refused |= {skill for skill, kind in kinds.items() if kind is Kind.LEARN}
    if past.reviews_today >= config.most_reviews_a_day:
        refused |= {skill for skill, kind in kinds.items() if kind is Kind.REVIEW}
    newest = past.observations[: config.most_in_a_row]
    if len(newest) == config.most_in_a_row:
        refused |= set.intersection(*(set(skills) for skills, _ in newest))
    kept = {skill: kind for skill, kind in kinds.items() if skill not in refused}
    return kept or kinds


def _unlock_counts(
    graph: SkillGraph, statuses: Mapping[int, SkillStatus], kinds: Mapping[int, Kind]
) -> dict[int, int]:
    """Return how many locked skills each candidate holds back, directly or further on."""
    counts = {}
    for skill in kinds:
        seen: set[int] = set()
        waiting = list(graph.children[skill])
        while waiting:
            child = waiting.pop()
            if child not in seen and statuses[child].status in {Status.LOCKED, Status.UNKNOWN}:
                seen.add(child)
                waiting.extend(graph.children[child])
        counts[skill] = sum(statuses[child].status is Status.LOCKED for child in seen)
    return counts


def _scored(
    graph: SkillGraph,
    beliefs: BeliefArrays,
    row_of: Mapping[int, int],
    skill: int,
    kind: Kind,
    *,
    unlocks: int,
    most_unlocks: int,
    past: Past,
    config: PolicyConfig,
) -> Candidate:
    row = row_of[skill]
    p_correct = float(beliefs.p_correct[row])
    p_mastery = float(beliefs.p_mastery[row])
    learn = review = 0.0
    if kind is Kind.REVIEW:
        lost = max(config.mastery_enter - p_mastery, 0.0) + sum(
            weight * max(config.mastery_leave - float(beliefs.p_mastery[row_of[easier]]), 0.0)
            for easier, weight in graph.encompassed[skill]
            if beliefs.n_observations[row_of[easier]]
        )
        review = min(lost / config.mastery_enter, 1.0)
    else:
        reach = math.log1p(unlocks) / math.log1p(most_unlocks) if most_unlocks else 0.0
        # A skill that opens nothing is still worth learning for itself.
        learn = p_correct * (0.3 + 0.7 * reach)
    last = past.observations[0] if past.observations else None
    repeats = last is not None and skill in last[0] and last[1]
    terms = {
        "learn": config.weight_learn * learn,
        "review": config.weight_review * review,
        "fit": -config.weight_fit * abs(p_correct - config.target_p_correct),
        "information": config.weight_information * float(beliefs.upper[row] - beliefs.lower[row]),
        "variety": -config.weight_variety if repeats else 0.0,
    }
    return Candidate(
        skill_id=skill,
        kind=kind,
        score=sum(terms.values()),
        terms=terms,
        reason=kind.value,
        reason_values={
            "percent": round(100 * p_correct),
            "n": int(beliefs.n_observations[row]),
            "unlocks": unlocks,
        },
    )


def _draw(candidates: Sequence[Candidate], rng: Random, *, config: PolicyConfig) -> Choice:
    if not candidates:
        return Choice(candidates=(), drawn=None)
    scores = np.array([candidate.score for candidate in candidates])
    weights = np.exp((scores - scores.max()) / config.temperature)
    n = len(candidates)
    propensities = (1 - config.epsilon) * weights / weights.sum() + config.epsilon / n
    drawn = int(np.searchsorted(np.cumsum(propensities), rng.random() * propensities.sum()))
    return Choice(
        candidates=tuple(
            Candidate(
                skill_id=candidate.skill_id,
                kind=candidate.kind,
                score=candidate.score,
                terms=candidate.terms,
                propensity=float(propensity),
                reason=candidate.reason,
                reason_values=candidate.reason_values,
            )
            for candidate, propensity in zip(candidates, propensities, strict=True)
        ),
        drawn=min(drawn, n - 1),
    )
