"""Keep a network's training after each epoch, so that a killed fit goes on where it was."""

import hashlib
import json
import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from kt_models.arrays import ResponseArrays

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

logger = logging.getLogger(__name__)

FILE_NAME = "dkt-training.safetensors"
FORMAT = 1
TorchState = dict[str, Tensor]


def fingerprint(data: ResponseArrays, config: "DataclassInstance", seed: int) -> str:
    """Return what must be the same for a training to be gone on with."""
    digest = hashlib.sha256()
    for array in (data.learner, data.item, data.correct, data.time, data.skill_index):
        digest.update(np.ascontiguousarray(array).tobytes())
    settings = {"config": asdict(config), "seed": seed, "format": FORMAT}
    digest.update(json.dumps(settings, sort_keys=True).encode())
    digest.update("\n".join(map(str, data.skills)).encode())
    return digest.hexdigest()


@dataclass(frozen=True, slots=True, eq=False)
class Training:
    """A training between two epochs: all that decides how it goes on."""

    network: TorchState
    best: TorchState
    optimizer: Mapping[int, TorchState]
    torch_rng: Tensor
    numpy_rng: Mapping[str, Any]
    losses: tuple[float, ...]


class CheckpointKeeper:
    """Writes the training to one file, by rename, and reads it again if it is of the same fit."""

    def __init__(self, directory: Path, mark: str, *, file_name: str = FILE_NAME) -> None:
        self._directory = directory
        self._mark = mark
        self._path = directory / file_name

    def save(
        self,
        network: nn.Module,
        optimizer: torch.optim.Optimizer,
        *,
        best: TorchState,
        losses: Sequence[float],
        rng: np.random.Generator,
    ) -> None:
        """Keep the training; the file of the epoch before is replaced at once."""
        tensors = {f"network.{name}": value for name, value in network.state_dict().items()}
        tensors |= {f"best.{name}": value for name, value in best.items()}
        for index, values in optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{index}.{name}": value for name, value in values.items()}
        tensors["rng"] = torch.get_rng_state()
        about = {
            "mark": self._mark,
            "losses": json.dumps(list(losses)),
            "numpy_rng": json.dumps(rng.bit_generator.state),
        }
        self._directory.mkdir(parents=True, exist_ok=True)
        scratch = self._directory / f"{self._path.name}.{os.getpid()}"
        copies = {name: value.detach().clone().contiguous() for name, value in tensors.items()}
        try:
            save_file(copies, scratch, metadata=about)
            scratch.replace(self._path)
        finally:
            scratch.unlink(missing_ok=True)

    def load(self) -> Training | None:
        """Return the training that was kept, or None when there is none of this very fit."""
        path = self._path
        if not path.is_file():
            return None
        try:
            with safe_open(path, framework="pt") as file:
                about = file.metadata()
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except (SafetensorError, OSError) as error:
            logger.warning("the checkpoint %s cannot be read and is not used: %s", path, error)
            return None
        if about.get("mark") != self._mark:
            logger.warning("the checkpoint %s is of another fit and is not used", path)
            return None
        return Training(
            network=_part(tensors, "network."),
            best=_part(tensors, "best."),
            optimizer=_optimizer_state(_part(tensors, "optimizer.")),
            torch_rng=tensors["rng"],
            numpy_rng=json.loads(about["numpy_rng"]),
            losses=tuple(json.loads(about["losses"])),
        )


def _part(tensors: Mapping[str, Tensor], prefix: str) -> TorchState:
    return {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }


def _optimizer_state(tensors: Mapping[str, Tensor]) -> dict[int, dict[str, Tensor]]:
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        index, _, part = name.partition(".")
        state.setdefault(int(index), {})[part] = value
    return state
