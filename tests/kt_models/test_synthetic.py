"""Simulators say the truth about what they drew."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from kt_models.errors import ConfigError, DataError
from kt_models.synthetic import (
    PracticeTraits,
    Simulated,
    SimulatedLearner,
    simulate_bkt,
    simulate_ou,
    simulate_practice,
)

Simulator = Callable[..., Simulated[Any]]
SIMULATORS: list[Simulator] = [simulate_bkt, simulate_ou, simulate_practice]
SIZES = {"n_learners": 400, "n_responses": 50, "n_skills": 6}


@pytest.mark.parametrize("simulate", SIMULATORS)
def test_answers_come_out_as_often_as_their_true_chance_says(simulate: Simulator) -> None:
    log = simulate(np.random.default_rng(0), **SIZES)
    assert log.data.n_responses == 400 * 50
    assert ((log.p > 0) & (log.p < 1)).all()
    for low, high in ((0.0, 0.4), (0.4, 0.7), (0.7, 1.0)):
        within = (log.p >= low) & (log.p < high)
        if not within.any():
            continue
        share, expected = log.data.correct[within].mean(), log.p[within].mean()
        assert abs(share - expected) < 4 * 0.5 / np.sqrt(within.sum())


@pytest.mark.parametrize("simulate", SIMULATORS)
def test_the_same_seed_gives_the_same_log_and_another_seed_another(simulate: Simulator) -> None:
    one = simulate(np.random.default_rng(1), **SIZES)
    two = simulate(np.random.default_rng(1), **SIZES)
    other = simulate(np.random.default_rng(2), **SIZES)
    np.testing.assert_array_equal(one.data.correct, two.data.correct)
    np.testing.assert_array_equal(one.p, two.p)
    assert (one.data.correct != other.data.correct).any()


@pytest.mark.parametrize("simulate", SIMULATORS)
def test_sizes_below_one_are_refused(simulate: Simulator) -> None:
    with pytest.raises(ConfigError, match="n_skills is 0"):
        simulate(np.random.default_rng(0), **(SIZES | {"n_skills": 0}))


def test_bkt_answers_are_guesses_and_slips() -> None:
    log = simulate_bkt(np.random.default_rng(3), **SIZES)
    skill = log.data.skill_index
    is_known = np.isclose(log.p, 1 - log.truth.slip[skill])
    is_unknown = np.isclose(log.p, log.truth.guess[skill])
    assert (is_known | is_unknown).all()
    first = np.arange(len(skill)) % 50 == 0
    assert is_known[first].mean() < is_known[~first].mean()


def test_ou_knowledge_is_pulled_up_by_prerequisites_only() -> None:
    rng = np.random.default_rng(4)
    log = simulate_ou(rng, **(SIZES | {"n_learners": 50}), edge_share=0.5)
    edges = log.truth.edges
    assert (np.tril(edges) == 0).all()
    assert (edges > 0).any()
    assert (np.diff(log.data.time.reshape(50, 50), axis=1) >= 0).all()


def test_practice_raises_success_and_ability_spreads_it() -> None:
    log = simulate_practice(np.random.default_rng(5), **SIZES)
    p = log.p.reshape(400, 50)
    assert p[:, 35:].mean() > p[:, :15].mean() + 0.1
    assert np.corrcoef(log.truth.ability, p.mean(axis=1))[0, 1] > 0.7


def learner(seed: int = 0, **options: Any) -> SimulatedLearner:
    given: dict[str, Any] = {"ability": 0.0, "skills": ["a", "b"], "prerequisites": [("a", "b")]}
    return SimulatedLearner(np.random.default_rng(seed), **(given | options))


def practise(who: SimulatedLearner, skill: str, n: int, *, begin: float) -> None:
    for step in range(n):
        who.answer([skill], None, begin + step * 0.01)


def test_a_learner_gains_by_practice_and_forgets_by_a_power_law() -> None:
    who = learner()
    new = who.p_correct(["a"], None, 0.0)
    practise(who, "a", 8, begin=0.0)
    fresh = who.p_correct(["a"], None, 0.1)
    later = [who.mastery("a", 0.1 + gap) for gap in (0.0, 10.0, 100.0)]
    assert fresh > new + 0.2
    assert later[0] > later[1] > later[2] > 0
    # A power law loses less per day the longer it lasts.
    assert (later[0] - later[1]) / 10 > (later[1] - later[2]) / 90


def test_a_skill_is_learned_faster_once_its_prerequisite_is_known() -> None:
    ready, unready = learner(), learner()
    practise(ready, "a", 10, begin=0.0)
    for who in (ready, unready):
        practise(who, "b", 3, begin=1.0)
    assert ready.mastery("b", 1.1) > unready.mastery("b", 1.1)


def test_ability_and_difficulty_move_the_chance() -> None:
    weak, strong = learner(ability=-1.5), learner(ability=1.5)
    assert weak.p_correct(["a"], None, 0.0) < strong.p_correct(["a"], None, 0.0)
    hard = learner(item_difficulty={"hard": 2.0}, difficulty={"b": 1.0})
    assert hard.p_correct(["a"], "hard", 0.0) < hard.p_correct(["a"], "other", 0.0)
    assert hard.p_correct(["b"], None, 0.0) < hard.p_correct(["a"], None, 0.0)


def test_answers_keep_to_the_chance_and_hints_count_as_not_correct() -> None:
    traits = PracticeTraits(learn_rate=0.0, hint_tendency=0.5)
    who = learner(traits=traits)
    p = who.p_correct(["a"], None, 0.0)
    answers = [who.answer(["a", "b"][:1], None, 0.0) for _ in range(4000)]
    assert abs(np.mean([answer.is_correct for answer in answers]) - p) < 0.03
    hinted = [answer for answer in answers if answer.wants_hint]
    assert hinted
    assert not any(answer.is_correct for answer in hinted)
    assert all(answer.elapsed_ms >= 500 for answer in answers)


def test_unknown_skills_and_time_going_backwards_are_refused() -> None:
    who = learner()
    with pytest.raises(DataError, match="nope"):
        who.answer(["nope"], None, 0.0)
    with pytest.raises(DataError, match="at least one"):
        who.answer([], None, 0.0)
    who.answer(["a"], None, 5.0)
    with pytest.raises(DataError, match="earlier"):
        who.answer(["a"], None, 4.0)
    with pytest.raises(ConfigError, match="unknown skill"):
        learner(prerequisites=[("a", "z")])
