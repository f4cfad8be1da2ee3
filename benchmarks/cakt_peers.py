"""AKT and simpleKT of pyKT as tracers, to stand beside ours on the very same rows.

Wants the extra `bench`. pyKT 0.0.38 holds AKT; simpleKT came to pyKT's repository after it (figures
in docs/cakt.md: pykt/models/simplekt.py of commit 337edf0b) and is found where such a version is
installed. Sizes are those of pyKT's own training scripts. Trained as our networks are: histories
cut at 200, the epoch chosen by the AUC on a tenth of the training learners, one temperature from
the same learners. A batch has about as many responses as 64 of pyKT's padded sequences.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from kt_models.arrays import ResponseArrays, lookup
from kt_models.baselines.solver import sigmoid
from kt_models.devices import device_named
from kt_models.errors import ConfigError, DataError
from kt_models.evaluate.metrics import auc
from kt_models.networks.checkpoint import Checkpoint
from kt_models.networks.sequences import Sequences, like_lengths, sequences_of, tokens_of
from kt_models.networks.temperature import best_temperature
from kt_models.networks.training import Schedule, descend, held_out_of, train_epochs
from kt_models.protocol import Progress

I64 = NDArray[np.int64]
F = NDArray[np.float64]

LENGTH = 200


@dataclass(frozen=True, slots=True)
class PeerConfig:
    """Sizes and training of one of pyKT's models."""

    d_model: int = 256
    d_ff: int = 512
    heads: int = 8
    blocks: int = 4
    dropout: float = 0.2
    learning_rate: float = 1e-4
    batch_responses: int = 3_200
    max_epochs: int = 100
    patience: int = 5


CONFIGS = {
    "pykt_akt": PeerConfig(),
    "pykt_simplekt": PeerConfig(d_ff=256, heads=4, blocks=2, dropout=0.1),
}


class PeerTracer:
    """One of pyKT's models by name, to be fitted on a log with one skill a response."""

    def __init__(self, name: str, *, config: PeerConfig | None = None) -> None:
        if name not in CONFIGS:
            raise ConfigError(f"name is '{name}', expected one of {', '.join(CONFIGS)}")
        self.name = name
        self.config = config or CONFIGS[name]

    def fit(
        self,
        data: ResponseArrays,
        *,
        seed: int,
        validation: ResponseArrays | None = None,
        progress: Progress | None = None,
        checkpoint: Path | None = None,
    ) -> "FittedPeer":
        """Train until the AUC on held-out training learners has stopped rising.

        Raises: DataError for a response without skill or with several.
        """
        data, config = data.merged().data, self.config
        rng = np.random.default_rng(seed)
        train, held_out = held_out_of(data, validation, share=0.1, rng=rng)
        device = device_named("auto")
        torch.manual_seed(seed)
        network = _network(self.name, len(data.skills), len(data.items), config).to(device)
        fitted = FittedPeer(self.name, network, data.skills, data.items)
        optimizer = torch.optim.Adam(network.parameters(), lr=config.learning_rate)
        coded, runs = fitted.coded(train), sequences_of(train, fold=LENGTH)

        def epoch(_: int) -> None:
            for batch in run_batches(runs, n_cells=config.batch_responses, rng=rng):
                loss = _loss(network, coded, batch)
                descend(loss, network=network, optimizer=optimizer)

        fitted.validation_misses = train_epochs(
            network,
            optimizer,
            Schedule(self.name, "1 - AUC", config.max_epochs, config.patience),
            epoch=epoch,
            miss=lambda: 1.0 - auc(held_out.correct, fitted.predict(held_out)),
            rng=rng,
            progress=progress,
            checkpoint=Checkpoint.of(checkpoint, data, config, seed, validation=validation),
        )
        fitted.temperature = best_temperature(
            fitted.logits(held_out),
            tokens_of(held_out, data.skills),
            sequences_of(held_out, fold=None),
        )
        return fitted


@dataclass(frozen=True, slots=True, eq=False)
class _Coded:
    """Codes of every response (n,): skill, item (the number of items if unknown), outcome."""

    skill: I64
    item: I64
    correct: I64


class FittedPeer:
    """A trained model of pyKT's."""

    def __init__(
        self, name: str, network: nn.Module, skills: NDArray[np.str_], items: NDArray[np.str_]
    ) -> None:
        self.name = name
        self.network = network
        self.skills = skills
        self.items = items
        self.temperature = 1.0
        self.validation_misses: tuple[float, ...] = ()

    def coded(self, data: ResponseArrays) -> _Coded:
        """Recode merged data. Raises: DataError for anything but one known skill a response."""
        if (np.diff(data.skill_indptr) != 1).any():
            raise DataError(f"{self.name} reads one skill a response; this log has none or several")
        skill = lookup(self.skills, data.skills).astype(np.int64)[data.skill_index]
        if (skill < 0).any():
            raise DataError(f"{(skill < 0).sum()} responses have a skill that was not fitted on")
        item = np.append(lookup(self.items, data.items).astype(np.int64), -1)[data.item]
        return _Coded(
            skill=skill,
            item=np.where(item < 0, len(self.items), item),
            correct=data.correct.astype(np.int64),
        )

    def logits(self, data: ResponseArrays) -> F:
        """Return (n,) logits of merged data; a row beyond the first 200 sees 100 before it or more.

        Runs of 200 overlap by half, and each scores what the run before did not reach.
        """
        coded, found = self.coded(data), np.empty(data.n_responses)
        whole, half = sequences_of(data, fold=None), LENGTH // 2
        runs = overlapping(whole)
        self.network.eval()
        with torch.inference_mode():
            for batch in run_batches(runs, n_cells=12_800, rng=None):
                logits, _, rows, is_there = _forward(self.network, coded, batch)
                is_first = np.isin(batch.start, whole.start)
                is_new = is_there & (is_first[:, None] | (np.arange(rows.shape[1]) >= half))
                found[rows[is_new]] = logits.double().cpu().numpy()[is_new]
        return found

    def predict(self, data: ResponseArrays) -> F:
        """Return (n,) P(correct) from what the learner did before each response."""
        merged = data.merged()
        return sigmoid(self.logits(merged.data) / self.temperature)[merged.response]


def _network(name: str, n_skills: int, n_items: int, config: PeerConfig) -> nn.Module:
    sizes: dict[str, Any] = {
        "n_question": n_skills,
        "n_pid": n_items,
        "d_model": config.d_model,
        "n_blocks": config.blocks,
        "dropout": config.dropout,
        "d_ff": config.d_ff,
        "num_attn_heads": config.heads,
    }
    try:
        if name == "pykt_akt":
            made: nn.Module = import_module("pykt.models.akt").AKT(**sizes)
        else:
            made = import_module("pykt.models.simplekt").simpleKT(
                final_fc_dim=256, final_fc_dim2=256, seq_len=LENGTH, **sizes
            )
    except ImportError as error:
        raise SystemExit(
            f"{name} needs a pyKT that holds it (pip install '.[bench]'): {error}"
        ) from error
    return made


def _forward(
    network: nn.Module, coded: _Coded, batch: Sequences
) -> tuple[Tensor, Tensor, I64, NDArray[np.bool_]]:
    """Return logits, the network's own penalty (), rows and which are there.

    Logits, rows and which are there are (sequences, steps).
    """
    device = next(network.parameters()).device
    steps = np.arange(int(batch.length.max()))
    is_there = steps < batch.length[:, None]
    rows = np.where(is_there, batch.start[:, None] + steps, 0)
    skill, item, correct = (
        torch.from_numpy(np.where(is_there, values[rows], 0)).to(device)
        for values in (coded.skill, coded.item, coded.correct)
    )
    if hasattr(network.model, "blocks_1"):
        p, penalty = network(skill, correct, item)
    else:
        # simpleKT takes the first response and the rest apart, and puts them together again.
        first = {"qseqs": item, "cseqs": skill, "rseqs": correct}
        p = network(first | {f"shft_{key}": values[:, 1:] for key, values in first.items()})
        penalty = p.new_zeros(())
    return torch.logit(p.clamp(1e-6, 1 - 1e-6)), penalty, rows, is_there


def _loss(network: nn.Module, coded: _Coded, batch: Sequences) -> Tensor:
    """Return pyKT's loss of a batch: the mean log loss and the network's own penalty."""
    logits, penalty, rows, is_there = _forward(network, coded, batch)
    told = torch.from_numpy(coded.correct[rows[is_there]].astype(np.float32)).to(logits.device)
    real = logits[torch.from_numpy(is_there).to(logits.device)]
    return functional.binary_cross_entropy_with_logits(real, told) + penalty


def run_batches(
    runs: Sequences, *, n_cells: int, rng: np.random.Generator | None
) -> Iterator[Sequences]:
    """Yield runs of like length, about n_cells responses at a time; with an rng at random."""
    for picked in like_lengths(runs.length, n_cells=n_cells, rng=rng):
        yield Sequences(start=runs.start[picked], length=runs.length[picked])


def overlapping(whole: Sequences) -> Sequences:
    """Cut histories into runs of LENGTH that begin half a run apart."""
    half = LENGTH // 2
    n_runs = np.maximum(1, -(-(whole.length - half) // half))
    learner = np.repeat(np.arange(len(whole.start)), n_runs)
    run = np.arange(len(learner)) - np.repeat(np.cumsum(n_runs) - n_runs, n_runs)
    return Sequences(
        start=whole.start[learner] + run * half,
        length=np.minimum(LENGTH, whole.length[learner] - run * half),
    )
