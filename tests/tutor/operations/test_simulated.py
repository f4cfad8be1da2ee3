"""The simulator's truth: practice helps, time takes away, prerequisites hold back."""

from datetime import UTC, datetime
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutor.operations.simulated import (
    GUESS,
    SLIP,
    Character,
    SimulatedLearner,
    character_draw,
    sittings_draw,
)

SKILLS = (1, 2, 3)
PARENTS = {2: (1,), 3: (1, 2)}
FIRST_DAY = datetime(2026, 2, 2, 12, tzinfo=UTC)


def learner(ability: float = 0.0, half_life_days: float = 10.0) -> SimulatedLearner:
    return SimulatedLearner(
        Character(
            ability=ability,
            gain=0.6,
            half_life_days=half_life_days,
            help_seeking=0.2,
            n_sittings=5,
        ),
        skill_ids=SKILLS,
        parents=PARENTS,
    )


def test_practice_raises_what_is_known() -> None:
    mind = learner()
    before = mind.p_known(1, at_days=0.0)
    mind.practise([1], is_correct=True, at_days=0.0)
    assert mind.p_known(1, at_days=0.0) > before


def test_knowledge_fades_by_half_in_a_half_life() -> None:
    mind = learner(half_life_days=10.0)
    never = mind.p_known(1, at_days=0.0)
    mind.practise([1], is_correct=True, at_days=0.0)
    fresh, late, later = (mind.p_known(1, at_days=day) for day in (0.0, 10.0, 1000.0))
    assert fresh > late > later
    assert later == pytest.approx(never, abs=1e-9)


def test_what_is_repeated_fades_more_slowly() -> None:
    once, often = learner(), learner()
    once.practise([1], is_correct=True, at_days=0.0)
    for _ in range(5):
        often.practise([1], is_correct=True, at_days=0.0)

    def kept(mind: SimulatedLearner) -> float:
        return mind._retained(1, at_days=20.0) / mind._retained(1, at_days=0.0)

    assert kept(often) > kept(once)


def test_practising_a_prerequisite_lifts_what_builds_on_it() -> None:
    mind = learner()
    before = mind.p_known(3, at_days=0.0)
    mind.practise([1], is_correct=True, at_days=0.0)
    assert mind.p_known(3, at_days=0.0) > before


def test_a_later_skill_does_not_help_its_prerequisite() -> None:
    mind = learner()
    before = mind.p_known(1, at_days=0.0)
    mind.practise([3], is_correct=True, at_days=0.0)
    assert mind.p_known(1, at_days=0.0) == before


@given(st.floats(-6, 6), st.lists(st.tuples(st.sampled_from(SKILLS), st.booleans()), max_size=20))
def test_chances_stay_between_guess_and_slip(ability: float, deeds: list[tuple[int, bool]]) -> None:
    mind = learner(ability)
    for day, (skill_id, is_correct) in enumerate(deeds):
        mind.practise([skill_id], is_correct=is_correct, at_days=float(day))
    p_correct = mind.p_correct([1, 3], at_days=float(len(deeds)))
    assert GUESS <= p_correct <= 1 - SLIP


def test_a_class_is_spread_from_slow_to_fast() -> None:
    slow, fast = (character_draw(Random(4), place=place) for place in (0.0, 1.0))
    assert fast.ability - slow.ability > 2


@given(st.integers(0, 10**6), st.integers(1, 40))
def test_sittings_are_in_order_on_different_days_in_school_hours(seed: int, n: int) -> None:
    sittings = sittings_draw(Random(seed), n_sittings=n, first_day=FIRST_DAY, n_days=28)
    days = [sitting.starts_at.date() for sitting in sittings]
    assert len(days) == min(n, 28)
    assert days == sorted(set(days))
    assert all(8 <= sitting.starts_at.hour < 18 for sitting in sittings)
