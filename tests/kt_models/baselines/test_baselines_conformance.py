"""Every baseline keeps the contract of models, on times and on order indexes."""

from pathlib import Path

import numpy as np
import pytest

from kt_models.arrays import ResponseArrays
from kt_models.baselines.serving import HistoryServing
from kt_models.errors import StateError
from kt_models.protocol import AnyFittedTracer
from kt_models.registry import load_tracer
from tests.kt_models.conformance import TracerConformance, flip, make_log

NAMES = ["learner_mean", "item_mean", "pfa", "das3h_items"]


class TestOnDays(TracerConformance):
    @pytest.fixture(scope="class", params=NAMES)
    @classmethod
    def fitted(cls, log: ResponseArrays, request: pytest.FixtureRequest) -> AnyFittedTracer:
        return load_tracer(request.param).fit(log, seed=0)


class TestOnIndexes(TracerConformance):
    time_unit = "index"

    @pytest.fixture(scope="class", params=["majority", "skill_mean", "das3h"])
    @classmethod
    def fitted(cls, log: ResponseArrays, request: pytest.FixtureRequest) -> AnyFittedTracer:
        return load_tracer(request.param).fit(log, seed=0)


def test_a_leak_is_caught_by_the_look_ahead_test(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The suite would notice a model that reads the answer which it predicts."""
    log = make_log(0)
    fitted = load_tracer("learner_mean").fit(log, seed=0)
    honest = fitted.predict
    suite = TracerConformance()
    suite.test_an_answer_never_changes_its_own_or_earlier_predictions(fitted, log)

    def leaky(data: ResponseArrays) -> np.ndarray:
        return 0.9 * honest(data) + 0.1 * data.correct

    monkeypatch.setattr(fitted, "predict", leaky)
    with pytest.raises(AssertionError):
        suite.test_an_answer_never_changes_its_own_or_earlier_predictions(fitted, log)
    rows = [3]
    assert (leaky(flip(log, rows)) != leaky(log))[3]


def test_a_history_of_a_newer_version_is_refused() -> None:
    fitted = load_tracer("majority").fit(make_log(0), seed=0)
    assert isinstance(fitted, HistoryServing)
    with pytest.raises(StateError, match="version 9"):
        fitted.load_state(b'{"version": 9, "rows": []}')
