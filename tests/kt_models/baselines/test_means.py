import numpy as np
import pytest

from kt_models.arrays import ResponseArrays
from kt_models.baselines.means import FittedMean, MeanTracer
from kt_models.errors import ArtifactError, ConfigError, DataError
from kt_models.evaluate.metrics import log_loss


@pytest.fixture
def log() -> ResponseArrays:
    return ResponseArrays.from_columns(
        ["a"] * 4 + ["b"] * 4,
        ["i", "i", "j", "j"] * 2,
        [["x"], ["x"], ["x", "y"], ["y"]] * 2,
        [1, 1, 0, 0, 1, 1, 1, 0],
        [0, 1, 2, 3] * 2,
        time_unit="index",
    )


def test_the_majority_model_says_the_base_rate_of_training(log: ResponseArrays) -> None:
    p = MeanTracer("majority").fit(log, seed=0).predict(log)
    assert p.tolist() == pytest.approx([6 / 10] * 8)


def test_the_learner_mean_moves_with_the_learner_alone(log: ResponseArrays) -> None:
    fitted = MeanTracer("learner_mean").fit(log, seed=0)
    mean, strength = fitted.means.mean, fitted.means.strength
    p = fitted.predict(log)
    expected = [(right + strength * mean) / (n + strength) for n, right in enumerate([0, 1, 2, 2])]
    assert p[:4].tolist() == pytest.approx(expected)
    assert p[4] == pytest.approx(mean)


def test_the_strength_of_the_prior_is_low_where_learners_differ_and_high_where_they_do_not() -> (
    None
):
    rng = np.random.default_rng(0)

    def strength(spread: float) -> float:
        p = np.repeat(1 / (1 + np.exp(-rng.normal(0, spread, 100))), 30)
        data = ResponseArrays.from_columns(
            np.repeat([f"l{n:03d}" for n in range(100)], 30),
            None,
            [["s"]] * 3000,
            (rng.random(3000) < p).astype(np.int8),
            np.tile(np.arange(30), 100),
            time_unit="index",
        )
        return MeanTracer("learner_mean").fit(data, seed=0).means.strength

    assert strength(3.0) <= 2.0
    assert strength(0.0) >= 32.0


def test_skills_and_items_are_drawn_towards_what_they_belong_to(log: ResponseArrays) -> None:
    by_skill = MeanTracer("skill_mean").fit(log, seed=0).predict(log)
    x, y = (5 + 10 * 0.6) / 16, (1 + 10 * 0.6) / 14
    assert by_skill[0] == pytest.approx(x)
    assert by_skill[2] == pytest.approx((x + y) / 2)
    by_item = MeanTracer("item_mean").fit(log, seed=0).predict(log)
    assert by_item[0] == pytest.approx((4 + 4 * x) / 8)
    assert log_loss(log.correct, by_item) < log_loss(log.correct, by_skill)


def test_unknown_names_and_empty_data_are_refused(log: ResponseArrays) -> None:
    with pytest.raises(ConfigError, match="'median'"):
        MeanTracer("median")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="no responses"):
        MeanTracer("majority").fit(log.take(np.zeros(0, dtype=np.int64)), seed=0)


def test_a_logistic_artifact_is_not_a_mean(log: ResponseArrays, tmp_path: object) -> None:
    from pathlib import Path

    from kt_models.baselines.logistic import FittedLogistic, LogisticTracer

    directory = Path(str(tmp_path))
    LogisticTracer("pfa").fit(log, seed=0).save(directory / "pfa")
    MeanTracer("majority").fit(log, seed=0).save(directory / "majority")
    with pytest.raises(ArtifactError, match="not a mean"):
        FittedMean.load(directory / "pfa")
    with pytest.raises(ArtifactError, match="not a logistic"):
        FittedLogistic.load(directory / "majority")
