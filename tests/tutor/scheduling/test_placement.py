"""Placement: few questions, answers that move through the graph, resumable anywhere."""

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.tutor.scheduling.graphs import arrays_of
from tutor.scheduling.placement import (
    PlacementConfig,
    PlacementTest,
    fringe_of,
    opened_by,
    placement_replay,
)

CHAIN = arrays_of(12, [(k, k + 1) for k in range(11)])
CONFIG = PlacementConfig(n_particles=200)


def test_one_right_answer_speaks_for_what_comes_before() -> None:
    before = placement_replay(CHAIN, [], seed=1, config=CONFIG).p_known
    after = placement_replay(CHAIN, [(6, True), (6, True)], seed=1, config=CONFIG).p_known
    assert (after[:7] > before[:7]).all()
    assert after[3] > 0.9


def test_one_wrong_answer_speaks_against_what_comes_after() -> None:
    before = placement_replay(CHAIN, [], seed=1, config=CONFIG).p_known
    after = placement_replay(CHAIN, [(3, False), (3, False)], seed=1, config=CONFIG).p_known
    assert (after[3:] <= before[3:]).all()
    assert after[8] < 0.1


def test_whoever_knows_the_half_is_placed_there() -> None:
    rng = np.random.default_rng(4)
    test = PlacementTest(CHAIN, rng=rng, config=CONFIG)
    while (row := test.question()) is not None:
        test.answer(row, is_right=row < 6)
    assert test.n_answers < 12
    assert np.flatnonzero(fringe_of(CHAIN, test.p_known, config=CONFIG)).tolist() == [6]
    assert opened_by(CHAIN, test.p_known, config=CONFIG)[:7].all()


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 40), st.integers(0, 10_000), st.floats(0.0, 1.0))
@example(10, 0, 1.0)
def test_it_ends_within_its_questions_whatever_is_answered(n: int, seed: int, share: float) -> None:
    arrays = arrays_of(n, [(k // 2, k) for k in range(1, n)])
    config = PlacementConfig(n_particles=60)
    rng = np.random.default_rng(seed)
    test = PlacementTest(arrays, rng=np.random.default_rng(seed), config=config)
    while (row := test.question()) is not None:
        test.answer(row, is_right=bool(rng.random() < share))
        assert test.n_answers <= config.most_questions
    p = test.p_known
    assert ((p >= 0) & (p <= 1)).all()
    # A prerequisite is never less likely known than what is built on it.
    assert (p[arrays.edge_parent] >= p[arrays.edge_child] - 1e-9).all()


def test_resumed_it_asks_what_it_would_have_asked() -> None:
    test = PlacementTest(CHAIN, rng=np.random.default_rng(9), config=CONFIG)
    answers: list[tuple[int, bool]] = []
    while (row := test.question()) is not None and len(answers) < 8:
        resumed = placement_replay(CHAIN, answers, seed=9, config=CONFIG)
        assert resumed.question() == row
        answers.append((row, row % 3 > 0))
        test.answer(row, is_right=row % 3 > 0)
