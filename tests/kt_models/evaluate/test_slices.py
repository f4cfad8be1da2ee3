import numpy as np
import pytest

from kt_models.arrays import ResponseArrays
from kt_models.errors import DataError
from kt_models.evaluate.metrics import score
from kt_models.evaluate.slices import (
    by_history_length,
    by_learner_group,
    by_position,
    by_skill,
    fuse_mean,
)


@pytest.fixture
def log() -> ResponseArrays:
    return ResponseArrays.from_columns(
        ["a"] * 4 + ["b"] * 2,
        None,
        [["x"], ["x", "y"], ["y"], ["x"], ["y"], ["x"]],
        [1, 0, 1, 1, 0, 1],
        [0, 1, 2, 3, 0, 1],
        time_unit="index",
    )


P = np.array([0.9, 0.4, 0.6, 0.7, 0.3, 0.2])


def test_a_response_with_two_skills_counts_in_both(log: ResponseArrays) -> None:
    found = {part.name: part.scores for part in by_skill(log, P, min_responses=1)}
    assert found["x"] == score([1, 0, 1, 1], [0.9, 0.4, 0.7, 0.2])
    assert found["y"] == score([0, 1, 0], [0.4, 0.6, 0.3])


def test_rare_skills_are_left_out(log: ResponseArrays) -> None:
    assert [part.name for part in by_skill(log, P, min_responses=4)] == ["x"]


def test_positions_count_the_answers_before(log: ResponseArrays) -> None:
    found = {part.name: part.scores for part in by_position(log, P, edges=(0, 1, 3))}
    assert found["0-0"] == score([1, 0], [0.9, 0.3])
    assert found["1-2"] == score([0, 1, 1], [0.4, 0.6, 0.2])
    assert (found["3+"].n, found["3+"].mean_p) == (1, 0.7)


def test_learners_group_by_length_and_by_name(log: ResponseArrays) -> None:
    by_length = {part.name: part.scores.n for part in by_history_length(log, P, edges=(0, 3))}
    assert by_length == {"0-2": 2, "3+": 4}
    named = {part.name: part.scores for part in by_learner_group(log, P, ["late", "early"])}
    assert named["early"] == score([0, 1], [0.3, 0.2])


def test_groups_must_name_every_learner(log: ResponseArrays) -> None:
    with pytest.raises(DataError, match="there are 2"):
        by_learner_group(log, P, ["only one"])


def test_skills_fuse_to_their_mean(log: ResponseArrays) -> None:
    per_skill = np.array([0.9, 0.2, 0.6, 0.6, 0.7, 0.3, 0.2])
    assert fuse_mean(per_skill, log.skill_indptr).tolist() == pytest.approx(P.tolist())


def test_predictions_that_do_not_fit_the_responses_are_refused(log: ResponseArrays) -> None:
    with pytest.raises(DataError, match="6 predictions"):
        fuse_mean(P, log.skill_indptr)
