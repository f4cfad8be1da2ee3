"""The fast parts against plain torch: convolutions, statistics, gradients, the recurrence."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import PackedSequence

from kt_models.cakt.batches import batch_of, prepare, window_batch_of
from kt_models.cakt.config import CONFIGS, CAKTConfig
from kt_models.cakt.convolution import ResidualBlock, WindowConvolutions, WindowNorm
from kt_models.cakt.network import CAKTNetwork
from kt_models.cakt.packing import even_packs, pack, random_packs
from kt_models.cakt.recurrence import RaggedLSTM
from kt_models.networks.sequences import Sequences, sequences_of
from tests.kt_models.conformance import make_log

FRAMES, SIDE = 3, 5
TINY = CAKTConfig(frames=FRAMES, side=3, channels=(2, 1))


@pytest.fixture(autouse=True)
def _seeded() -> Iterator[None]:
    torch.set_num_threads(1)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


def plain_norm(norm: WindowNorm, maps: Tensor) -> Tensor:
    plain = nn.BatchNorm3d(len(norm.weight)).double()
    plain.weight, plain.bias = norm.weight, norm.bias
    found: Tensor = plain(maps)
    np.testing.assert_allclose(plain.running_mean, norm.running_mean, atol=1e-12)
    np.testing.assert_allclose(plain.running_var, norm.running_var, atol=1e-12)
    return found


def plain_block(block: ResidualBlock, maps: Tensor) -> Tensor:
    """The block as the paper has it, on (responses, channels, frames, H, W)."""
    inner = functional.conv3d(maps, block.first.weight, padding=1)
    inner = torch.relu(plain_norm(block.first_norm, inner))
    inner = plain_norm(block.second_norm, functional.conv3d(inner, block.second.weight, padding=1))
    means = inner.mean((3, 4))
    scale = torch.sigmoid(block.attention.excite(torch.relu(block.attention.squeeze(means))))
    inner = inner * scale[:, :, :, None, None]
    if block.shortcut is not None:
        maps = plain_norm(block.shortcut_norm, functional.conv3d(maps, block.shortcut.weight))
    return torch.relu(inner + maps)


def test_convolutions_of_different_windows_equal_3d_ones_of_every_response() -> None:
    network = WindowConvolutions((4, 2, 1), n_frames=FRAMES, precision="float32").double()
    for parameter in network.parameters():
        if parameter.ndim == 1:
            nn.init.normal_(parameter, 1.0, 0.3)
    counts = torch.tensor([1, 3, 2, 1, 5])
    slope = torch.randn(5, SIDE * SIDE).double()
    once = torch.randn(5, FRAMES, SIDE, SIDE).double().requires_grad_()
    found = network(once, counts.double())
    (found * slope * counts[:, None]).sum().backward()
    gradients = [parameter.grad.clone() for parameter in network.parameters()]  # type: ignore[union-attr]
    network.zero_grad()

    each = once.detach().clone().requires_grad_()
    maps = each.repeat_interleave(counts, 0).unsqueeze(1)
    for block in network.blocks:
        maps = plain_block(block, maps)  # type: ignore[arg-type]
    expected = maps.mean(2).flatten(1)
    (expected * slope.repeat_interleave(counts, 0)).sum().backward()

    np.testing.assert_allclose(
        found.detach().repeat_interleave(counts, 0), expected.detach(), atol=1e-12
    )
    np.testing.assert_allclose(once.grad, each.grad, atol=1e-10)
    for parameter, gradient in zip(network.parameters(), gradients, strict=True):
        np.testing.assert_allclose(gradient, parameter.grad, atol=1e-9)


def test_bfloat16_convolutions_stay_near_those_in_single_precision() -> None:
    exact = WindowConvolutions((4, 1), n_frames=FRAMES, precision="float32")
    rough = WindowConvolutions((4, 1), n_frames=FRAMES, precision="bfloat16")
    rough.load_state_dict(exact.state_dict())
    frames = torch.randn(64, FRAMES, SIDE, SIDE)
    counts = torch.ones(64)
    one, two = exact(frames, counts), rough(frames, counts)
    assert two.dtype == torch.float32
    np.testing.assert_allclose(two.detach(), one.detach(), atol=0.1)
    assert float((two - one).detach().abs().mean()) < 0.01


def test_statistics_of_bfloat16_maps_are_summed_in_single_precision() -> None:
    norm = WindowNorm(1, n_frames=FRAMES)
    maps = (8.0 + 0.3 * torch.randn(64, FRAMES, SIDE, SIDE)).bfloat16().requires_grad_()
    slope = torch.randn(maps.shape).bfloat16()
    (norm(maps, None).float() * slope).sum().backward()
    exact = maps.detach().float()
    plain = WindowNorm(1, n_frames=FRAMES)
    (plain(exact, None) * slope).sum().backward()
    assert norm.weight.grad is not None
    np.testing.assert_allclose(norm.weight.grad, plain.weight.grad, rtol=0.02)
    np.testing.assert_allclose(norm.running_mean, 0.1 * exact.mean(), rtol=1e-5)
    np.testing.assert_allclose(norm.running_var, 0.9 + 0.1 * exact.var(), rtol=1e-4)


def test_an_evaluated_window_does_not_hang_on_the_others() -> None:
    network = WindowConvolutions((2, 1), n_frames=FRAMES, precision="float32").eval()
    frames = torch.randn(6, FRAMES, SIDE, SIDE)
    alone = network(frames[2:3], None)
    frames[3:] = 100.0
    np.testing.assert_allclose(alone.detach(), network(frames, None)[2:3].detach(), atol=1e-6)


def test_evaluation_normalises_by_the_running_statistics() -> None:
    block = ResidualBlock(1, 2, n_frames=FRAMES)
    frames = torch.randn(8, FRAMES, SIDE, SIDE)
    for _ in range(400):
        trained = block(frames, None).detach()
    # The running variance is the unbiased one: 8 * 3 * 25 values make it 1/600 larger.
    np.testing.assert_allclose(block.eval()(frames, None).detach(), trained, atol=0.01)


@pytest.mark.parametrize("sizes", [[5, 3, 3, 1], [4], [1, 1, 1]])
def test_the_recurrence_and_its_gradient_equal_torch_s_own(sizes: list[int]) -> None:
    lstm = RaggedLSTM(3, 4).double()
    inputs = torch.randn(sum(sizes), 3).double().requires_grad_()
    slope = torch.randn(sum(sizes), 4).double()
    batch_sizes = torch.tensor(sizes)
    found = lstm(inputs, batch_sizes)
    leaves = [inputs, *lstm.parameters()]
    gradients = torch.autograd.grad((found * slope).sum(), leaves)
    expected = lstm.lstm(PackedSequence(inputs, batch_sizes))[0].data
    np.testing.assert_allclose(found.detach(), expected.detach(), atol=1e-12)
    for mine, theirs in zip(
        gradients, torch.autograd.grad((expected * slope).sum(), leaves), strict=True
    ):
        np.testing.assert_allclose(mine, theirs, atol=1e-12)


def test_one_step_at_a_time_equals_the_whole_recurrence() -> None:
    lstm = RaggedLSTM(3, 4).double()
    inputs = torch.randn(6, 3).double()
    whole = lstm(inputs, torch.ones(6, dtype=torch.int64))
    h = c = torch.zeros(1, 4).double()
    for step in range(6):
        h, c = lstm.step(inputs[step : step + 1], h, c)
        np.testing.assert_allclose(h.detach(), whole[step : step + 1].detach(), atol=1e-12)


def test_packs_hold_every_response_once_after_the_one_before_it() -> None:
    sequences = sequences_of(make_log(0), fold=7)
    rng = np.random.default_rng(0)
    starts = set(sequences.start.tolist())
    for packs in (
        random_packs(sequences, n_sequences=9, rng=rng),
        even_packs(sequences, n_rows=50),
    ):
        seen = []
        for one in packs:
            seen.append(one.rows)
            assert one.sizes.sum() == len(one.rows)
            assert (np.diff(one.sizes) <= 0).all()
            for row, before in zip(one.rows.tolist(), one.before.tolist(), strict=True):
                assert before == -1 if row in starts else one.rows[before] == row - 1
        assert sorted(np.concatenate(seen).tolist()) == list(range(make_log(0).n_responses))


def test_a_small_last_pack_is_joined_to_the_one_before() -> None:
    sequences = Sequences(start=np.arange(21), length=np.ones(21, dtype=np.int64))
    packs = list(random_packs(sequences, n_sequences=10, rng=np.random.default_rng(0)))
    assert [len(one.rows) for one in packs] == [10, 11]


def logits_of(network: CAKTNetwork, config: CAKTConfig) -> Tensor:
    log = make_log(0).merged().data
    prepared = prepare(log, log.skills, config=config, fold=None)
    one = pack(prepared.sequences.start, prepared.sequences.length)
    cpu = torch.device("cpu")
    with torch.no_grad():
        found: Tensor = network(
            batch_of(prepared, one, device=cpu), window_batch_of(prepared, one, device=cpu)
        )
    return found


@pytest.mark.parametrize(
    "ablation",
    [{"window": "current"}, {"decays": False}, {"convolves": False}, {"has_gates": False}],
    ids=str,
)
def test_every_ablation_changes_what_the_network_says(ablation: dict[str, object]) -> None:
    config = replace(TINY, **ablation)  # type: ignore[arg-type]
    whole, part = CAKTNetwork(5, TINY), CAKTNetwork(5, config)
    part.load_state_dict(whole.state_dict(), strict=False)
    assert float((logits_of(whole, TINY) - logits_of(part, config)).abs().max()) > 1e-3


def test_a_frame_fades_with_its_gap() -> None:
    network = CAKTNetwork(5, replace(TINY, convolves=False)).eval()
    token = torch.tensor([[10, 10, 3], [10, 10, 3]])
    with torch.no_grad():
        near, far = network.window_vectors(token, torch.tensor([[0, 0, 1], [0, 0, 3.0]]), None)
        np.testing.assert_allclose(far, near * np.exp(-2.0), rtol=1e-5)
        np.testing.assert_allclose(
            near, network.embedding.weight[3] * np.exp(-1.0) / FRAMES, rtol=1e-5
        )


def test_the_configurations_are_those_of_the_paper_and_its_code() -> None:
    assert (CONFIGS["cakt"].frames, CONFIGS["cakt"].side) == (6, 17)
    assert (CONFIGS["cakt_small"].frames, CONFIGS["cakt_small"].side) == (4, 15)
    assert CONFIGS["cakt"].channels == CONFIGS["cakt_small"].channels == (4, 8, 4, 1)
