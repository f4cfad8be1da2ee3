"""A kept placement test says what a replay says, and costs only the newest answer."""

import numpy as np
import pytest

from tests.tutor.scheduling.graphs import arrays_of
from tutor.scheduling.graph_arrays import GraphArrays
from tutor.scheduling.placement import PlacementConfig, PlacementTest, placement_replay
from tutor.scheduling.placement_kept import MOST_KEPT, kept_clear, lent_test

CONFIG = PlacementConfig(n_particles=100)
CHAIN = arrays_of(8, [(row, row + 1) for row in range(7)])
ANSWERS = [(3, True), (5, True), (6, False), (5, False), (2, True)]


@pytest.fixture
def taken_in(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The rows of the answers that any test was told."""
    kept_clear()
    rows: list[int] = []
    answer = PlacementTest.answer

    def told(test: PlacementTest, row: int, *, is_right: bool) -> None:
        rows.append(row)
        answer(test, row, is_right=is_right)

    monkeypatch.setattr(PlacementTest, "answer", told)
    return rows


def look(
    answers: list[tuple[int, bool]], *, seed: int = 4, arrays: GraphArrays = CHAIN
) -> tuple[int | None, list[float]]:
    with lent_test(seed, arrays, answers, config=CONFIG) as test:
        return test.question(), test.p_known.tolist()


def test_each_answer_is_taken_in_once_and_the_rest_is_as_replayed(taken_in: list[int]) -> None:
    for n in range(len(ANSWERS) + 1):
        question, p = look(ANSWERS[:n])
        assert look(ANSWERS[:n]) == (question, p)
    assert taken_in == [row for row, _ in ANSWERS]
    replayed = placement_replay(CHAIN, ANSWERS, seed=4, config=CONFIG)
    assert replayed.question() == question
    np.testing.assert_array_equal(replayed.p_known, p)


def test_an_answer_that_was_undone_is_forgotten(taken_in: list[int]) -> None:
    before = look(ANSWERS[:2])
    look([*ANSWERS[:2], (6, True)])
    assert look(ANSWERS[:2]) == before


def test_another_version_of_the_course_begins_anew(taken_in: list[int]) -> None:
    look(ANSWERS)
    longer = arrays_of(9, [(row, row + 1) for row in range(8)])
    assert len(look(ANSWERS, arrays=longer)[1]) == 9
    assert len(taken_in) == 2 * len(ANSWERS)


def test_only_so_many_are_kept(taken_in: list[int]) -> None:
    for seed in range(MOST_KEPT + 1):
        look(ANSWERS[:1], seed=seed)
    look(ANSWERS[:1], seed=MOST_KEPT)
    assert len(taken_in) == MOST_KEPT + 1
    look(ANSWERS[:1], seed=0)
    assert len(taken_in) == MOST_KEPT + 2
