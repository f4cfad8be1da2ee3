"""The torch recursion and the numpy one are the same filter; its gradients are right."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from kt_models.arrays import ResponseArrays
from kt_models.psi_kt.batch import layout_of
from kt_models.psi_kt.filter import FittedPSIKT
from kt_models.psi_kt.packing import Packed, Window, pack, windows_of
from kt_models.psi_kt.parameters import PSIKTParameters
from kt_models.psi_kt.torch_filter import (
    Memory,
    Population,
    Steps,
    begin,
    detached,
    filter_steps,
)
from kt_models.psi_kt.window_filter import Levels
from tests.kt_models.conformance import make_log
from tests.kt_models.psi_kt.made import made_parameters

NAMES = ["psi_kt", "psi_kt_extended"]


@pytest.fixture(scope="module")
def log() -> ResponseArrays:
    return make_log(4, n_learners=12).merged().data


def dense_share(parameters: PSIKTParameters) -> NDArray[np.float64]:
    k = len(parameters.skills)
    share = np.zeros((k + 1, k + 1))
    for child in range(k):
        share[child, parameters.parents[child]] = parameters.parent_share[child]
    return share[:, :k]


def population(parameters: PSIKTParameters) -> Population:
    traits = parameters.traits()
    values = [
        *(traits.alpha, traits.spread, traits.gamma),
        *(parameters.level_mean, parameters.level_variance),
        *(parameters.start_mean, parameters.start_variance),
        *(parameters.level_drift, parameters.trait_drift, dense_share(parameters)),
    ]
    tensors: Any = [torch.tensor(np.array(value), dtype=torch.float64) for value in values]
    return Population(*tensors, parameters.config.starts_at_target)


def steps_of(
    packed: Packed, offset: NDArray[np.float64] | Tensor, part: Window
) -> tuple[Steps, NDArray[np.int64]]:
    at = part.padded()
    columns = (packed.skill, packed.share, packed.gap_days, packed.is_new, offset, packed.sign)
    tensors = [torch.as_tensor(column[at]) for column in columns]
    return Steps(*tensors, tuple(map(len, part.rows))), at


def run(shared: Population, packed: Packed, offset: NDArray[np.float64], *, window: int) -> Tensor:
    """Return (n,) log likelihoods, in the order of the log."""
    n, k = len(packed.start), len(packed.skills)
    memory = Memory(n, k, len(shared.alpha), like=shared.alpha)
    carried = begin(shared, n)
    found = torch.zeros(packed.n_responses, dtype=torch.float64)
    for part in windows_of(packed, slice(0, n), size=window):
        steps, _ = steps_of(packed, offset, part)
        carried = Levels(*(one[: len(part.rows[0])] for one in carried))
        likelihood, after = filter_steps(shared, steps, memory, carried, is_first=part.is_first)
        found = found.index_put((torch.as_tensor(np.concatenate(part.rows)),), likelihood)
        carried = detached(after) if window < 100 else after
    return found


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("window", [5, 100])
def test_both_filters_give_the_same_numbers(log: ResponseArrays, name: str, window: int) -> None:
    parameters = made_parameters(name, log.skills, log.items)
    want = FittedPSIKT(parameters).predict(log)
    packed = pack(log, unit_steps=False)
    offset = layout_of(log, parameters).offset
    found = run(population(parameters), packed, offset, window=window).detach().numpy()
    p = np.where(packed.sign > 0.0, np.exp(found), -np.expm1(found))
    np.testing.assert_allclose(p, want, atol=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_gradients_equal_finite_differences(log: ResponseArrays, name: str) -> None:
    parameters = made_parameters(name, log.skills, log.items, particles=4)
    shared = population(parameters)
    packed = pack(log, unit_steps=False)
    offset = layout_of(log, parameters).offset

    def loss(factors: Tensor) -> Tensor:
        scaled: Any = [one * (1.0 + factor) for one, factor in zip(shared, factors, strict=False)]
        moved = Population(*scaled, shared.starts_at_target)
        return run(moved, packed, offset, window=100).sum()

    at = torch.zeros(10, dtype=torch.float64, requires_grad=True)
    loss(at).backward()  # type: ignore[no-untyped-call]
    step = 1e-5
    for place in range(10):
        moved = torch.zeros(10, dtype=torch.float64)
        moved[place] = step
        with torch.no_grad():
            want = float(loss(moved) - loss(-moved)) / (2.0 * step)
        assert at.grad is not None
        assert float(at.grad[place]) == pytest.approx(want, abs=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_gradients_of_a_later_window_stop_at_its_edge(log: ResponseArrays, name: str) -> None:
    parameters = made_parameters(name, log.skills, log.items, particles=4)
    shared = population(parameters)
    packed = pack(log, unit_steps=False)
    offset = torch.as_tensor(layout_of(log, parameters).offset)
    n = len(packed.start)
    first, second, *_ = windows_of(packed, slice(0, n), size=5)

    def loss(factors: Tensor, moves: Tensor) -> Tensor:
        # The first window is what it is, whatever the second is asked about.
        memory = Memory(n, len(packed.skills), len(shared.alpha), like=shared.alpha)
        _, carried = filter_steps(
            shared, steps_of(packed, offset, first)[0], memory, begin(shared, n), is_first=True
        )
        steps, at = steps_of(packed, offset + moves, second)
        carried = Levels(*(one[: at.shape[1]] for one in detached(carried)))
        scaled: Any = [one * (1.0 + factor) for one, factor in zip(shared, factors, strict=False)]
        moved = Population(*scaled, shared.starts_at_target)
        return filter_steps(moved, steps, memory, carried, is_first=False)[0].sum()

    factors = torch.zeros(10, dtype=torch.float64, requires_grad=True)
    moves = torch.zeros(packed.n_responses, dtype=torch.float64, requires_grad=True)
    loss(factors, moves).backward()  # type: ignore[no-untyped-call]
    assert factors.grad is not None
    assert moves.grad is not None
    step = 1e-5
    for asked in (factors, moves):
        assert asked.grad is not None
        for place in range(0, len(asked), 1 if asked is factors else 17):
            ends = []
            for sign in (1.0, -1.0):
                there = [torch.zeros_like(factors), torch.zeros_like(moves)]
                there[0 if asked is factors else 1][place] = sign * step
                with torch.no_grad():
                    ends.append(float(loss(*there)))
            want = (ends[0] - ends[1]) / (2.0 * step)
            assert float(asked.grad[place]) == pytest.approx(want, abs=1e-6)


def test_gaps_and_newness_are_those_of_each_skill(log: ResponseArrays) -> None:
    packed = pack(log, unit_steps=False)
    seen: dict[tuple[int, int], float] = {}
    starts = log.learner_slices()
    for row in range(log.n_responses):
        learner, at = int(log.learner[row]), float(log.time[row])
        first = float(log.time[starts[learner]])
        codes = log.skill_index[log.skill_indptr[row] : log.skill_indptr[row + 1]]
        for place, code in enumerate(codes.tolist()):
            last = seen.get((learner, code))
            assert packed.is_new[row, place] == (last is None)
            assert packed.gap_days[row, place] == pytest.approx(at - (last or first))
            seen[learner, code] = at
        assert (packed.share[row, len(codes) :] == 0.0).all()
