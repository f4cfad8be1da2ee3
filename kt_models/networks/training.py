"""Train a network epoch by epoch, and keep the epoch that is best on held-out learners."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from kt_models.arrays import ResponseArrays
from kt_models.devices import exact_kernels
from kt_models.errors import DataError, FitError
from kt_models.networks.checkpoint import (
    Checkpoint,
    named,
    optimizer_load,
    optimizer_tensors,
    under,
)
from kt_models.protocol import Progress
from kt_models.split import holdout_learners

_LARGEST_GRADIENT = 5.0


@dataclass(frozen=True, slots=True)
class Schedule:
    """At most max_epochs, and none more once patience epochs have brought nothing.

    name and measure (what is to be small on the held-out learners) are for messages.
    """

    name: str
    measure: str
    max_epochs: int
    patience: int

    def is_over(self, misses: Sequence[float]) -> bool:
        """Return whether training ends after epochs with these misses."""
        n = len(misses)
        return n >= self.max_epochs or (n > 0 and n - 1 - int(np.argmin(misses)) >= self.patience)


def held_out_of(
    data: ResponseArrays,
    validation: ResponseArrays | None,
    *,
    share: float,
    rng: np.random.Generator,
) -> tuple[ResponseArrays, ResponseArrays]:
    """Return what to train on and what to choose the epoch on: validation, or a share of learners.

    Raises: DataError for fewer than two learners without validation data, or for none in it.
    """
    if validation is not None:
        if not validation.n_responses:
            raise DataError("the validation data has no responses; expected at least one")
        return data, validation
    if data.n_learners < 2:
        raise DataError("choosing the epoch needs two training learners or more; got 1")
    parts = holdout_learners(data, share=share, rng=rng)
    return data.take_learners(parts.train), data.take_learners(parts.test)


def train_epochs(
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    schedule: Schedule,
    *,
    epoch: Callable[[int], None],
    miss: Callable[[], float],
    rng: np.random.Generator,
    progress: Progress | None,
    checkpoint: Checkpoint | None,
) -> tuple[float, ...]:
    """Run epochs, leave the network with the best one's weights, return the miss after each.

    epoch(number) goes through the training data once, with randomness of torch's generators and of
    rng alone; miss() scores the network on the held-out learners. With a checkpoint the training
    goes on from what is kept, to the network it would have come to.

    Raises: FitError when a miss is not a number.
    """
    misses: list[float] = []
    best = copy.deepcopy(network.state_dict())
    kept = None if checkpoint is None else checkpoint.read()
    if kept is not None:
        tensors, facts = kept
        network.load_state_dict(under("network", tensors))
        optimizer_load(optimizer, under("optimizer", tensors))
        torch.set_rng_state(tensors["rng"])
        rng.bit_generator.state = facts["rng"]
        misses, best = list(facts["misses"]), under("best", tensors)
    while not schedule.is_over(misses):
        if next(network.parameters()).is_cuda:
            # The GPU's own generator is not in the checkpoint: each epoch begins it anew.
            torch.cuda.manual_seed(int(rng.integers(2**31)))
        network.train()
        with exact_kernels():
            epoch(len(misses))
            misses.append(miss())
        if not np.isfinite(misses[-1]):
            raise FitError(
                f"{schedule.name}: validation gives {schedule.measure} {misses[-1]} after epoch "
                f"{len(misses)}"
            )
        if misses[-1] < min(misses[:-1], default=np.inf):
            best = copy.deepcopy(network.state_dict())
        if progress is not None:
            told = f"{schedule.name}: epoch {len(misses)}, {schedule.measure} {misses[-1]:.4f}"
            progress(len(misses) / schedule.max_epochs, told)
        if checkpoint is not None:
            tensors = {"rng": torch.get_rng_state()}
            tensors |= named("network", network.state_dict()) | named("best", best)
            tensors |= named("optimizer", optimizer_tensors(optimizer))
            checkpoint.write(tensors, {"misses": misses, "rng": rng.bit_generator.state})
    network.load_state_dict(best)
    network.eval()
    return tuple(misses)


def descend(loss: Tensor, *, network: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """Take one step down the gradient of a loss, its norm cut to 5.

    Raises: FitError when a gradient is not a number, naming the weights.
    """
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    gradients = [one.grad for one in network.parameters() if one.grad is not None]
    norm = float(torch.nn.utils.get_total_norm(gradients))
    if not np.isfinite(norm):
        bad = [
            name
            for name, one in network.named_parameters()
            if one.grad is not None and not bool(torch.isfinite(one.grad).all())
        ]
        raise FitError(
            f"the loss of a batch is {float(loss.detach())}, its gradient {norm} in "
            f"{', '.join(bad) or 'no single weight'}"
        )
    torch.nn.utils.clip_grad_norm_(network.parameters(), _LARGEST_GRADIENT)
    optimizer.step()
