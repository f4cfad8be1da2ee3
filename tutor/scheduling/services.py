"""Offers, stored plans, and the standings that outlive beliefs."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from random import Random
from uuid import UUID

import numpy as np

from tutor.accounts.models import User
from tutor.content.graph import CourseGraph, StepRef, course_graph
from tutor.content.models import Course
from tutor.responses.models import Response, ResponseSource
from tutor.scheduling.graph_arrays import F
from tutor.scheduling.guidance import Guidance, guidance_of_learner
from tutor.scheduling.models import Plan, SkillStanding
from tutor.scheduling.policies import Candidate, Choice, Kind, Outlook, StepwisePolicy, choose
from tutor.scheduling.reasons import reason_text
from tutor.scheduling.retention import retained
from tutor.scheduling.selectors import (
    PastObservation,
    View,
    past_of,
    policy_config,
    recent_observations,
    standings_of_learner,
    view_of,
)
from tutor.scheduling.standings import standings_refresh
from tutor.scheduling.statuses import PolicyConfig, SkillStatus
from tutor.tracing.predictions import LATE_MOST, forecasts_of_learner
from tutor.tracing.selectors import LearnerBeliefs, beliefs_of_learner

__all__ = [
    "Offer",
    "OfferedCandidate",
    "Opening",
    "Target",
    "offer_for",
    "offer_from",
    "plan_link",
    "plan_record",
    "seed_of",
    "standings_refresh",
    "step_forecasts",
    "target_choose",
]

# An activity's usual length until the course's own response times say better.
MINUTES_PER_STEP = 2
SKILL_STEPS = 5
# How many unseen steps, in teaching order, may be next; and of how many nearest one is drawn.
STEPS_AT_HAND = 8
STEPS_DRAWN_FROM = 3


class Opening(StrEnum):
    """What an activity begins with: a skill met for the first time starts with its lesson."""

    NONE = ""
    LESSON = "lesson"
    EXAMPLE = "example"


@dataclass(frozen=True, slots=True)
class OfferedCandidate:
    """A candidate as a page shows it; `index` names it when the learner takes it."""

    index: int
    skill_id: int
    kind: str
    reason: str
    minutes: int
    score: float
    terms: Mapping[str, float]
    propensity: float
    opening: Opening = Opening.NONE
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class Offer:
    """What the scheduler would propose now, with everything it was decided from."""

    policy: str
    rng_seed: int
    candidates: tuple[OfferedCandidate, ...]
    drawn: int | None
    beliefs: LearnerBeliefs
    view: View
    observations: Sequence[PastObservation]
    forecasts: Mapping[int, float]

    @property
    def statuses(self) -> Mapping[int, SkillStatus]:
        """Every skill's status by its id."""
        return self.view.statuses

    @property
    def first(self) -> OfferedCandidate | None:
        """The candidate that is offered first."""
        return None if self.drawn is None else self.candidates[self.drawn]

    @property
    def alternatives(self) -> tuple[OfferedCandidate, ...]:
        """The two that stand beside it, by score."""
        return tuple(c for c in self.candidates if c.index != self.drawn)[:2]


def offer_for(learner: User, course: Course, *, now: datetime) -> Offer:
    """Return what is next for a learner; stores nothing. The same until the next observation.

    The prediction role has its say here as after an answer, for one query more.
    """
    graph = course_graph(course)
    beliefs = beliefs_of_learner(learner, course, now=now)
    observations = recent_observations(learner, course)
    return offer_from(
        learner,
        course,
        graph=graph,
        beliefs=beliefs,
        standings=standings_of_learner(learner, graph),
        observations=observations,
        now=now,
        forecasts=step_forecasts(learner, course, observations),
    )


def step_forecasts(
    learner: User, course: Course, observations: Sequence[PastObservation]
) -> Mapping[int, float]:
    """Return the prediction role's P(correct) of steps, by step (one query)."""
    newest = [row.response_id for row in observations[: LATE_MOST + 1]]
    return forecasts_of_learner(learner, course, newest=newest)


def offer_from(
    learner: User,
    course: Course,
    *,
    graph: CourseGraph,
    beliefs: LearnerBeliefs,
    standings: Mapping[int, SkillStanding],
    observations: Sequence[PastObservation],
    now: datetime,
    forecasts: Mapping[int, float],
    guidance: Guidance | None = None,
) -> Offer:
    """Return what is next from what is at hand (one query, for the guidance where none is given).

    Where nothing of the goal is left to do, the rest of the course is offered. `forecasts` are the
    prediction role's of steps: they judge how a skill's best step fits, and where they and the
    mastery model disagree there is something to find out.
    """
    guidance = guidance or guidance_of_learner(learner, course, now=now)
    view = view_of(graph, beliefs, standings, course=course, guidance=guidance)
    config = policy_config(course)
    policy = StepwisePolicy(config=config)
    seed = seed_of(learner.pk, course.pk, observations[0].response_id if observations else 0)
    past = past_of(observations, standings, graph=graph, now=now)
    outlook = _outlook(view, config=config, forecasts=forecasts)
    choice = Choice(candidates=(), drawn=None)
    goal = guidance.goal_mask(view.arrays)
    for within in [goal, None] if goal is not None else [None]:
        if choice.drawn is None:
            choice = choose(
                policy,
                view.arrays,
                view.beliefs,
                view.many,
                past=past,
                rng=Random(seed),  # noqa: S311 - a draw to be repeated from its seed, not a secret
                config=config,
                goal=within,
                outlook=outlook,
            )
    return Offer(
        policy=policy.name,
        rng_seed=seed,
        candidates=_offered(choice, graph, observations),
        drawn=choice.drawn,
        beliefs=beliefs,
        view=view,
        observations=observations,
        forecasts=forecasts,
    )


def _outlook(view: View, *, config: PolicyConfig, forecasts: Mapping[int, float]) -> Outlook:
    """Return what is left of mastery now and after the review horizon, how late reviews are, and
    what the prediction role says of the steps of skills that may come next."""
    remembered = view.remembered
    p_step, disagreement = _predicted(view, forecasts, aim=config.target_p_correct)

    def left(days_ahead: float) -> F:
        return retained(
            view.beliefs.p_mastery,
            gap_days=np.nan_to_num(remembered.gap_days) + days_ahead,
            n_spaced=remembered.n_spaced,
            was_mastered=remembered.masks.was_mastered[0],
            config=config,
        )

    return Outlook(
        retention=left(0.0),
        retention_later=left(config.review_horizon_days),
        overdueness=remembered.late,
        gap_days=remembered.gap_days,
        n_spaced=remembered.n_spaced,
        p_step=p_step,
        disagreement=disagreement,
    )


def _predicted(
    view: View, forecasts: Mapping[int, float], *, aim: float
) -> tuple[F | None, F | None]:
    """Return P(correct) of each open skill's step nearest to the aim, and where the models differ.

    The belief speaks of an answer after a break, the forecasts of one that follows at once: what
    sets them apart on every skill alike is no disagreement.
    """
    if not forecasts:
        return None, None
    p_correct = view.beliefs.p_correct
    p_step, gap = p_correct.copy(), np.full(view.arrays.n, np.nan)
    for row in np.flatnonzero(view.many.is_open[0]).tolist():
        steps = view.graph.steps_by_skill[view.arrays.skill_ids[row]]
        found = [forecasts[step.step_id] for step in steps if step.step_id in forecasts]
        if found:
            p_step[row] = min(found, key=lambda p: abs(p - aim))
            gap[row] = sum(found) / len(found) - float(p_correct[row])
    if np.isnan(gap).all():
        return p_step, np.zeros(view.arrays.n)
    return p_step, np.nan_to_num(np.abs(gap - np.nanmedian(gap)))


def seed_of(*parts: int) -> int:
    """Return a seed that only these numbers give."""
    digest = hashlib.sha256(":".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:6], "big")


def _offered(
    choice: Choice, graph: CourseGraph, observations: Sequence[PastObservation]
) -> tuple[OfferedCandidate, ...]:
    placed, practised = Counter[int](), Counter[int]()
    for row in observations:
        counter = placed if row.source == ResponseSource.PLACEMENT else practised
        counter.update(row.skill_ids)
    # A placement asks and teaches nothing: what only it asked for is new to the learner.
    new = {
        candidate.skill_id
        for candidate in choice.candidates
        if candidate.kind is Kind.LEARN
        or (
            0 < candidate.reason_values["n"] <= placed[candidate.skill_id]
            and not practised[candidate.skill_id]
        )
    }
    return tuple(
        OfferedCandidate(
            index=index,
            skill_id=candidate.skill_id,
            kind=candidate.kind.value,
            reason=reason_text(candidate, graph, is_new=candidate.skill_id in new),
            minutes=_minutes(candidate, graph),
            score=candidate.score,
            terms=candidate.terms,
            propensity=candidate.propensity,
            opening=_opening(candidate, graph),
            is_new=candidate.skill_id in new,
        )
        for index, candidate in enumerate(choice.candidates)
    )


def _opening(candidate: Candidate, graph: CourseGraph) -> Opening:
    if not graph.lessons_by_skill[candidate.skill_id]:
        return Opening.NONE
    if candidate.needs_example:
        return Opening.EXAMPLE
    return Opening.LESSON if candidate.kind is Kind.LEARN else Opening.NONE


def _minutes(candidate: Candidate, graph: CourseGraph) -> int:
    steps = min(len(graph.steps_by_skill[candidate.skill_id]), SKILL_STEPS)
    return max(MINUTES_PER_STEP * steps, MINUTES_PER_STEP)


@dataclass(frozen=True, slots=True)
class Target:
    """What a plan gives the learner: a step, the revision it is shown from, and a variant."""

    step: StepRef
    variant_seed: int


def target_choose(
    offer: Offer,
    graph: CourseGraph,
    skill_id: int,
) -> Target:
    """Return the step to practise a skill with: unseen ones in teaching order, then the oldest.

    Of those at hand the ones are drawn from that are nearest to the chance of success that teaches
    most: by the prediction role's forecasts of steps, or by the belief in a step's skills.
    """
    rng = Random(seed_of(offer.rng_seed, skill_id))  # noqa: S311
    seen = {
        step_id: place
        for place, step_id in reversed(
            [(place, row.step_id) for place, row in enumerate(offer.observations)]
        )
    }
    steps = _first_of_each_problem(graph.steps_by_skill[skill_id])
    unseen = [step for step in steps if step.step_id not in seen]
    if unseen:
        at_hand = unseen[:STEPS_AT_HAND]
    else:
        oldest = sorted(steps, key=lambda step: -seen[step.step_id])
        at_hand = oldest[: max(1, len(oldest) // 2)]
    step = rng.choice(_nearest(at_hand, offer.beliefs, offer.forecasts))
    return Target(step=step, variant_seed=rng.getrandbits(31) if step.is_varied else 0)


def _nearest(
    steps: Sequence[StepRef], beliefs: LearnerBeliefs, forecasts: Mapping[int, float]
) -> list[StepRef]:
    """Return the few steps nearest to the aim, in the order given where they are equally near."""
    aim = PolicyConfig().target_p_correct

    def distance(step: StepRef) -> float:
        p = forecasts.get(step.step_id)
        if p is None:
            believed = [beliefs.p_correct[beliefs.row_of[skill]] for skill in step.skill_ids]
            p = float(np.mean(believed))
        # Forecasts are kept in half precision; what differs by less differs in nothing.
        return round(abs(p - aim), 2)

    return sorted(steps, key=distance)[:STEPS_DRAWN_FROM]


def _first_of_each_problem(steps: Sequence[StepRef]) -> list[StepRef]:
    firsts: dict[int, StepRef] = {}
    for step in steps:
        firsts.setdefault(step.problem_id, step)
    return list(firsts.values())


def plan_record(
    learner: User,
    course: Course,
    offer: Offer,
    *,
    taken: int,
    target: Target,
    session_uuid: UUID | None,
    now: datetime,
) -> Plan:
    """Store a decision: every candidate with its terms, the draw, and what was taken."""
    return Plan.objects.create(
        learner=learner,
        course=course,
        session_uuid=session_uuid,
        created_at=now,
        policy=offer.policy,
        model_version_uuid=offer.beliefs.version.uuid,
        rng_seed=offer.rng_seed,
        candidates=[
            {
                "skill_id": candidate.skill_id,
                "kind": candidate.kind,
                "score": round(candidate.score, 6),
                "terms": {name: round(term, 6) for name, term in candidate.terms.items()},
                "propensity": candidate.propensity,
                "reason": candidate.reason,
            }
            for candidate in offer.candidates
        ],
        chosen=offer.drawn,
        skill_id=offer.candidates[taken].skill_id,
        step_id=target.step.step_id,
        propensity=offer.candidates[taken].propensity,
        taken=taken,
    )


def plan_link(plan_uuid: UUID | None, response: Response) -> None:
    """Link a plan to the observation that it led to."""
    if plan_uuid is not None and response.is_observation:
        Plan.objects.filter(uuid=plan_uuid, response=None).update(response=response)
