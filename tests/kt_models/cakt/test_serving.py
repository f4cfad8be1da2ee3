"""What is served from a state: folded convolutions, faded frames, one state for all candidates."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import nn

from kt_models.cakt.config import CAKTConfig, WindowOf
from kt_models.cakt.convolution import WindowConvolutions
from kt_models.cakt.folded import FoldedConvolutions
from kt_models.cakt.model import Candidate, FittedCAKT
from kt_models.cakt.network import CAKTNetwork
from kt_models.cakt.state import CAKTState
from kt_models.protocol import Observation

SKILLS = np.array([f"s{code:02d}" for code in range(30)])
CONFIG = CAKTConfig(frames=3, side=5, channels=(4, 2, 1))


@pytest.fixture(autouse=True)
def _seeded() -> Iterator[None]:
    torch.set_num_threads(1)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


def settled(network: nn.Module) -> nn.Module:
    """Give normalisations the statistics and slopes that a training would have left."""
    for name, values in network.named_buffers():
        if name.endswith("running_mean"):
            nn.init.normal_(values, 0.0, 0.3)
        elif name.endswith("running_var"):
            nn.init.uniform_(values, 0.5, 2.0)
    for module in network.modules():
        if hasattr(module, "running_mean"):
            nn.init.normal_(module.weight, 1.0, 0.3)  # type: ignore[arg-type]
            nn.init.uniform_(module.bias, 0.0, 0.5)  # type: ignore[arg-type]
    return network.eval()


def made(config: CAKTConfig) -> FittedCAKT:
    network = settled(CAKTNetwork(len(SKILLS), config))
    assert isinstance(network, CAKTNetwork)
    return FittedCAKT(
        "cakt", network, SKILLS, base=None, temperature=1.0, config=config, time_unit="index"
    )


def practised(fitted: FittedCAKT, *, n: int) -> CAKTState:
    """Go through all skills in turn, so that what is long ago has faded."""
    state = fitted.init_state()
    for at in range(n):
        skill = str(SKILLS[at % len(SKILLS)])
        state = fitted.update(state, Observation((skill,), None, at % 3 > 0, float(at)))
    return state


def test_folded_convolutions_give_the_numbers_of_evaluation() -> None:
    network = settled(WindowConvolutions((4, 2, 1), n_frames=3, precision="float32"))
    assert isinstance(network, WindowConvolutions)
    frames = torch.randn(9, 3, 5, 5)
    before = frames.clone()
    expected = network(frames, None).detach()
    found = FoldedConvolutions(network)(frames)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    # They work in place, on maps of their own.
    assert torch.equal(frames, before)
    assert float(expected.std()) > 0.03


@pytest.mark.parametrize("decays", [True, False])
@pytest.mark.parametrize("window", ["next", "current"])
def test_left_out_frames_change_no_forecast(decays: bool, window: WindowOf) -> None:
    config = CAKTConfig(frames=3, side=5, channels=(4, 1), decays=decays, window=window)
    fitted = made(config)
    state = practised(fitted, n=75)
    candidates = [Candidate((str(skill),)) for skill in SKILLS]
    found = fitted.score_all(state, candidates, at=100.0)
    fitted._online._largest_gap = float("inf")
    np.testing.assert_allclose(found, fitted.score_all(state, candidates, at=100.0), atol=3e-6)
    assert found.std() > 1e-3


def test_only_windows_that_have_not_faded_pass_the_convolutions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fitted = made(CONFIG)
    state = practised(fitted, n=75)
    passed: list[int] = []
    convolve = fitted._online._convolve
    assert convolve is not None

    def counted(frames: torch.Tensor) -> torch.Tensor:
        passed.append(len(frames))
        return convolve(frames)

    monkeypatch.setattr(fitted._online, "_convolve", counted)
    fitted.score_all(state, [Candidate((str(skill),)) for skill in SKILLS], at=100.0)
    # exp(-gap) falls below 2^-27 after 18 steps; all skills before that share one empty window.
    assert passed == [19]


def test_a_slowly_fading_network_keeps_its_frames() -> None:
    fitted = made(CONFIG)
    state = practised(fitted, n=75)
    with torch.no_grad():
        fitted.network.raw_decay.fill_(-6.0)
    slow = FittedCAKT(
        "cakt", fitted.network, SKILLS,
        base=None, temperature=1.0, config=CONFIG, time_unit="index",
    )  # fmt: skip
    window = slow._online._window(state, str(SKILLS[20]))
    assert [gap for _, gap in window] == [55, 25]


def test_candidates_of_several_states_are_each_asked_of_their_own() -> None:
    fitted = made(CONFIG)
    states = [practised(fitted, n=n) for n in (4, 0, 31)]
    skills = [str(skill) for skill in SKILLS[:5]]
    many = fitted.forecast_many(states, skills, at=100.0).p_correct
    alone = [fitted.forecast(state, skills, at=100.0).p_correct for state in states]
    np.testing.assert_allclose(many, alone, atol=3e-6)
    assert np.abs(many[0] - many[2]).max() > 1e-3
