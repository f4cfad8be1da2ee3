"""CAKT's benchmark: peers see no answer too early, systems are named right, twins are found."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from benchmarks.cakt_data import has_twin
from benchmarks.cakt_peers import LENGTH, FittedPeer, PeerTracer, overlapping, run_batches
from benchmarks.cakt_runs import Where, run, spread, table, tracer_of
from kt_models.arrays import ResponseArrays
from kt_models.cakt.model import CAKTTracer
from kt_models.errors import DataError
from kt_models.networks.sequences import Sequences, sequences_of
from tests.kt_models.conformance import flip


def log_of(lengths: list[int], *, seed: int = 0) -> ResponseArrays:
    rng = np.random.default_rng(seed)
    n = sum(lengths)
    return ResponseArrays.from_columns(
        np.repeat([f"l{number:03d}" for number in range(len(lengths))], lengths),
        rng.choice(["i0", "i1", "i2", "i3"], size=n),
        rng.choice(["s0", "s1", "s2"], size=n),
        rng.integers(0, 2, size=n),
        np.concatenate([np.arange(length, dtype=float) for length in lengths]),
        time_unit="index",
    )


class _Counting(nn.Module):
    """Stands for AKT: forecasts from the sum of the answers before, in each row of the batch."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(0.01))
        self.model = nn.Module()
        self.model.blocks_1 = nn.Identity()

    def forward(self, skill: Tensor, correct: Tensor, item: Tensor) -> tuple[Tensor, Tensor]:
        before = correct.cumsum(1) - correct
        return torch.sigmoid(self.scale * before), self.scale.new_zeros(())


@pytest.fixture
def peer() -> FittedPeer:
    names = np.array([f"s{number}" for number in range(3)])
    return FittedPeer("pykt_akt", _Counting(), names, np.array(["i1", "i2"]))


def test_a_peer_s_forecast_has_100_to_199_answers_before_it_or_all(peer: FittedPeer) -> None:
    log = log_of([1, 150, 200, 201, 463])
    found = np.round(peer.logits(log) / 0.01)
    for begin, end in zip(log.learner_slices()[:-1], log.learner_slices()[1:], strict=True):
        for at in range(begin, end):
            place = at - begin
            seen = place if place < LENGTH else LENGTH // 2 + place % (LENGTH // 2)
            assert found[at] == log.correct[at - seen : at].sum(), (begin, place)


def test_an_answer_moves_no_forecast_up_to_it(peer: FittedPeer) -> None:
    log = log_of([30, 12])
    before, after = peer.logits(log), peer.logits(flip(log, [20]))
    assert (before != after).nonzero()[0].tolist() == list(range(21, 30))


@pytest.mark.parametrize("length", [1, 99, 100, 199, 200, 201, 300, 301, 1204])
def test_overlapping_runs_reach_every_response(length: int) -> None:
    runs = overlapping(Sequences(start=np.array([7]), length=np.array([length])))
    ends = runs.start + runs.length
    assert ends[-1] == 7 + length
    assert runs.length.max() <= LENGTH
    assert (np.diff(runs.start) == LENGTH // 2).all()


def test_batches_hold_every_run_once_in_another_order_each_time() -> None:
    runs = sequences_of(log_of([5] * 40 + [50] * 7), fold=LENGTH)
    rng = np.random.default_rng(0)
    orders = [
        [one.start.tolist() for one in run_batches(runs, n_cells=100, rng=rng)] for _ in range(2)
    ]
    for order in orders:
        assert sorted(start for batch in order for start in batch) == runs.start.tolist()
    assert orders[0] != orders[1]
    assert all(one.length.max() * len(one.length) <= 100 for one in
               run_batches(runs, n_cells=100, rng=None))  # fmt: skip


def test_a_response_with_several_skills_is_refused_by_a_peer(peer: FittedPeer) -> None:
    log = ResponseArrays.from_columns(["a"], None, [["s0", "s1"]], [1], [0.0], time_unit="index")
    with pytest.raises(DataError, match="one skill a response"):
        peer.predict(log)


def test_systems_are_named_with_settings() -> None:
    plus = tracer_of("cakt_plus,base='',dropout=0.1,window=current", time_unit="index")
    assert isinstance(plus, CAKTTracer)
    assert (plus.config.base, plus.config.dropout, plus.config.window) == ("", 0.1, "current")
    akt = tracer_of("pykt_akt,blocks=1", time_unit="index")
    assert isinstance(akt, PeerTracer)
    assert akt.config.blocks == 1


def test_a_learner_with_the_same_history_is_a_twin() -> None:
    items = np.array([f"j{number}" for number in range(20)] * 2)
    answers = np.array([0, 1] * 10 + [1, 0] * 10)
    train = ResponseArrays.from_columns(
        np.repeat(["a", "b"], 20), items, np.full(40, "s"), answers, np.tile(np.arange(20.0), 2),
        time_unit="index",
    )  # fmt: skip
    other = answers.copy()
    other[[20, 22, 24]] ^= 1
    test = ResponseArrays.from_columns(
        np.repeat(["c", "d"], 20), items, np.full(40, "s"), other, np.tile(np.arange(20.0), 2),
        time_unit="index",
    )  # fmt: skip
    assert has_twin(test, train).tolist() == [True, False]


def test_predictions_are_kept_and_tables_tell_differences(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    log = log_of([12] * 30)
    monkeypatch.setattr("benchmarks.cakt_runs.load", lambda name, merge: log)
    places = [Where("honest", "mine", 0, seed, 0) for seed in (0, 1)]
    for where in places:
        run(where, ["pfa", "dkt,max_epochs=1,hidden=4"], out=tmp_path)
        table(where, out=tmp_path, against="pfa")
    spread(places, out=tmp_path)
    told = capsys.readouterr().out
    assert "72 predictions of 6 learners" in told
    assert told.count("| dkt,max_epochs=1,hidden=4 |") == 2
    assert "pfa, all, seeds 0, 1: AUC" in told
    run(places[0], ["pfa"], out=tmp_path)
    assert "to fit on" not in capsys.readouterr().out
    table(places[0], out=tmp_path, against="nobody")
    assert "nobody is not there" in capsys.readouterr().out
