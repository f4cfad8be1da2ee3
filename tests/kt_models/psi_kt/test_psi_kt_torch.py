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
from kt_models.psi_kt.packing import Packed, pack, windows_of
from kt_models.psi_kt.parameters import PSIKTParameters
from kt_models.psi_kt.torch_filter import (
    Carried,
    Memory,
    Population,
    Step,
    begin,
    detached,
    filter_steps,
)
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


def run(shared: Population, packed: Packed, offset: NDArray[np.float64], *, window: int) -> Tensor:
    """Return (n,) log likelihoods, in the order of the log."""
    n, k = len(packed.start), len(packed.skills)
    memory = Memory(n, k, len(shared.alpha), like=shared.alpha)
    carried = begin(shared, n)
    found = torch.zeros(packed.n_responses, dtype=torch.float64)
    for part in windows_of(packed, slice(0, n), size=window):
        steps = [
            Step(*(torch.as_tensor(column[rows]) for column in (
                packed.skill, packed.share, packed.gap_days, packed.is_new, offset, packed.sign
            )))
            for rows in part.rows
        ]  # fmt: skip
        carried = Carried(*(one[: len(part.rows[0])] for one in carried))
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
