"""The whole network and its gradient against the paper's, built plainly: one window a response."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from kt_models.arrays import ResponseArrays
from kt_models.cakt.batches import batch_of, prepare, window_batch_of
from kt_models.cakt.config import CAKTConfig
from kt_models.cakt.convolution import ResidualBlock, WindowNorm
from kt_models.cakt.network import CAKTNetwork
from kt_models.cakt.packing import pack

CONFIG = CAKTConfig(frames=3, side=3, channels=(2, 1))
LENGTHS = (9, 6, 4, 1)
N_SKILLS = 3


@pytest.fixture(autouse=True)
def _seeded() -> Iterator[None]:
    torch.set_num_threads(1)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


@pytest.fixture
def log() -> ResponseArrays:
    """One skill a response; few skills and little time, so that windows occur more than once."""
    rng = np.random.default_rng(1)
    n = sum(LENGTHS)
    return ResponseArrays.from_columns(
        np.repeat([f"l{number}" for number in range(len(LENGTHS))], LENGTHS),
        None,
        rng.choice([f"s{number}" for number in range(N_SKILLS)], size=n, p=[0.7, 0.2, 0.1]),
        rng.integers(0, 2, size=n),
        np.concatenate([np.arange(length, dtype=float) for length in LENGTHS]),
        time_unit="index",
    )


@pytest.fixture
def network() -> CAKTNetwork:
    made = CAKTNetwork(N_SKILLS, CONFIG).double()
    for parameter in made.parameters():
        if parameter.ndim == 1:
            nn.init.normal_(parameter, 0.5, 0.3)
    for name, parameter in made.named_parameters():
        if name.endswith("squeeze.weight"):
            # Means of normalised maps are near their biases: no unit ends in its flat part.
            nn.init.uniform_(parameter, 0.2, 0.5)
    return made


def norm(norm: WindowNorm, maps: Tensor) -> Tensor:
    """Batch normalisation in training."""
    found: Tensor = functional.batch_norm(
        maps, None, None, norm.weight, norm.bias, training=True, eps=1e-5
    )
    return found


def block(part: ResidualBlock, maps: Tensor) -> Tensor:
    """A residual block on (responses, channels, frames, H, W)."""
    inner = functional.conv3d(maps, part.first.weight, padding=1)
    inner = torch.relu(norm(part.first_norm, inner))
    inner = norm(part.second_norm, functional.conv3d(inner, part.second.weight, padding=1))
    scale = part.attention.excite(torch.relu(part.attention.squeeze(inner.mean((3, 4)))))
    inner = inner * torch.sigmoid(scale)[:, :, :, None, None]
    if part.shortcut is not None:
        maps = norm(part.shortcut_norm, functional.conv3d(maps, part.shortcut.weight))
    return torch.relu(inner + maps)


def plain(network: CAKTNetwork, log: ResponseArrays) -> Tensor:
    """Return (n,) logits in the order of the log, response by response as the paper says."""
    side, k, width = CONFIG.side, CONFIG.frames, CONFIG.width
    rate = torch.log1p(torch.exp(network.raw_decay))
    skill, correct = log.skill_index.tolist(), log.correct.tolist()
    slices = log.learner_slices()
    frames = []
    for begin, end in pairwise(slices):
        for at in range(begin, end):
            past = [one for one in range(begin, at) if skill[one] == skill[at]][-k:]
            shown = [torch.zeros(side, side).double()] * (k - len(past))
            for one in past:
                row = network.embedding.weight[skill[one] + N_SKILLS * correct[one]]
                shown.append(row.view(side, side) * torch.exp(-rate * (at - one)))
            frames.append(torch.stack(shown))
    maps = torch.stack(frames).unsqueeze(1)
    assert network.convolutions is not None
    for part in network.convolutions.blocks:
        maps = block(part, maps)  # type: ignore[arg-type]
    vectors = maps.mean(2).flatten(1)
    logits = []
    for begin, end in pairwise(slices):
        tokens = [skill[at] + N_SKILLS * correct[at] for at in range(begin, end)]
        states = network.first.lstm(network.embedding.weight[tokens][:, None])[0][:, 0]
        h = torch.cat([torch.zeros(1, width).double(), states[:-1]])
        m = vectors[begin:end]
        weight = torch.cat([network.gate_of_window.weight, network.gate_of_state.weight], dim=1)
        both = torch.cat([m, h], dim=1)
        z1, z2 = (
            torch.sigmoid(both @ weight[part].T + network.gate_of_window.bias[part])
            for part in (slice(0, width), slice(width, 2 * width))
        )
        fused = z1 * m + z2 * h
        outputs = network.second.lstm(fused[:, None])[0][:, 0]
        asked = skill[begin:end]
        logits.append(
            (outputs * network.output.weight[asked]).sum(1)
            + network.output_bias.weight[asked].squeeze(1)
        )
    return torch.cat(logits)


def test_logits_and_every_gradient_are_those_of_the_plain_network(
    log: ResponseArrays, network: CAKTNetwork
) -> None:
    prepared = prepare(log, log.skills, config=CONFIG, fold=None)
    one = pack(prepared.sequences.start, prepared.sequences.length)
    cpu = torch.device("cpu")
    windows = window_batch_of(prepared, one, device=cpu)
    assert len(windows.token) < log.n_responses
    windows = replace(windows, gap=windows.gap.double(), count=windows.count.double())
    found = network(batch_of(prepared, one, device=cpu), windows)
    expected = plain(network, log)[torch.from_numpy(one.rows)]
    np.testing.assert_allclose(found.detach(), expected.detach(), atol=1e-7)
    slope = torch.randn(len(found)).double()
    names, parameters = zip(*network.named_parameters(), strict=True)
    mine, theirs = (
        torch.autograd.grad((slope * logits).sum(), parameters, allow_unused=True)
        for logits in (found, expected)
    )
    for name, one_gradient, other in zip(names, mine, theirs, strict=True):
        if name == "embedding.weight":
            # The row of no interaction is held at zero.
            one_gradient, other = one_gradient[:-1], other[:-1]
        np.testing.assert_allclose(one_gradient, other, atol=1e-6, err_msg=name)
        assert float(other.abs().max()) > 1e-6, name
