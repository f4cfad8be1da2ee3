"""Where a network is fitted: one rule for every model that torch fits. Importing it is cheap."""

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike

from kt_models.errors import ConfigError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

Device: TypeAlias = Literal["auto", "cpu", "cuda"]


def device_named(name: str) -> "torch.device":
    """Return the device of a setting; auto takes a GPU where there is one.

    Raises: ConfigError for another name, and for cuda where torch sees no GPU.
    """
    import torch

    if name not in get_args(Device):
        raise ConfigError(f"device is '{name}', expected one of {', '.join(get_args(Device))}")
    has_gpu = torch.cuda.is_available()
    if name == "cuda" and not has_gpu:
        raise ConfigError("device is 'cuda', but torch sees no GPU here; expected auto or cpu")
    return torch.device("cuda" if has_gpu and name != "cpu" else "cpu")


def exact_kernels() -> AbstractContextManager[None]:
    """Return a context in which a GPU's networks run in full single precision, same again.

    Recurrences and sums by index may still differ by their last bits from run to run there.
    """
    import torch

    found: AbstractContextManager[None] = torch.backends.cudnn.flags(
        enabled=True, benchmark=False, deterministic=True, allow_tf32=False
    )
    return found


def tensor_like(values: ArrayLike, like: "Tensor") -> "Tensor":
    """Return values as a tensor of the type and on the device of another, made there at once."""
    import torch

    return torch.as_tensor(np.array(values), dtype=like.dtype, device=like.device)
