"""Epochs end when they bring nothing more, and the best one's weights are left in the network."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import nn

from kt_models.errors import FitError
from kt_models.networks.training import Schedule, train_epochs


def run(misses: list[float], schedule: Schedule) -> tuple[nn.Linear, tuple[float, ...]]:
    """Train a network whose weight is the number of epochs it has had."""
    network = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(network.weight)
    optimizer = torch.optim.Adam(network.parameters())
    given: Iterator[float] = iter(misses)

    def epoch(number: int) -> None:
        assert network.training
        with torch.no_grad():
            network.weight.fill_(number + 1.0)

    found = train_epochs(
        network, optimizer, schedule, epoch=epoch, miss=lambda: next(given),
        rng=np.random.default_rng(0), progress=None, checkpoint=None,
    )  # fmt: skip
    return network, found


def test_the_best_epoch_is_kept_and_patience_ends_the_training() -> None:
    network, misses = run([0.5, 0.3, 0.4, 0.35, 0.2], Schedule("X", "loss", 9, 2))
    assert misses == (0.5, 0.3, 0.4, 0.35)
    assert network.weight.item() == 2.0
    assert not network.training


def test_there_are_no_more_epochs_than_allowed() -> None:
    network, misses = run([0.5, 0.4, 0.3, 0.2], Schedule("X", "loss", 3, 2))
    assert len(misses) == 3
    assert network.weight.item() == 3.0


def test_a_miss_that_is_no_number_is_an_error_that_says_where() -> None:
    with pytest.raises(FitError, match="X: validation gives loss nan after epoch 2"):
        run([0.5, float("nan")], Schedule("X", "loss", 3, 2))
