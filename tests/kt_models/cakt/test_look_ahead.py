"""No forecast sees what comes later: not by windows, statistics or padding; and leaks are seen.

The conformance suite asks every fitted model that an answer moves no earlier forecast by one bit.
Here the same question is put to networks that are broken on purpose, and to what the suite cannot
see: the statistics of the normalisation.
"""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from kt_models.arrays import ResponseArrays
from kt_models.cakt import batches
from kt_models.cakt.config import CAKTConfig
from kt_models.cakt.convolution import BandConvolution, WindowNorm
from kt_models.cakt.fit import fit_network
from kt_models.cakt.model import CAKTTracer, FittedCAKT
from kt_models.cakt.windows import Windows, windows_of
from tests.kt_models.conformance import flip, make_log

TINY = CAKTConfig(
    frames=3, side=3, channels=(2, 1), batch_sequences=8, max_epochs=1, learning_rate=0.01,
    device="cpu",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def log() -> ResponseArrays:
    return make_log(3)


@pytest.fixture(scope="module")
def fitted(log: ResponseArrays) -> FittedCAKT:
    return CAKTTracer("cakt_small", config=TINY).fit(log, seed=0)


def moved(fitted: FittedCAKT, log: ResponseArrays) -> NDArray[np.bool_]:
    """Return which forecasts up to and with a learner's last answer hang on that answer."""
    learner = int(np.argmax(np.diff(log.learner_slices())))
    begin, last = int(log.learner_slices()[learner]), int(log.learner_slices()[learner + 1]) - 1
    before, after = fitted.predict(log), fitted.predict(flip(log, [last]))
    return before[begin : last + 1] != after[begin : last + 1]


def test_the_last_answer_moves_no_forecast(fitted: FittedCAKT, log: ResponseArrays) -> None:
    assert not moved(fitted, log).any()


def test_statistics_of_the_batch_at_evaluation_would_be_seen(
    fitted: FittedCAKT, log: ResponseArrays, monkeypatch: pytest.MonkeyPatch
) -> None:
    def leaky(
        self: BandConvolution, maps: Tensor, norm: WindowNorm, weights: Tensor | None
    ) -> Tensor:
        found = self(maps)
        # Well above zero, so that no unit ends in its flat part.
        return (found - found.mean()) / (found.std() + 0.1) + 1.0

    slices = log.learner_slices()
    learner = int(np.argmax(np.diff(slices)))
    other = log.learner != learner
    # An answer moves later windows of its learner, and so the statistics of everybody's.
    flipped = flip(log, [int(slices[learner])])
    np.testing.assert_array_equal(fitted.predict(log)[other], fitted.predict(flipped)[other])
    monkeypatch.setattr(BandConvolution, "normed", leaky)
    before, after = fitted.predict(log), fitted.predict(flipped)
    assert (before[other] != after[other]).any()


def test_a_window_that_holds_its_own_answer_would_be_seen(
    fitted: FittedCAKT, log: ResponseArrays, monkeypatch: pytest.MonkeyPatch
) -> None:
    def leaky(*args: object, **options: object) -> Windows:
        found = windows_of(*args, **options)  # type: ignore[arg-type]
        tokens = args[0]
        token = found.token[found.of_entry]
        row = np.repeat(np.arange(len(tokens.correct)), np.diff(tokens.indptr))  # type: ignore[attr-defined]
        known = tokens.skill < tokens.n_skills  # type: ignore[attr-defined]
        own = tokens.skill + tokens.n_skills * tokens.correct[row].astype(np.int64)  # type: ignore[attr-defined]
        token[known, -1] = own[known]
        gap = np.where(token != 2 * tokens.n_skills, 1, 0)  # type: ignore[attr-defined]
        return Windows(token=token, gap=gap.astype(np.int32), of_entry=np.arange(len(token)))

    monkeypatch.setattr(batches, "windows_of", leaky)
    assert moved(fitted, log).any()


def test_forecasting_moves_no_statistic(fitted: FittedCAKT, log: ResponseArrays) -> None:
    before = {name: one.clone() for name, one in fitted.network.state_dict().items()}
    fitted.predict(log)
    fitted.forecast(fitted.init_state(), ["s0", "s1"], at=1.0)
    for name, one in fitted.network.state_dict().items():
        assert torch.equal(one, before[name]), name


def test_held_out_answers_leave_no_trace_in_weights_or_statistics() -> None:
    """With one epoch there is nothing for them to choose: the network hangs on training alone."""
    data = make_log(4, n_learners=30).merged().data
    train, held_out = data.take_learners(np.arange(20)), data.take_learners(np.arange(20, 30))
    other = flip(held_out, list(range(held_out.n_responses)))
    one, two = (
        fit_network(train, config=TINY, seed=0, validation=part).network.state_dict()
        for part in (held_out, other)
    )
    assert one.keys() == two.keys()
    for name, values in one.items():
        assert torch.equal(values, two[name]), name
    changed = fit_network(flip(train, [0]), config=TINY, seed=0, validation=held_out).network
    assert any(not torch.equal(two[name], one) for name, one in changed.state_dict().items())


def test_who_is_forecast_beside_a_learner_changes_nothing(
    fitted: FittedCAKT, log: ResponseArrays
) -> None:
    """Other packs and other chunks of windows move last bits at the most, and leave nothing."""
    alone = log.take(np.flatnonzero(log.learner == 4))
    together = fitted.predict(log)[log.learner == 4]
    np.testing.assert_allclose(fitted.predict(alone), together, atol=3e-6)
    many = make_log(9, n_learners=120, n_responses=60)
    before = fitted.predict(alone)
    fitted.predict(many)
    np.testing.assert_array_equal(fitted.predict(alone), before)
