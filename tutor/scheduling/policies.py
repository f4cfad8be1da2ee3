"""Choosing what is next: pure functions of a graph, beliefs and what came before.

Nothing here knows Django, the clock or a random source; `now`-dependent facts and `rng` come in, so
that the site, simulations and off-line evaluation run the same code. See docs/scheduling.md.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from random import Random

import numpy as np

from tutor.scheduling.candidates import candidates_find, is_wheel_spinning
from tutor.scheduling.graph_arrays import F, GraphArrays, Mask, Rows
from tutor.scheduling.retention import resting
from tutor.scheduling.scoring import candidates_score
from tutor.scheduling.situations import (
    KINDS,
    Decision,
    Kind,
    Policy,
    Situation,
    drawn,
)
from tutor.scheduling.statuses import (
    REVIEW_DUE,
    BeliefArrays,
    PolicyConfig,
    StatusArrays,
    one_learner,
)

__all__ = [
    "Candidate",
    "Choice",
    "Kind",
    "Outlook",
    "Past",
    "Policy",
    "StepwisePolicy",
    "choose",
    "is_wheel_spinning",
    "situation_of",
]


@dataclass(frozen=True)
class StepwisePolicy:
    """The outer fringe and what is due, scored; one draw from a softmax with an epsilon floor."""

    config: PolicyConfig = field(default_factory=PolicyConfig)
    name: str = "stepwise"

    def decide(self, situation: Situation, *, u: F) -> Decision:
        """Return scored candidates and the draw. Scans the graph once."""
        config = self.config
        kinds = candidates_find(situation, config=config)
        scored = candidates_score(situation, kinds, config=config)
        return drawn(
            scored.who,
            scored.rows,
            scored.scores,
            scored.terms,
            kinds=kinds,
            u=u,
            most=config.most_candidates,
            temperature=config.temperature,
            epsilon=config.epsilon,
        )


@dataclass(frozen=True, slots=True)
class Past:
    """One learner's past: (skills, was it right) of each observation, newest first, and counts.

    `exhausted` are skills with nothing left to ask in this sitting but what was just asked;
    `n_today` of the observations are of today.
    """

    observations: Sequence[tuple[tuple[int, ...], bool]] = ()
    new_skills_today: int = 0
    reviews_today: int = 0
    exhausted: AbstractSet[int] = frozenset()
    n_today: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Outlook:
    """What else is known of one learner, each (n_skills,): see `Situation`."""

    retention: F | None = None
    retention_later: F | None = None
    p_step: F | None = None
    disagreement: F | None = None
    overdueness: F | None = None
    gap_days: F | None = None
    n_spaced: Rows | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A skill that could be next, with every term of its score (already weighted).

    `needs_example`: it was practised in vain, so a worked example comes before more of it.
    """

    skill_id: int
    kind: Kind
    score: float
    terms: Mapping[str, float]
    propensity: float = 0.0
    reason: str = ""
    reason_values: Mapping[str, float | int] = field(default_factory=dict)
    needs_example: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """Candidates by falling score, and the one that was drawn; None when nothing is left to do."""

    candidates: tuple[Candidate, ...]
    drawn: int | None


def choose(
    policy: Policy,
    arrays: GraphArrays,
    beliefs: BeliefArrays,
    statuses: StatusArrays,
    *,
    past: Past,
    rng: Random,
    config: PolicyConfig,
    goal: Mask | None = None,
    outlook: Outlook | None = None,
) -> Choice:
    """Return what a policy proposes to one learner, whose beliefs are (n_skills,)."""
    situation = situation_of(
        arrays, beliefs, statuses, past=past, config=config, goal=goal, outlook=outlook
    )
    decision = policy.decide(situation, u=np.array([rng.random()]))
    candidates = tuple(
        _candidate(situation, decision, place)
        for place, row in enumerate(decision.ranked[0].tolist())
        if row >= 0
    )
    place = int(decision.place[0])
    return Choice(candidates=candidates, drawn=None if place < 0 else place)


def situation_of(
    arrays: GraphArrays,
    beliefs: BeliefArrays,
    statuses: StatusArrays,
    *,
    past: Past,
    config: PolicyConfig,
    goal: Mask | None = None,
    outlook: Outlook | None = None,
) -> Situation:
    """Return one learner's situation."""
    outlook = outlook or Outlook()
    newest = past.observations
    today = newest[: past.n_today]
    last = newest[0][0] if newest and newest[0][1] else ()
    run = [set(skills) for skills, _ in newest[: config.most_in_a_row]]
    worn = set.intersection(*run) if len(run) == config.most_in_a_row else set()
    return Situation(
        arrays=arrays,
        beliefs=one_learner(beliefs),
        statuses=statuses,
        goal=np.ones((1, arrays.n), dtype=np.bool_) if goal is None else goal[None],
        just_right=_mask(arrays, last),
        worn=_mask(arrays, worn),
        exhausted=_mask(arrays, past.exhausted),
        spinning=_mask(arrays, _spinning(newest, config=config)),
        right_today=_counts(arrays, [row for row in today if row[1]]),
        rests=_rests(arrays, beliefs, statuses, outlook, today, config=config),
        new_today=np.array([past.new_skills_today]),
        reviews_today=np.array([past.reviews_today]),
        retention=_row(outlook.retention),
        retention_later=_row(outlook.retention_later),
        p_step=_row(outlook.p_step),
        disagreement=_row(outlook.disagreement),
        overdueness=_row(outlook.overdueness),
    )


def _row(values: F | None) -> F | None:
    return None if values is None else values[None]


def _mask(arrays: GraphArrays, skills: Sequence[int] | AbstractSet[int]) -> Mask:
    mask = np.zeros((1, arrays.n), dtype=np.bool_)
    mask[0, [arrays.row_of[skill] for skill in skills if skill in arrays.row_of]] = True
    return mask


def _rests(
    arrays: GraphArrays,
    beliefs: BeliefArrays,
    statuses: StatusArrays,
    outlook: Outlook,
    today: Sequence[tuple[tuple[int, ...], bool]],
    *,
    config: PolicyConfig,
) -> Mask:
    never = np.full(arrays.n, np.nan)
    return resting(
        gap_days=(never if outlook.gap_days is None else outlook.gap_days)[None],
        n_spaced=(np.zeros(arrays.n, np.int64) if outlook.n_spaced is None else outlook.n_spaced)[
            None
        ],
        answers_today=_counts(arrays, today).astype(np.int64),
        n_observations=beliefs.n_observations[None],
        is_lost=(statuses.code == REVIEW_DUE) & (beliefs.p_mastery[None] < config.mastery_leave),
        config=config,
    )


def _counts(arrays: GraphArrays, observations: Sequence[tuple[tuple[int, ...], bool]]) -> F:
    counts = np.zeros((1, arrays.n))
    for skills, _ in observations:
        for skill in skills:
            if skill in arrays.row_of:
                counts[0, arrays.row_of[skill]] += 1
    return counts


def _spinning(
    observations: Sequence[tuple[tuple[int, ...], bool]], *, config: PolicyConfig
) -> set[int]:
    outcomes: dict[int, list[bool]] = {}
    for skills, is_right in observations:
        for skill in skills:
            outcomes.setdefault(skill, []).append(is_right)
    newest = 2 * config.wheel_opportunities
    return {
        skill
        for skill, right in outcomes.items()
        if is_wheel_spinning(right[:newest], config=config)
    }


def _candidate(situation: Situation, decision: Decision, place: int) -> Candidate:
    row = int(decision.ranked[0, place])
    code = int(decision.kinds[0, row])
    beliefs = situation.beliefs
    terms = {name: float(values[0, place]) for name, values in decision.terms.items()}
    unlocks = int(terms.pop("unlocks", 0.0))
    return Candidate(
        skill_id=situation.arrays.skill_ids[row],
        kind=KINDS[code],
        score=float(decision.scores[0, place]),
        terms=terms,
        propensity=float(decision.propensity[0, place]),
        reason=KINDS[code].value,
        reason_values={
            "percent": round(100 * float(beliefs.p_correct[0, row])),
            "n": int(beliefs.n_observations[0, row]),
            "unlocks": unlocks,
        },
        needs_example=bool(situation.spinning[0, row]),
    )
