"""The policy on graphs small enough to work by hand, and its promises on any graph."""

from dataclasses import dataclass, replace
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.tutor.scheduling.graphs import Graph, graph_of
from tutor.scheduling.graph_arrays import graph_arrays
from tutor.scheduling.policies import (
    Choice,
    Kind,
    Past,
    StepwisePolicy,
    choose,
    is_wheel_spinning,
)
from tutor.scheduling.statuses import (
    PolicyConfig,
    SkillStatus,
    Standing,
    Status,
    one_learner,
    standing_arrays,
    statuses_compute,
    statuses_many,
)

CONFIG = PolicyConfig()


@dataclass(frozen=True)
class Beliefs:
    p_correct: NDArray[np.float64]
    p_mastery: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    n_observations: NDArray[np.int64]


def beliefs_of(p_mastery: list[float], n: list[int] | None = None) -> Beliefs:
    mastery = np.array(p_mastery)
    p_correct = 0.2 + 0.7 * mastery
    return Beliefs(
        p_correct=p_correct,
        p_mastery=mastery,
        lower=p_correct - 0.15,
        upper=np.minimum(p_correct + 0.1, 1.0),
        n_observations=np.array(n or [5] * len(p_mastery)),
    )


def statuses(
    graph: Graph,
    beliefs: Beliefs,
    standings: dict[int, Standing] | None = None,
) -> dict[int, SkillStatus]:
    return statuses_compute(
        graph,
        beliefs,
        standings or {},
        config=CONFIG,
    )


CHAIN = graph_of(3, [(0, 1), (1, 2)])


def chosen(
    graph: Graph,
    beliefs: Beliefs,
    standings: dict[int, Standing] | None = None,
    past: Past | None = None,
    *,
    rng: Random | None = None,
) -> Choice:
    arrays = graph_arrays(graph)
    remembered = standing_arrays(arrays, standings or {})
    return choose(
        StepwisePolicy(),
        arrays,
        beliefs,
        statuses_many(arrays, one_learner(beliefs), remembered, config=CONFIG),
        past=past or Past(),
        rng=rng or Random(1),
        config=CONFIG,
    )


def test_a_newcomer_has_the_roots_ready_and_the_rest_locked() -> None:
    found = statuses(CHAIN, beliefs_of([0.3, 0.3, 0.3], [0, 0, 0]))
    assert [found[k].status for k in range(3)] == [Status.READY, Status.LOCKED, Status.LOCKED]
    assert found[1].held_by == (0,)


def test_a_skill_opens_when_its_prerequisite_is_known() -> None:
    found = statuses(CHAIN, beliefs_of([0.92, 0.3, 0.3], [4, 0, 0]))
    assert found[1].status is Status.READY
    assert found[2].status is Status.LOCKED


def test_what_is_open_stays_open_when_the_prerequisite_falls() -> None:
    found = statuses(CHAIN, beliefs_of([0.2, 0.3, 0.3], [9, 2, 0]), {1: Standing(is_open=True)})
    assert found[1].status is Status.LEARNING


def test_mastery_is_entered_high_and_left_low() -> None:
    one = graph_of(1, [])
    fresh, held = (
        Standing(is_open=True),
        Standing(is_open=True, is_mastered=True, was_mastered=True),
    )
    lost = Standing(is_open=True, was_mastered=True)
    assert statuses(one, beliefs_of([0.94]), {0: fresh})[0].status is Status.LEARNING
    assert statuses(one, beliefs_of([0.95]), {0: fresh})[0].status is Status.MASTERED
    assert statuses(one, beliefs_of([0.81]), {0: held})[0].status is Status.MASTERED
    assert statuses(one, beliefs_of([0.79]), {0: held})[0].status is Status.REVIEW_DUE
    assert statuses(one, beliefs_of([0.94]), {0: lost})[0].status is Status.REVIEW_DUE
    assert statuses(one, beliefs_of([0.96]), {0: lost})[0].status is Status.MASTERED


def test_two_lucky_answers_are_not_mastery() -> None:
    found = statuses(graph_of(1, []), beliefs_of([0.99], [2]))
    assert found[0].status is Status.LEARNING


def test_a_skill_without_steps_is_unknown_and_never_offered() -> None:
    graph = replace(CHAIN, practisable=frozenset({0, 2}))
    beliefs = beliefs_of([0.3, 0.3, 0.3], [0, 0, 0])
    found = statuses(graph, beliefs)
    assert found[1].status is Status.UNKNOWN
    assert [c.skill_id for c in chosen(graph, beliefs).candidates] == [0]


def test_what_has_nothing_fresh_left_is_not_asked_again_in_the_sitting() -> None:
    graph = graph_of(2, [])
    beliefs = beliefs_of([0.5, 0.5], [3, 3])
    one = chosen(graph, beliefs, None, Past(exhausted=frozenset({0})))
    assert [c.skill_id for c in one.candidates] == [1]
    none = chosen(graph, beliefs, None, Past(exhausted=frozenset({0, 1})))
    assert none.drawn is None


def test_candidates_are_the_fringe_and_what_is_due() -> None:
    graph = graph_of(4, [(0, 1), (1, 2)])
    standings = {0: Standing(is_open=True, is_mastered=True, was_mastered=True)}
    beliefs = beliefs_of([0.7, 0.5, 0.3, 0.3], [9, 3, 0, 0])
    choice = chosen(graph, beliefs, standings)
    assert {(c.skill_id, c.kind) for c in choice.candidates} == {
        (0, Kind.REVIEW),
        (1, Kind.PRACTISE),
        (3, Kind.LEARN),
    }


def test_a_skill_that_opens_more_is_preferred() -> None:
    graph = graph_of(5, [(0, 1), (1, 2), (2, 3)])
    beliefs = beliefs_of([0.3] * 5, [0] * 5)
    choice = chosen(graph, beliefs)
    assert [c.skill_id for c in choice.candidates] == [0, 4]
    assert choice.candidates[0].reason_values["unlocks"] == 3


def test_a_skill_that_just_succeeded_gives_way() -> None:
    graph = graph_of(2, [])
    beliefs = beliefs_of([0.5, 0.5], [3, 3])
    past = Past(observations=(((0,), True),))
    assert chosen(graph, beliefs, None, past).candidates[0].skill_id == 1
    missed = Past(observations=(((0,), False),))
    assert chosen(graph, beliefs, None, missed).candidates[0].skill_id == 0


def test_what_was_begun_is_finished_before_something_new_begins() -> None:
    graph = graph_of(2, [])
    beliefs = beliefs_of([0.3, 0.3], [0, 3])
    waits = chosen(graph, beliefs)
    assert [c.kind for c in waits.candidates] == [Kind.PRACTISE, Kind.LEARN]
    assert waits.candidates[0].propensity > 0.95
    # Asked today already, it has had its share: now the new one comes first.
    had_it = chosen(graph, beliefs, None, Past(observations=(((1,), False),), n_today=1))
    assert [c.kind for c in had_it.candidates] == [Kind.LEARN, Kind.PRACTISE]


def test_what_has_had_its_share_still_comes_when_nothing_else_is_left() -> None:
    graph = graph_of(1, [])
    past = Past(observations=(((0,), True), ((0,), True)), n_today=2)
    assert chosen(graph, beliefs_of([0.5], [2]), None, past).drawn == 0


def test_drilling_stops_after_ten_without_three_in_a_row() -> None:
    graph = graph_of(2, [(0, 1)])
    beliefs = beliefs_of([0.7, 0.3], [5, 10])
    standings = {1: Standing(is_open=True), 0: Standing(is_open=True)}
    past = Past(observations=(((1,), True), ((1,), True), ((1,), False)) * 4)
    choice = chosen(graph, beliefs, standings, past)
    assert [(c.skill_id, c.kind) for c in choice.candidates] == [(0, Kind.REMEDIAL)]


@pytest.mark.parametrize(
    ("outcomes", "is_spinning"),
    [
        ([False] * 9, False),
        ([False] * 10, True),
        ([True, True, False] * 4, True),
        ([False] * 9 + [True] * 3, False),
    ],
)
def test_wheel_spinning_is_ten_without_three_in_a_row(
    outcomes: list[bool], is_spinning: bool
) -> None:
    assert is_wheel_spinning(outcomes, config=CONFIG) is is_spinning


def test_new_skills_wait_for_tomorrow_once_the_day_had_enough() -> None:
    graph = graph_of(2, [])
    beliefs = beliefs_of([0.3, 0.5], [0, 3])
    past = Past(new_skills_today=CONFIG.most_new_skills_a_day)
    choice = chosen(graph, beliefs, None, past)
    assert [c.kind for c in choice.candidates] == [Kind.PRACTISE]


def test_a_cap_never_leaves_a_learner_with_nothing() -> None:
    graph = graph_of(1, [])
    beliefs = beliefs_of([0.3], [0])
    past = Past(new_skills_today=99)
    assert chosen(graph, beliefs, None, past).drawn == 0


def test_nothing_is_offered_when_all_is_mastered() -> None:
    graph = graph_of(1, [])
    beliefs = beliefs_of([0.99])
    choice = chosen(graph, beliefs)
    assert (choice.candidates, choice.drawn) == ((), None)


@st.composite
def situations(draw: st.DrawFn) -> tuple[Graph, Beliefs, dict[int, Standing]]:
    n = draw(st.integers(1, 12))
    edges = draw(
        st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), max_size=20).map(
            lambda pairs: sorted({(min(p), max(p)) for p in pairs if p[0] != p[1]})
        )
    )
    mastery = draw(st.lists(st.floats(0, 1), min_size=n, max_size=n))
    counts = draw(st.lists(st.integers(0, 20), min_size=n, max_size=n))
    standings = draw(
        st.dictionaries(
            st.integers(0, n - 1),
            st.builds(Standing, is_open=st.booleans(), is_mastered=st.booleans()),
        )
    )
    return graph_of(n, edges), beliefs_of(mastery, counts), standings


@given(situations(), st.integers(0, 2**32))
def test_the_draw_has_a_propensity_and_every_candidate_may_be_drawn(
    situation: tuple[Graph, Beliefs, dict[int, Standing]], seed: int
) -> None:
    graph, beliefs, standings = situation
    found = statuses(graph, beliefs, standings)
    choice = chosen(graph, beliefs, standings, rng=Random(seed))
    if choice.drawn is None:
        assert all(s.status in {Status.MASTERED, Status.LOCKED} for s in found.values())
        return
    propensities = [candidate.propensity for candidate in choice.candidates]
    assert sum(propensities) == pytest.approx(1)
    assert min(propensities) >= CONFIG.epsilon / len(propensities)
    scores = [candidate.score for candidate in choice.candidates]
    assert scores == sorted(scores, reverse=True)
    assert all(
        candidate.score == pytest.approx(sum(candidate.terms.values()))
        for candidate in choice.candidates
    )
    again = chosen(graph, beliefs, standings, rng=Random(seed))
    assert again == choice


@given(situations())
def test_nothing_locked_is_ever_offered(
    situation: tuple[Graph, Beliefs, dict[int, Standing]],
) -> None:
    graph, beliefs, standings = situation
    found = statuses(graph, beliefs, standings)
    choice = chosen(graph, beliefs, standings)
    assert all(found[c.skill_id].status is not Status.LOCKED for c in choice.candidates)


def test_draws_follow_their_propensities() -> None:
    graph = graph_of(3, [])
    beliefs = beliefs_of([0.2, 0.5, 0.8], [3, 3, 3])
    rng = Random(7)
    choices = [chosen(graph, beliefs, rng=rng) for _ in range(2000)]
    shares = np.bincount([choice.drawn or 0 for choice in choices], minlength=3) / len(choices)
    expected = [candidate.propensity for candidate in choices[0].candidates]
    assert np.abs(shares - expected).max() < 0.04
