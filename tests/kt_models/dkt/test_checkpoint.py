"""A killed training goes on to the same network; a checkpoint of another fit is left alone."""

from pathlib import Path

import numpy as np
import pytest
import torch

from kt_models.arrays import ResponseArrays
from kt_models.dkt.config import DKTConfig
from kt_models.dkt.model import DKTTracer, FittedDKT
from kt_models.networks.checkpoint import FILE_NAME

CONFIG = DKTConfig(hidden=8, embedding=4, max_epochs=5, patience=5, batch_responses=200)


class KilledError(Exception):
    """Stands for a worker that dies."""


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def data() -> ResponseArrays:
    rng = np.random.default_rng(3)
    n, each = 30, 20
    learner = np.repeat([f"l{i:02}" for i in range(n)], each)
    skill = rng.choice(["a", "b", "c"], size=n * each)
    correct = rng.random(n * each) < np.where(skill == "a", 0.8, 0.4)
    time = np.tile(np.arange(each, dtype=float), n)
    return ResponseArrays.from_columns(
        learner, None, skill, correct.astype(int), time, time_unit="days"
    )


def fit(data: ResponseArrays, checkpoint: Path | None, *, dies_after: float = 2.0) -> FittedDKT:
    def progress(share: float, message: str) -> None:
        if share >= dies_after:
            raise KilledError

    return DKTTracer(config=CONFIG).fit(data, seed=1, progress=progress, checkpoint=checkpoint)


def kill_midway(data: ResponseArrays, checkpoint: Path) -> None:
    # The progress of an epoch is told before it is kept: dying at 0.6 leaves two epochs.
    with pytest.raises(KilledError):
        fit(data, checkpoint, dies_after=0.6)


def test_a_killed_training_ends_as_if_it_had_never_stopped(
    data: ResponseArrays, tmp_path: Path
) -> None:
    kill_midway(data, tmp_path)
    resumed, whole = fit(data, tmp_path), fit(data, None)
    assert np.array_equal(resumed.predict(data), whole.predict(data))


def test_a_resumed_training_does_not_begin_again(data: ResponseArrays, tmp_path: Path) -> None:
    kill_midway(data, tmp_path)
    told: list[float] = []
    DKTTracer(config=CONFIG).fit(
        data, seed=1, progress=lambda share, _: told.append(share), checkpoint=tmp_path
    )
    assert told == pytest.approx([0.6, 0.8, 1.0])


@pytest.mark.parametrize("damage", ["other seed", "other data", "other validation", "garbage"])
def test_a_checkpoint_of_another_fit_is_not_used(
    data: ResponseArrays, tmp_path: Path, damage: str
) -> None:
    kill_midway(data, tmp_path)
    seed = 2 if damage == "other seed" else 1
    used = data.take(np.arange(data.n_responses) >= 20) if damage == "other data" else data
    if damage == "garbage":
        (tmp_path / FILE_NAME).write_bytes(b"not a checkpoint")
    tracer = DKTTracer(config=CONFIG)
    validation = data.take_learners([0, 1]) if damage == "other validation" else None
    kept, fresh = (
        tracer.fit(used, seed=seed, validation=validation, checkpoint=directory).predict(used)
        for directory in (tmp_path, None)
    )
    assert np.array_equal(kept, fresh)
