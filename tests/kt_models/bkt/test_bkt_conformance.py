"""BKT, with and without each variant, keeps the contract of models."""

from dataclasses import replace

import numpy as np
import pytest

from kt_models.arrays import ResponseArrays
from kt_models.bkt.filter import FittedBKT
from kt_models.bkt.fit import BKT, BKTConfig
from kt_models.bkt.parameters import LearnerClasses, PairParameters
from tests.kt_models.conformance import TracerConformance, flip, make_log, replay


class TestDefaults(TracerConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def fitted(cls, log: ResponseArrays) -> FittedBKT:
        return FittedBKT.with_defaults()


class TestFitted(TracerConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def fitted(cls, log: ResponseArrays) -> FittedBKT:
        return BKT(BKTConfig(forgets=True, n_starts=2)).fit(log, seed=0)


class TestOnIndexes(TracerConformance):
    time_unit = "index"

    @pytest.fixture(scope="class")
    @classmethod
    def fitted(cls, log: ResponseArrays) -> FittedBKT:
        return BKT(BKTConfig(n_starts=2)).fit(log, seed=0)


def _everything_at_once(log: ResponseArrays) -> FittedBKT:
    """Rates of pairs and classes drawn far apart, so that any mix-up would show."""
    rng = np.random.default_rng(3)
    n, n_items = len(log.skills), len(log.items)
    skill, item = np.divmod(np.arange((n - 1) * n_items), n_items)
    base = BKT(BKTConfig(n_starts=1)).fit(log, seed=0).parameters
    pairs = PairParameters(
        skill=skill,
        item=item,
        guess=rng.uniform(0.05, 0.45, len(skill)),
        slip=rng.uniform(0.05, 0.45, len(skill)),
        learn=rng.uniform(0.05, 0.45, len(skill)),
    )
    return FittedBKT(
        replace(
            base,
            items=log.items,
            prior=rng.uniform(0.1, 0.9, (n + 1, 3)),
            forget=rng.uniform(0.0, 0.2, n + 1),
            classes=LearnerClasses(edges=np.array([0.45, 0.55])),
            pairs=pairs,
        )
    )


class TestAllVariants(TracerConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def fitted(cls, log: ResponseArrays) -> FittedBKT:
        return _everything_at_once(log)


class TestConjunctive(TracerConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def fitted(cls, log: ResponseArrays) -> FittedBKT:
        parameters = _everything_at_once(log).parameters
        return FittedBKT(replace(parameters, multi_skill="conjunctive"))


class _Leaky(FittedBKT):
    """Adds a trace of each answer to its own prediction: what the suite must catch."""

    def predict(self, data: ResponseArrays) -> np.typing.NDArray[np.float64]:
        return 0.999 * super().predict(data) + 0.001 * data.correct


def test_the_suite_catches_a_leak() -> None:
    log = make_log(0)
    leaky = _Leaky(FittedBKT.with_defaults().parameters)
    suite = TracerConformance()
    with pytest.raises(AssertionError):
        suite.test_an_answer_never_changes_its_own_or_earlier_predictions(leaky, log)
    with pytest.raises(AssertionError):
        suite.test_online_equals_batch(leaky, log)


def test_seconds_and_days_give_the_same_predictions() -> None:
    log = make_log(1)
    seconds = replace(log, time=log.time * 86_400.0, time_unit="seconds")
    fitted = FittedBKT.with_defaults()
    np.testing.assert_allclose(fitted.predict(seconds), fitted.predict(log), atol=1e-9)
    np.testing.assert_allclose(replay(fitted, seconds), fitted.predict(log), atol=1e-9)


def test_a_wrong_answer_lowers_the_next_prediction_of_its_skill() -> None:
    log = make_log(2)
    fitted = FittedBKT.with_defaults()
    rows = np.flatnonzero(log.learner == 4)
    skills = set(log.skills_of(int(rows[0])))
    later = next(int(row) for row in rows[1:] if skills & set(log.skills_of(int(row))))
    right = flip(log, [int(rows[0])]) if not log.correct[rows[0]] else log
    wrong = flip(right, [int(rows[0])])
    assert fitted.predict(wrong)[later] < fitted.predict(right)[later]
