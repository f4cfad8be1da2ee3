"""What a parent is worth on its child: against least squares by hand, and on made-up learners."""

import numpy as np
import pytest

from kt_models.arrays import ResponseArrays
from kt_models.psi_kt.gains import FIRST_ANSWERS, LEARNERS_LEAST, edge_gains
from tests.kt_models.conformance import make_log


def by_hand(data: ResponseArrays, parent: int, child: int) -> tuple[float, float]:
    """Return slope and standard error by numpy's least squares."""
    rows = []
    for learner in np.unique(data.learner):
        mine = np.flatnonzero(data.learner == learner)
        entries = [(int(row), int(s)) for row in mine for s in data.skill_index[
            data.skill_indptr[row] : data.skill_indptr[row + 1]]]  # fmt: skip
        of_child = [row for row, skill in entries if skill == child]
        if not of_child:
            continue
        of_parent = [row for row, skill in entries if skill == parent and row < of_child[0]]
        rest = [row for row, skill in entries if skill != child]
        if of_parent:
            rows.append([
                data.correct[of_child[:FIRST_ANSWERS]].mean(),
                1.0, data.correct[of_parent].mean(), data.correct[rest].mean(),
            ])  # fmt: skip
    y, x = np.array(rows)[:, 0], np.array(rows)[:, 1:]
    slopes, left, *_rest = np.linalg.lstsq(x, y, rcond=None)
    covariance = np.linalg.inv(x.T @ x) * left[0] / (len(y) - 3)
    return float(slopes[1]), float(np.sqrt(covariance[1, 1]))


def test_it_is_least_squares_beside_the_learner_s_level() -> None:
    data = make_log(2, n_learners=90, n_responses=30).merged().data
    found = edge_gains(data, data.skills)
    told = np.argwhere(np.isfinite(found["gain"]))
    assert len(told) > 4
    for parent, child in told.tolist():
        gain, sd = by_hand(data, parent, child)
        assert found["gain"][parent, child] == pytest.approx(gain, abs=1e-4)
        assert found["gain_sd"][parent, child] == pytest.approx(sd, abs=1e-4)


def classes(n: int, *, seed: int = 0) -> ResponseArrays:
    """Return learners of many levels: a is needed for c, b only goes with ability."""
    rng = np.random.default_rng(seed)
    columns: list[tuple[str, list[str], int, float]] = []
    for one in range(n):
        level = rng.uniform(0.2, 0.9)
        knows_a = rng.random() < level
        chance = {"a": 0.9 if knows_a else 0.2, "b": level, "d": level, "e": level,
                  "c": 0.25 + 0.35 * knows_a + 0.3 * level}  # fmt: skip
        at = 20_000.0
        for skill in "abdec":
            for _turn in range(8):
                at += 0.001
                right = int(rng.random() < chance[skill])
                columns.append((f"u{one}", [skill], right, at))
    learner, skills, correct, time = zip(*columns, strict=True)
    return ResponseArrays.from_columns(
        learner, None, skills, correct, np.array(time), time_unit="days"
    )


def test_a_prerequisite_stands_out_from_what_only_goes_with_ability() -> None:
    data = classes(400).merged().data
    found = edge_gains(data, data.skills)
    code = {str(skill): at for at, skill in enumerate(data.skills)}
    sure = found["gain"] / found["gain_sd"]
    assert sure[code["a"], code["c"]] > 6
    # Among equals more of b is less of the rest, of a too.
    assert sure[code["b"], code["c"]] < 0
    # Nobody met c before a.
    assert np.isnan(found["gain"][code["c"], code["a"]])
    assert np.isnan(found["gain"].diagonal()).all()


def test_too_few_learners_say_nothing() -> None:
    data = classes(LEARNERS_LEAST - 1).merged().data
    assert np.isnan(edge_gains(data, data.skills)["gain"]).all()


def test_a_learner_of_one_skill_is_passed_over() -> None:
    one = ResponseArrays.from_columns(
        ["x"] * 3, None, [["a"]] * 3, [1, 0, 1], 20_000.0 + np.arange(3), time_unit="days"
    )
    assert np.isnan(edge_gains(one, one.skills)["gain"]).all()
