"""Draws for many learners at once, backlogs, baselines, and what is laid over beliefs."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tutor.scheduling.graphs import arrays_of
from tutor.scheduling.baseline_policies import (
    CurriculumPolicy,
    LeitnerPolicy,
    LowestMasteryPolicy,
    MasteryOrderPolicy,
    OuterFringePolicy,
    RandomPolicy,
    ZPDESPolicy,
)
from tutor.scheduling.candidates import candidates_find
from tutor.scheduling.graph_arrays import F, GraphArrays
from tutor.scheduling.overlay import Word, beliefs_overlay, word_weight
from tutor.scheduling.policies import StepwisePolicy
from tutor.scheduling.situations import NO_KIND, NOBODY, REVIEW, Situation
from tutor.scheduling.statuses import (
    ManyBeliefs,
    PolicyConfig,
    StandingArrays,
    statuses_many,
)

CONFIG = PolicyConfig()
CHAIN = arrays_of(4, [(0, 1), (1, 2)])


def situation_of(
    arrays: GraphArrays, p: F, n_observations: F, *, was_mastered: F | None = None
) -> Situation:
    shape = p.shape
    p_correct = 0.2 + 0.7 * p
    beliefs = ManyBeliefs(
        p_correct=p_correct,
        p_mastery=p,
        lower=p_correct - 0.1,
        upper=np.minimum(p_correct + 0.1, 1.0),
        n_observations=n_observations.astype(np.int64),
    )
    nothing = np.zeros(shape, dtype=np.bool_)
    was = nothing if was_mastered is None else was_mastered.astype(np.bool_)
    standings = StandingArrays(is_open=nothing, is_mastered=was, was_mastered=was, is_due=nothing)
    return Situation(
        arrays=arrays,
        beliefs=beliefs,
        statuses=statuses_many(arrays, beliefs, standings, config=CONFIG),
        goal=np.ones((1, arrays.n), dtype=np.bool_),
        just_right=nothing,
        worn=nothing,
        exhausted=nothing,
        spinning=nothing,
        right_today=np.zeros(shape),
        rests=nothing,
        new_today=np.zeros(shape[0], dtype=np.int64),
        reviews_today=np.zeros(shape[0], dtype=np.int64),
    )


@st.composite
def classes(draw: st.DrawFn) -> Situation:
    n, learners = draw(st.integers(1, 9)), draw(st.integers(1, 5))
    pairs = draw(st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), max_size=12))
    arrays = arrays_of(n, sorted({(min(p), max(p)) for p in pairs if p[0] != p[1]}))
    seed = draw(st.integers(0, 10_000))
    rng = np.random.default_rng(seed)
    return situation_of(
        arrays, rng.random((learners, n)), rng.integers(0, 9, (learners, n)).astype(np.float64)
    )


@settings(max_examples=40, deadline=None)
@given(classes(), st.integers(0, 1000))
def test_many_learners_are_each_told_what_one_would_be(situation: Situation, seed: int) -> None:
    policy = StepwisePolicy()
    u = np.random.default_rng(seed).random(situation.n_learners)
    together = policy.decide(situation, u=u)
    for row in range(situation.n_learners):
        beliefs, statuses = situation.beliefs, situation.statuses
        alone = replace(
            situation,
            beliefs=ManyBeliefs(
                **{
                    name: getattr(beliefs, name)[row : row + 1]
                    for name in ManyBeliefs.__dataclass_fields__
                }
            ),
            statuses=type(statuses)(
                **{
                    name: getattr(statuses, name)[row : row + 1]
                    for name in ("code", "is_open", "passes")
                }
            ),
            **{
                name: getattr(situation, name)[row : row + 1]
                for name in (
                    "just_right",
                    "worn",
                    "exhausted",
                    "spinning",
                    "right_today",
                    "rests",
                    "new_today",
                    "reviews_today",
                )
            },
        )
        found = policy.decide(alone, u=u[row : row + 1])
        assert found.ranked[0].tolist() == together.ranked[row].tolist()
        assert found.place[0] == together.place[row]
        np.testing.assert_allclose(found.propensity[0], together.propensity[row])


@settings(max_examples=40, deadline=None)
@given(classes(), st.integers(0, 1000))
def test_propensities_of_every_policy_are_chances(situation: Situation, seed: int) -> None:
    u = np.random.default_rng(seed).random(situation.n_learners)
    arrays = situation.arrays
    for policy in (
        StepwisePolicy(),
        RandomPolicy(),
        CurriculumPolicy(),
        LowestMasteryPolicy(),
        MasteryOrderPolicy(),
        OuterFringePolicy(),
        ZPDESPolicy(),
        LeitnerPolicy(),
    ):
        if isinstance(policy, OuterFringePolicy | ZPDESPolicy | LeitnerPolicy):
            policy.begin(arrays, n_learners=situation.n_learners)
        decision = policy.decide(situation, u=u)
        assert ((decision.propensity >= 0) & (decision.propensity <= 1 + 1e-12)).all()
        chosen = decision.chosen
        for learner, row in enumerate(chosen.tolist()):
            if row == NOBODY:
                assert policy.name == "stepwise"
            else:
                assert decision.kinds[learner, row] != NO_KIND
        if policy.name == "stepwise":
            some = chosen != NOBODY
            np.testing.assert_allclose(decision.propensity[some].sum(axis=1), 1.0)


def test_a_backlog_is_spread_by_how_late_each_review_is() -> None:
    arrays = arrays_of(6, [])
    p = np.array([[0.7, 0.3, 0.6, 0.2, 0.75, 0.5]])
    situation = situation_of(arrays, p, np.full((1, 6), 5.0), was_mastered=np.ones((1, 6)))
    config = replace(CONFIG, most_reviews_a_day=2)
    kinds = candidates_find(situation, config=config)
    assert np.flatnonzero(kinds[0] == REVIEW).tolist() == [1, 3]
    by_date = replace(situation, overdueness=np.array([[3.0, 0.1, 0.2, 0.3, 2.0, 0.4]]))
    kinds = candidates_find(by_date, config=config)
    assert np.flatnonzero(kinds[0] == REVIEW).tolist() == [0, 4]
    spent = replace(by_date, reviews_today=np.array([1]))
    kinds = candidates_find(spent, config=config)
    assert np.flatnonzero(kinds[0] == REVIEW).tolist() == [0]


def test_only_the_goal_is_proposed() -> None:
    situation = situation_of(CHAIN, np.full((1, 4), 0.3), np.zeros((1, 4)))
    found = StepwisePolicy().decide(
        replace(situation, goal=CHAIN.closure([2])[None]), u=np.array([0.5])
    )
    assert [row for row in found.ranked[0].tolist() if row != NOBODY] == [0]


def test_disagreement_of_two_models_counts_as_something_to_find_out() -> None:
    situation = situation_of(arrays_of(2, []), np.full((1, 2), 0.5), np.full((1, 2), 4.0))
    told = replace(situation, disagreement=np.array([[0.0, 0.4]]))
    u = np.array([0.5])
    assert StepwisePolicy().decide(situation, u=u).ranked[0, 0] == 0
    assert StepwisePolicy().decide(told, u=u).ranked[0, 0] == 1


def test_what_fades_by_waiting_is_reviewed_first() -> None:
    situation = situation_of(
        arrays_of(2, []), np.full((1, 2), 0.7), np.full((1, 2), 5.0), was_mastered=np.ones((1, 2))
    )
    told = replace(situation, retention_later=np.array([[0.65, 0.2]]))
    found = StepwisePolicy().decide(told, u=np.array([0.5]))
    assert found.ranked[0, 0] == 1


def test_leitner_brings_back_what_is_due_and_goes_on_when_nothing_is() -> None:
    policy = LeitnerPolicy()
    policy.begin(CHAIN, n_learners=1)
    situation = situation_of(CHAIN, np.full((1, 4), 0.3), np.zeros((1, 4)))
    who, first = np.array([0]), np.array([0])
    u = np.array([0.5])
    policy.observe(who, first, np.array([False]), at_days=0.0)
    assert policy.decide(replace(situation, at_days=0.001), u=u).chosen[0] == 0
    policy.observe(who, first, np.array([True]), at_days=0.001)
    assert policy.decide(replace(situation, at_days=0.002), u=u).chosen[0] == 1
    assert policy.decide(replace(situation, at_days=2.0), u=u).chosen[0] == 0


def test_a_guess_stands_in_until_the_skill_is_observed() -> None:
    beliefs = situation_of(CHAIN, np.full((1, 4), 0.3), np.zeros((1, 4))).beliefs
    seen = ManyBeliefs(
        p_correct=beliefs.p_correct[0],
        p_mastery=beliefs.p_mastery[0],
        lower=beliefs.lower[0],
        upper=beliefs.upper[0],
        n_observations=np.array([0, 2, 0, 0]),
    )
    over = beliefs_overlay(CHAIN, seen, placed={0: 0.9, 1: 0.9, 77: 0.5}, words=(), config=CONFIG)
    assert over.p_mastery.tolist() == [0.9, 0.3, 0.3, 0.3]
    assert (over.lower <= over.p_correct).all()
    assert (over.p_correct <= over.upper).all()
    assert beliefs_overlay(CHAIN, seen, placed={}, words=(), config=CONFIG) is seen


@given(st.floats(0.0, 1.0), st.sampled_from(["knows", "not_yet"]))
def test_a_word_moves_a_belief_as_far_as_it_weighs(weight: float, says: str) -> None:
    seen = ManyBeliefs(
        *(np.full(4, value) for value in (0.55, 0.5, 0.4, 0.7)), n_observations=np.full(4, 3)
    )
    word = Word(skill_id=2, says=says, weight=weight)
    over = beliefs_overlay(CHAIN, seen, placed={}, words=(word,), config=CONFIG)
    aim = 1.0 if says == "knows" else 0.0
    assert over.p_mastery[2] == pytest.approx(0.5 + weight * (aim - 0.5))
    assert over.p_mastery[[0, 1, 3]].tolist() == [0.5] * 3
    assert seen.p_mastery[2] == 0.5


def test_a_word_halves_with_its_half_life() -> None:
    assert word_weight(age_days=0.0, half_life_days=30.0) == 1.0
    assert word_weight(age_days=30.0, half_life_days=30.0) == pytest.approx(0.5)
