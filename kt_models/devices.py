"""Where a network is fitted: one rule for every model that torch fits."""

from typing import Literal, TypeAlias, get_args

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from kt_models.errors import ConfigError

Device: TypeAlias = Literal["auto", "cpu", "cuda"]


def device_named(name: str) -> torch.device:
    """Return the device of a setting; auto takes a GPU where there is one.

    Raises: ConfigError for another name, and for cuda where torch sees no GPU.
    """
    if name not in get_args(Device):
        raise ConfigError(f"device is '{name}', expected one of {', '.join(get_args(Device))}")
    has_gpu = torch.cuda.is_available()
    if name == "cuda" and not has_gpu:
        raise ConfigError("device is 'cuda', but torch sees no GPU here; expected auto or cpu")
    return torch.device("cuda" if has_gpu and name != "cpu" else "cpu")


def tensor_like(values: ArrayLike, like: Tensor) -> Tensor:
    """Return values as a tensor of the type and on the device of another, made there at once."""
    return torch.as_tensor(np.array(values), dtype=like.dtype, device=like.device)
