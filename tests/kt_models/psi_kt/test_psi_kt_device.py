"""No GPU is at hand, so a fit is watched: every tensor that it makes is told its device by name."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch.overrides import TorchFunctionMode

from kt_models.psi_kt.config import CONFIGS
from kt_models.psi_kt.fit import fit_variables
from kt_models.psi_kt.packing import pack
from tests.kt_models.conformance import make_log

MAKERS = frozenset(
    getattr(torch, name)
    for name in (
        *("arange", "as_tensor", "empty", "eye", "from_numpy", "full", "linspace", "ones", "rand"),
        *("randint", "randn", "randperm", "tensor", "zeros"),
    )
)


class Watch(TorchFunctionMode):
    """Notes where code of ours makes a tensor without naming a device."""

    def __init__(self) -> None:
        super().__init__()
        self.n_named = 0
        self.unnamed: list[str] = []

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        told = dict(kwargs or {})
        if func in MAKERS:
            # Whose code it is that makes the tensor.
            frame = sys._getframe(1)
            place = f"{frame.f_code.co_filename}:{frame.f_lineno}"
            if "kt_models/" in place and "tests/" not in place:
                if told.get("device") is None:
                    self.unnamed.append(place)
                else:
                    self.n_named += 1
        return func(*args, **told)


@pytest.mark.parametrize("name", CONFIGS)
def test_a_fit_makes_every_tensor_on_the_device_it_was_told(name: str) -> None:
    log = make_log(4, n_learners=8).merged().data
    skills = [str(skill) for skill in log.skills]
    config = replace(
        CONFIGS[name], steps=4, window=5, embedding=4, authored=((skills[0], skills[1]),)
    )
    with Watch() as watch:
        fit_variables(pack(log, unit_steps=False), config=config, seed=0)
    assert watch.unnamed == []
    assert watch.n_named > 0


def test_a_tensor_without_a_device_is_noticed() -> None:
    source = compile("torch.zeros(3)", "kt_models/made_up.py", "eval")
    with Watch() as watch:
        eval(source, {"torch": torch})
    assert len(watch.unnamed) == 1
