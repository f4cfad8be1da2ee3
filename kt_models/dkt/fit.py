"""Fit DKT: the epoch is chosen on held-out training learners, never on test data."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from kt_models.arrays import ResponseArrays
from kt_models.devices import device_named
from kt_models.dkt.config import DKTConfig
from kt_models.dkt.network import DKTNetwork
from kt_models.networks.checkpoint import Checkpoint
from kt_models.networks.sequences import (
    Batch,
    Sequences,
    Tokens,
    batches,
    sequences_of,
    skill_entries,
    tokens_of,
)
from kt_models.networks.temperature import best_temperature, mean_loss
from kt_models.networks.training import Schedule, descend, held_out_of, train_epochs
from kt_models.protocol import Progress

F = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class DKTFit:
    """A trained network in evaluation mode, with the validation log loss of every epoch."""

    network: DKTNetwork
    skills: NDArray[np.str_]
    temperature: float
    validation_losses: tuple[float, ...]


def fit_network(
    data: ResponseArrays,
    *,
    config: DKTConfig,
    seed: int,
    validation: ResponseArrays | None = None,
    progress: Progress | None = None,
    checkpoint: Path | None = None,
) -> DKTFit:
    """Train on merged data; on a processor, same data, seed and threads give the same network.

    After each epoch the training is kept in the directory checkpoint; called again with the same
    data, settings and seed it goes on from there, to the same network.

    Raises: DataError for fewer than two learners without validation data, FitError when the loss
    is not a number, ConfigError for a device that is not there.
    """
    device = device_named(config.device)
    rng = np.random.default_rng(seed)
    train, held_out = held_out_of(data, validation, share=config.validation_share, rng=rng)
    # A skill of held-out learners alone would stay as it was drawn: it is an unknown one.
    skills = np.asarray(train.skills[np.unique(train.skill_index)])
    sequences, tokens = sequences_of(train, fold=config.fold), tokens_of(train, skills)
    held_sequences = sequences_of(held_out, fold=config.predict_fold)
    held_tokens = tokens_of(held_out, skills)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        network = DKTNetwork(
            len(skills), embedding=config.embedding, hidden=config.hidden, dropout=config.dropout
        ).to(device)
        optimizer = torch.optim.Adam(network.parameters(), lr=config.learning_rate)

        def held_out_logits() -> F:
            return predict_entry_logits(network, held_sequences, held_tokens)

        losses = train_epochs(
            network,
            optimizer,
            Schedule("DKT", "log loss", config.max_epochs, config.patience),
            epoch=lambda _: _epoch(network, optimizer, sequences, tokens, config=config, rng=rng),
            miss=lambda: mean_loss(held_out_logits(), held_tokens),
            rng=rng,
            progress=progress,
            checkpoint=Checkpoint.of(checkpoint, data, config, seed, validation=validation),
        )
    network.to("cpu")
    temperature = 1.0
    if config.calibrates:
        temperature = best_temperature(
            held_out_logits(), held_tokens, sequences_of(held_out, fold=None)
        )
    return DKTFit(
        network=network,
        skills=skills,
        temperature=temperature,
        validation_losses=losses,
    )


def _epoch(
    network: DKTNetwork,
    optimizer: torch.optim.Optimizer,
    sequences: Sequences,
    tokens: Tokens,
    *,
    config: DKTConfig,
    rng: np.random.Generator,
) -> None:
    for batch in batches(sequences, n_cells=config.batch_responses, rng=rng):
        logits, correct, weight = _forward(network, tokens, batch)
        loss = functional.binary_cross_entropy_with_logits(logits, correct, weight, reduction="sum")
        descend(loss / len(batch.rows), network=network, optimizer=optimizer)


def _forward(network: DKTNetwork, tokens: Tokens, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
    """Return per asked skill (nnz,): logit, outcome and the share of its response."""
    entries, offsets = skill_entries(tokens, rows=batch.rows)
    skill = tokens.skill[entries]
    device = network.output.weight.device
    counts = np.diff(offsets)
    entry = np.repeat(np.arange(len(batch.rows)), counts)
    correct = tokens.correct[batch.rows][entry].astype(np.int64)
    is_known = skill < tokens.n_skills
    states = network.states(
        _tensor(np.where(is_known, skill + tokens.n_skills * correct, 2 * tokens.n_skills), device),
        _tensor(offsets, device),
        _tensor(batch.cell, device),
        n_steps=batch.n_steps,
        n_sequences=batch.n_sequences,
    )
    logits = network.logits(states[_tensor(batch.previous[entry], device)], _tensor(skill, device))
    weight = _tensor((1.0 / counts)[entry].astype(np.float32), device)
    return logits, _tensor(correct.astype(np.float32), device), weight


def network_of(arrays: Mapping[str, NDArray[np.float32]]) -> DKTNetwork:
    """Build the network that these weights belong to."""
    n_skills, hidden = arrays["output.weight"].shape
    embedding = arrays["embedding.weight"].shape[1]
    network = DKTNetwork(n_skills, embedding=embedding, hidden=hidden, dropout=0.0)
    network.load_state_dict({key: torch.from_numpy(value) for key, value in arrays.items()})
    network.eval()
    return network


def predict_entry_logits(network: DKTNetwork, sequences: Sequences, tokens: Tokens) -> F:
    """Return (nnz,) the logit of every skill of every response, from earlier responses only."""
    network.eval()
    found = np.empty(len(tokens.skill))
    with torch.inference_mode():
        for batch in batches(sequences, n_cells=20_000):
            logits = _forward(network, tokens, batch)[0]
            entries, _ = skill_entries(tokens, rows=batch.rows)
            found[entries] = logits.double().cpu().numpy()
    return found


def _tensor(values: NDArray[Any], device: torch.device) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values)).to(device)
