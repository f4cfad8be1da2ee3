"""Fit CAKT: the epoch is chosen by the AUC on held-out training learners, never on test data."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from kt_models.arrays import ResponseArrays
from kt_models.baselines.logistic import FittedLogistic
from kt_models.baselines.solver import sigmoid
from kt_models.cakt.base import cross_fitted, fit_base, log_odds
from kt_models.cakt.batches import Prepared, batch_of, prepare, window_batch_of
from kt_models.cakt.config import CAKTConfig
from kt_models.cakt.network import CAKTNetwork
from kt_models.cakt.packing import even_packs, random_packs
from kt_models.devices import device_named
from kt_models.errors import DataError
from kt_models.evaluate.metrics import auc
from kt_models.evaluate.slices import fuse_mean
from kt_models.networks.checkpoint import Checkpoint
from kt_models.networks.sequences import Sequences, sequences_of, skill_entries
from kt_models.networks.temperature import best_temperature, mean_loss
from kt_models.networks.training import Schedule, descend, held_out_of, train_epochs
from kt_models.protocol import Progress

F = NDArray[np.float64]

# Convolutions run on chunks of exactly this many windows at evaluation, the last one filled up:
# what a window gives then never hangs on how many others there are.
_CHUNK = 256
_PACK_ROWS = 8_000


@dataclass(frozen=True, slots=True, eq=False)
class CAKTFit:
    """A trained network in evaluation mode, on the processor.

    validation_misses holds 1 - AUC of every epoch, or the log loss where the held-out answers are
    all alike.
    """

    network: CAKTNetwork
    base: FittedLogistic | None
    skills: NDArray[np.str_]
    temperature: float
    validation_misses: tuple[float, ...]


def fit_network(
    data: ResponseArrays,
    *,
    config: CAKTConfig,
    seed: int,
    validation: ResponseArrays | None = None,
    progress: Progress | None = None,
    checkpoint: Path | None = None,
) -> CAKTFit:
    """Train on merged data; on a processor, same data, seed and threads give the same network.

    After each epoch the training is kept in the directory checkpoint; called again with the same
    data, settings and seed it goes on from there, to the same network.

    Raises: DataError for fewer than two learners to train on, and one more without validation data
    (with a base; else one and two), FitError when a
    forecast is not a number, ConfigError when a GPU is asked for and there is none.
    """
    device = device_named(config.device)
    rng = np.random.default_rng(seed)
    train, held_out = held_out_of(data, validation, share=config.validation_share, rng=rng)
    # A skill of held-out learners alone would stay as it was drawn: it is an unknown one.
    skills = np.asarray(train.skills[np.unique(train.skill_index)])
    base, of_train, of_held_out = _bases(train, held_out, config=config, seed=seed, rng=rng)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        trained = _train(
            prepare(train, skills, config=config, fold=config.fold, base=of_train),
            prepare(held_out, skills, config=config, fold=config.predict_fold, base=of_held_out),
            skills=skills,
            config=config,
            device=device,
            rng=rng,
            whole=sequences_of(held_out, fold=None),
            progress=progress,
            checkpoint=Checkpoint.of(checkpoint, data, config, seed, validation=validation),
        )
    if base is not None and validation is None:
        # The network is done; what serves may know the items of the held-out learners too.
        base = fit_base(data, name=config.base, seed=seed)
    return replace(trained, base=base)


def _bases(
    train: ResponseArrays,
    held_out: ResponseArrays,
    *,
    config: CAKTConfig,
    seed: int,
    rng: np.random.Generator,
) -> tuple[FittedLogistic | None, F | None, F | None]:
    if not config.base:
        return None, None, None
    if train.n_learners < 2:
        raise DataError(f"base '{config.base}' needs two training learners or more; got 1")
    base = fit_base(train, name=config.base, seed=seed)
    of_train = cross_fitted(train, name=config.base, n_folds=config.base_folds, seed=seed, rng=rng)
    return base, of_train, log_odds(base.predict(held_out))


def _train(
    train: Prepared,
    held_out: Prepared,
    *,
    skills: NDArray[np.str_],
    config: CAKTConfig,
    device: torch.device,
    rng: np.random.Generator,
    whole: Sequences,
    progress: Progress | None,
    checkpoint: Checkpoint | None,
) -> CAKTFit:
    """Train; whole has the held-out learners' histories uncut."""
    network = CAKTNetwork(len(skills), config).to(device)
    optimizer = torch.optim.Adam(
        network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
    )

    def epoch(number: int) -> None:
        for group in optimizer.param_groups:
            group["lr"] = config.learning_rate * config.step_factor ** (
                number // config.step_epochs
            )
        _epoch(network, optimizer, train, config=config, rng=rng)

    misses = train_epochs(
        network,
        optimizer,
        Schedule("CAKT", "1 - AUC", config.max_epochs, config.patience),
        epoch=epoch,
        miss=lambda: _miss(entry_logits(network, held_out), held_out),
        rng=rng,
        progress=progress,
        checkpoint=checkpoint,
    )
    network.to("cpu")
    temperature = 1.0
    if config.calibrates:
        logits = entry_logits(network, held_out)
        temperature = best_temperature(logits, held_out.tokens, whole)
    return CAKTFit(
        network=network,
        base=None,
        skills=skills,
        temperature=temperature,
        validation_misses=misses,
    )


def _epoch(
    network: CAKTNetwork,
    optimizer: torch.optim.Optimizer,
    train: Prepared,
    *,
    config: CAKTConfig,
    rng: np.random.Generator,
) -> None:
    device = next(network.parameters()).device
    tokens = train.tokens
    for pack in random_packs(train.sequences, n_sequences=config.batch_sequences, rng=rng):
        batch = batch_of(train, pack, device=device)
        counts = np.diff(tokens.indptr)[pack.rows]
        correct = np.repeat(tokens.correct[pack.rows], counts).astype(np.float32)
        weight = np.repeat(1.0 / counts, counts).astype(np.float32)
        loss = functional.binary_cross_entropy_with_logits(
            network(batch, window_batch_of(train, pack, device=device)),
            torch.from_numpy(correct).to(device),
            torch.from_numpy(weight).to(device),
            reduction="sum",
        )
        descend(loss / len(pack.rows), network=network, optimizer=optimizer)


def entry_logits(network: CAKTNetwork, prepared: Prepared) -> F:
    """Return (nnz,) the logit of every skill of every response, from earlier responses only."""
    network.eval()
    device = next(network.parameters()).device
    found = np.empty(len(prepared.tokens.skill))
    with torch.inference_mode():
        vectors = _all_vectors(network, prepared, device=device)
        for pack in even_packs(prepared.sequences, n_rows=_PACK_ROWS):
            entries, _ = skill_entries(prepared.tokens, rows=pack.rows)
            batch = batch_of(prepared, pack, device=device)
            of_entry = torch.from_numpy(prepared.windows.of_entry[entries]).to(device)
            found[entries] = network.logits(batch, vectors[of_entry]).double().cpu().numpy()
    return found


def _all_vectors(network: CAKTNetwork, prepared: Prepared, *, device: torch.device) -> torch.Tensor:
    windows = prepared.windows
    n = len(windows.token)
    found = []
    for begin in range(0, n, _CHUNK):
        # Filled up with repeats of the chunk's own windows.
        rows = np.resize(np.arange(begin, min(begin + _CHUNK, n)), _CHUNK)
        token = torch.from_numpy(windows.token[rows].astype(np.int64)).to(device)
        gap = torch.from_numpy(windows.gap[rows].astype(np.float32)).to(device)
        found.append(network.window_vectors(token, gap, None)[: min(_CHUNK, n - begin)])
    return torch.cat(found)


def _miss(logits: F, held_out: Prepared) -> float:
    """Return 1 - AUC of the responses, or the log loss where that is not defined."""
    if not np.isfinite(logits).all():
        return float("nan")
    tokens = held_out.tokens
    p = fuse_mean(sigmoid(logits), tokens.indptr)
    found = 1.0 - auc(tokens.correct, p)
    return found if np.isfinite(found) else mean_loss(logits, tokens)
