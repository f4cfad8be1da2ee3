import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn import metrics as peer

from kt_models.errors import DataError
from kt_models.evaluate.metrics import (
    auc,
    expected_calibration_error,
    log_loss,
    reliability_curve,
    roc_curve,
    score,
)

TIED = [0.0, 0.1, 0.25, 0.5, 0.5, 0.75, 0.9, 1.0]


def drawn(seed: int, *, n: int = 500) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    p = rng.choice(np.round(rng.random(40), 2), size=n)
    return (rng.random(n) < 0.2 + 0.6 * p).astype(np.int8), p


def auc_by_pairs(correct: np.ndarray, p: np.ndarray) -> float:
    right, wrong = p[correct == 1], p[correct == 0]
    gaps = right[:, None] - wrong[None, :]
    return float(((gaps > 0) + 0.5 * (gaps == 0)).mean())


@given(
    st.integers(2, 40).flatmap(
        lambda n: st.tuples(
            hnp.arrays(np.int8, n, elements=st.integers(0, 1)),
            hnp.arrays(np.float64, n, elements=st.sampled_from(TIED)),
        )
    )
)
def test_auc_is_the_share_of_ordered_pairs_with_ties_counted_half(
    rows: tuple[np.ndarray, np.ndarray],
) -> None:
    correct, p = rows
    if correct.min() == correct.max():
        assert np.isnan(auc(correct, p))
    else:
        assert auc(correct, p) == pytest.approx(auc_by_pairs(correct, p), abs=1e-12)


def test_scores_agree_with_scikit_learn() -> None:
    correct, p = drawn(1)
    found = score(correct, np.clip(p, 0.01, 0.99))
    p = np.clip(p, 0.01, 0.99)
    assert found.auc == pytest.approx(peer.roc_auc_score(correct, p))
    assert found.log_loss == pytest.approx(peer.log_loss(correct, p))
    assert found.brier == pytest.approx(peer.brier_score_loss(correct, p))
    assert found.rmse == pytest.approx(np.sqrt(found.brier))
    assert found.accuracy == pytest.approx(peer.accuracy_score(correct, p >= 0.5))
    assert found.f1 == pytest.approx(peer.f1_score(correct, p >= 0.5))
    assert found.mean_correct == pytest.approx(correct.mean())


def test_a_certain_wrong_prediction_costs_much_but_not_everything() -> None:
    assert log_loss([1, 0], [0.0, 0.0]) == pytest.approx(-np.log(1e-12) / 2)


def test_a_constant_at_the_base_rate_is_calibrated_whatever_the_order_of_rows() -> None:
    correct = np.repeat([1, 0], [300, 100])
    assert expected_calibration_error(correct, np.full(400, 0.75)) == pytest.approx(0.0)


def test_calibration_error_is_the_mean_gap_of_the_bins() -> None:
    correct = np.array([0, 0, 0, 1] * 25 + [1, 1, 1, 0] * 25)
    p = np.repeat([0.45, 0.75], 100)
    assert expected_calibration_error(correct, p, bins=2) == pytest.approx(0.5 * 0.2)
    curve = reliability_curve(correct, p, bins=2)
    assert curve.mean_p.tolist() == pytest.approx([0.45, 0.75])
    assert curve.mean_correct.tolist() == pytest.approx([0.25, 0.75])
    assert curve.n.tolist() == [100, 100]


def test_the_area_under_the_drawn_roc_curve_is_the_auc() -> None:
    correct, p = drawn(2)
    curve = roc_curve(correct, p, points=10_000)
    area = np.trapezoid(curve.true_positive_rate, curve.false_positive_rate)
    assert area == pytest.approx(auc(correct, p))
    assert (curve.false_positive_rate[-1], curve.true_positive_rate[-1]) == (1.0, 1.0)
    assert len(roc_curve(correct, p, points=5).true_positive_rate) <= 6


@pytest.mark.parametrize(
    ("correct", "p", "said"),
    [
        ([0, 2], [0.5, 0.5], "row 1"),
        ([0, 1], [0.5, 1.2], "row 1"),
        ([0, 1], [float("nan"), 0.5], "row 0"),
        ([0], [0.5, 0.5], "one length"),
        ([], [], "no predictions"),
    ],
)
def test_what_cannot_be_scored_is_refused_by_row(
    correct: list[int], p: list[float], said: str
) -> None:
    with pytest.raises(DataError, match=said):
        score(correct, p)


def test_a_roc_curve_of_one_class_is_refused() -> None:
    with pytest.raises(DataError, match="right and wrong"):
        roc_curve([1, 1], [0.2, 0.4])
