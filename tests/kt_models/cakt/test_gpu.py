"""On a GPU a network says what it says on the processor, trains, goes on and is saved there too."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from kt_models.arrays import ResponseArrays
from kt_models.cakt.batches import prepare
from kt_models.cakt.config import CAKTConfig
from kt_models.cakt.fit import entry_logits
from kt_models.cakt.model import CAKTTracer, FittedCAKT
from kt_models.cakt.network import CAKTNetwork
from tests.kt_models.conformance import make_log

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no GPU here")

TINY = CAKTConfig(
    frames=3, side=3, channels=(2, 1), batch_sequences=8, max_epochs=2, learning_rate=0.01,
    device="cuda",
)  # fmt: skip
BASE = replace(TINY, base="das3h_items", base_folds=2, dropout=0.2)
ROUGH = replace(TINY, precision="bfloat16")


class KilledError(Exception):
    """Stands for a worker that dies."""


@pytest.fixture(scope="module")
def log() -> ResponseArrays:
    return make_log(0).merged().data


@pytest.mark.parametrize("config", [TINY, BASE], ids=["paper", "base"])
def test_logits_are_those_of_the_processor(log: ResponseArrays, config: CAKTConfig) -> None:
    network = CAKTNetwork(len(log.skills), config)
    base = np.random.default_rng(0).normal(size=log.n_responses)
    prepared = prepare(log, log.skills, config=config, fold=None, base=base)
    on_processor = entry_logits(network, prepared)
    np.testing.assert_allclose(entry_logits(network.cuda(), prepared), on_processor, atol=1e-4)


@pytest.mark.parametrize("config", [TINY, BASE, ROUGH], ids=["paper", "base", "bfloat16"])
def test_a_fit_is_near_that_of_the_processor_and_is_saved(
    log: ResponseArrays, config: CAKTConfig, tmp_path: Path
) -> None:
    config = replace(config, dropout=0.0)
    on_gpu = CAKTTracer("cakt", config=config).fit(log, seed=0)
    on_processor = CAKTTracer("cakt", config=replace(config, device="cpu")).fit(log, seed=0)
    assert np.abs(on_gpu.predict(log) - on_processor.predict(log)).mean() < 0.05
    on_gpu.save(tmp_path / "one")
    np.testing.assert_array_equal(
        FittedCAKT.load(tmp_path / "one").predict(log), on_gpu.predict(log)
    )


def test_a_killed_training_goes_on(log: ResponseArrays, tmp_path: Path) -> None:
    def dies(share: float, message: str) -> None:
        if share == 1.0:
            raise KilledError

    tracer = CAKTTracer("cakt", config=BASE)
    with pytest.raises(KilledError):
        tracer.fit(log, seed=1, progress=dies, checkpoint=tmp_path)
    told: list[float] = []
    resumed = tracer.fit(
        log, seed=1, progress=lambda share, _: told.append(share), checkpoint=tmp_path
    )
    assert told == [1.0]
    whole = tracer.fit(log, seed=1).predict(log)
    np.testing.assert_allclose(resumed.predict(log), whole, atol=1e-3)
