"""Fit DKT: the epoch is chosen on held-out training learners, never on test data."""

import copy
from collections.abc import Mapping, Sequence
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
from kt_models.dkt.checkpoint import CheckpointKeeper, fingerprint
from kt_models.dkt.config import DKTConfig
from kt_models.dkt.network import DKTNetwork
from kt_models.dkt.sequences import (
    Batch,
    Sequences,
    Tokens,
    batches,
    gather_tokens,
    sequences_of,
    tokens_of,
)
from kt_models.errors import DataError, FitError
from kt_models.protocol import Progress
from kt_models.split import holdout_learners

F = NDArray[np.float64]

_LARGEST_GRADIENT = 5.0


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
    """Train on merged data; same data, seed, device and number of threads give the same network.

    After each epoch the training is kept in the directory checkpoint; called again with the same
    data, settings and seed it goes on from there, to the same network.

    Raises: DataError for fewer than two learners without validation data, FitError when the loss
    is not a number, ConfigError for a device that is not there.
    """
    device = device_named(config.device)
    rng = np.random.default_rng(seed)
    skills = np.asarray(data.skills[np.unique(data.skill_index)])
    train, held_out = data, validation
    if held_out is None:
        if data.n_learners < 2:
            raise DataError("choosing the epoch needs two training learners or more; got 1")
        parts = holdout_learners(data, share=config.validation_share, rng=rng)
        train, held_out = data.take_learners(parts.train), data.take_learners(parts.test)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        keeper = None
        if checkpoint is not None:
            keeper = CheckpointKeeper(checkpoint, fingerprint(data, config, seed))
        return _train(
            train,
            held_out,
            skills=skills,
            config=config,
            device=device,
            rng=rng,
            progress=progress,
            keeper=keeper,
        )


def _train(
    train: ResponseArrays,
    held_out: ResponseArrays,
    *,
    skills: NDArray[np.str_],
    config: DKTConfig,
    device: torch.device,
    rng: np.random.Generator,
    progress: Progress | None,
    keeper: CheckpointKeeper | None,
) -> DKTFit:
    network = DKTNetwork(
        len(skills), embedding=config.embedding, hidden=config.hidden, dropout=config.dropout
    ).to(device)
    optimizer = torch.optim.Adam(network.parameters(), lr=config.learning_rate)
    sequences = sequences_of(train, fold=config.fold)
    tokens, held_tokens = tokens_of(train, skills), tokens_of(held_out, skills)
    held_sequences = sequences_of(held_out, fold=config.predict_fold)
    losses: list[float] = []
    best = copy.deepcopy(network.state_dict())
    kept = None if keeper is None else keeper.load()
    if kept is not None:
        network.load_state_dict(kept.network)
        groups = optimizer.state_dict()["param_groups"]
        optimizer.load_state_dict({"state": kept.optimizer, "param_groups": groups})
        torch.set_rng_state(kept.torch_rng)
        rng.bit_generator.state = kept.numpy_rng
        losses, best = list(kept.losses), kept.best
    for epoch in range(len(losses), config.max_epochs):
        if _is_settled(losses, config):
            break
        if device.type == "cuda":
            # The GPU's own generator is not in the checkpoint: each epoch begins it anew.
            torch.cuda.manual_seed(int(rng.integers(2**31)))
        _epoch(network, optimizer, sequences, tokens, config=config, rng=rng)
        logits = predict_entry_logits(network, held_sequences, held_tokens)
        losses.append(entry_loss(logits, held_tokens))
        if not np.isfinite(losses[-1]):
            raise FitError(f"DKT: validation log loss is {losses[-1]} after epoch {epoch}")
        if losses[-1] == min(losses):
            best = copy.deepcopy(network.state_dict())
        if progress is not None:
            share = (epoch + 1) / config.max_epochs
            progress(share, f"DKT: epoch {epoch + 1}, log loss {losses[-1]:.4f}")
        if keeper is not None:
            keeper.save(network, optimizer, best=best, losses=losses, rng=rng)
    network.load_state_dict(best)
    network.eval()
    temperature = 1.0
    if config.calibrates:
        logits = predict_entry_logits(network, held_sequences, held_tokens)
        temperature = best_temperature(logits, held_tokens)
    return DKTFit(
        network=network,
        skills=skills,
        temperature=temperature,
        validation_losses=tuple(losses),
    )


def _is_settled(losses: Sequence[float], config: DKTConfig) -> bool:
    """Return whether the validation loss has not fallen for as long as patience lasts."""
    return bool(losses) and len(losses) - 1 - int(np.argmin(losses)) >= config.patience


def _epoch(
    network: DKTNetwork,
    optimizer: torch.optim.Optimizer,
    sequences: Sequences,
    tokens: Tokens,
    *,
    config: DKTConfig,
    rng: np.random.Generator,
) -> None:
    network.train()
    for batch in batches(sequences, n_cells=config.batch_responses, rng=rng):
        logits, correct, weight = _forward(network, tokens, batch)
        loss = functional.binary_cross_entropy_with_logits(logits, correct, weight, reduction="sum")
        loss = loss / len(batch.rows)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), _LARGEST_GRADIENT)
        optimizer.step()


def _forward(network: DKTNetwork, tokens: Tokens, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
    """Return per asked skill (nnz,): logit, outcome and the share of its response."""
    offsets, skill = gather_tokens(tokens, batch.rows)
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
            starts = tokens.indptr[batch.rows]
            counts = tokens.indptr[batch.rows + 1] - starts
            ends = np.cumsum(counts)
            entries = np.arange(ends[-1]) + np.repeat(starts - (ends - counts), counts)
            found[entries] = logits.double().cpu().numpy()
    return found


def entry_loss(logits: F, tokens: Tokens, temperature: float = 1.0) -> float:
    """Return the mean log loss, each skill of a response weighted by its share."""
    counts = np.diff(tokens.indptr)
    correct = np.repeat(tokens.correct, counts)
    losses = np.logaddexp(0.0, np.where(correct == 1, -logits, logits) / temperature)
    return float(np.average(losses, weights=np.repeat(1.0 / counts, counts)))


def best_temperature(logits: F, tokens: Tokens) -> float:
    """Search the one number that divides logits, .5 to 2, for the least validation log loss."""
    grid = np.exp(np.linspace(np.log(0.5), np.log(2.0), 57))
    return float(grid[int(np.argmin([entry_loss(logits, tokens, one) for one in grid]))])


def _tensor(values: NDArray[Any], device: torch.device) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values)).to(device)
