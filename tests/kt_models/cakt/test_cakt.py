from dataclasses import replace

import pytest
import torch

from kt_models.arrays import ResponseArrays
from kt_models.cakt.config import CAKTConfig
from kt_models.cakt.model import CAKTTracer, FittedCAKT
from tests.kt_models.conformance import TracerConformance

TINY = CAKTConfig(
    frames=3, side=3, channels=(2, 1), batch_sequences=8, max_epochs=2, learning_rate=0.01,
    device="cpu",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


class TestConformance(TracerConformance):
    # Single precision: the batch and one step at a time add up in another order.
    tolerance = 3e-6

    @pytest.fixture(scope="class")
    @classmethod
    def fitted(cls, log: ResponseArrays) -> FittedCAKT:
        return CAKTTracer("cakt_small", config=TINY).fit(log, seed=0)


class TestFoldedConformance(TracerConformance):
    """Short runs at prediction, the window of the response before, and a log without times."""

    tolerance = 3e-6
    time_unit = "index"

    @pytest.fixture(scope="class")
    @classmethod
    def fitted(cls, log: ResponseArrays) -> FittedCAKT:
        config = replace(TINY, max_epochs=1, fold=5, predict_fold=5, window="current")
        return CAKTTracer("cakt", config=config).fit(log, seed=0)


class TestAblatedConformance(TracerConformance):
    tolerance = 3e-6

    @pytest.fixture(scope="class")
    @classmethod
    def fitted(cls, log: ResponseArrays) -> FittedCAKT:
        config = replace(TINY, max_epochs=1, decays=False, convolves=False, has_gates=False)
        return CAKTTracer("cakt", config=config).fit(log, seed=0)


class TestPlusConformance(TracerConformance):
    """With the logistic model that it starts from."""

    tolerance = 3e-6

    @pytest.fixture(scope="class")
    @classmethod
    def fitted(cls, log: ResponseArrays) -> FittedCAKT:
        config = replace(TINY, max_epochs=1, base="das3h_items", base_folds=2, dropout=0.2)
        return CAKTTracer("cakt_plus", config=config).fit(log, seed=0)


class TestPlusWithoutTimesConformance(TestPlusConformance):
    time_unit = "index"
