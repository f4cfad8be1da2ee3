import numpy as np
from numpy.typing import NDArray

from kt_models.arrays import ResponseArrays
from kt_models.cakt.base import cross_fitted
from tests.kt_models.conformance import flip, make_log


def test_a_learner_s_answers_never_shape_their_own_cross_fitted_log_odds() -> None:
    log = make_log(0, n_learners=12, n_responses=8).merged().data
    rows = np.flatnonzero(log.learner == 3)

    def log_odds(data: ResponseArrays) -> NDArray[np.float64]:
        rng = np.random.default_rng(0)
        return cross_fitted(data, name="das3h_items", n_folds=2, seed=0, rng=rng)

    before, after = log_odds(log), log_odds(flip(log, [int(rows[-1])]))
    np.testing.assert_array_equal(after[rows], before[rows])
    assert (after != before).any()
