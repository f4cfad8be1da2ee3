"""Keep a fit after some epochs, so that a killed one goes on where it was, to the same model."""

import hashlib
import json
import logging
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from kt_models.arrays import ResponseArrays
from kt_models.psi_kt.config import PSIKTConfig

logger = logging.getLogger(__name__)

FILE_NAME = "psi-kt-training.safetensors"
FORMAT = 1
Tensors = dict[str, Tensor]


def fingerprint(data: ResponseArrays, config: PSIKTConfig, seed: int, *, warm: bytes = b"") -> str:
    """Return what must be the same for a fit to be gone on with."""
    digest = hashlib.sha256(warm)
    for array in (data.learner, data.item, data.correct, data.time, data.skill_index):
        digest.update(np.ascontiguousarray(array).tobytes())
    settings = {"config": asdict(config), "seed": seed, "format": FORMAT}
    digest.update(json.dumps(settings, sort_keys=True).encode())
    digest.update("\n".join(map(str, data.skills)).encode())
    return digest.hexdigest()


@dataclass(frozen=True, slots=True, eq=False)
class Training:
    """A fit between two epochs: all that decides how it goes on."""

    variables: Tensors
    summed: Tensors
    optimizer: dict[int, Tensors]
    n_summed: int
    n_epochs: int
    losses: tuple[float, ...]


class Keeper:
    """Writes a fit to one file, by rename, and reads it again if it is of the same fit."""

    def __init__(self, directory: Path, mark: str) -> None:
        self._directory = directory
        self._mark = mark

    def save(
        self,
        variables: Tensors,
        summed: Tensors,
        optimizer: torch.optim.Optimizer,
        *,
        n_summed: int,
        n_epochs: int,
        losses: Sequence[float],
    ) -> None:
        """Keep the fit; the file of before is replaced at once."""
        tensors = {f"variables.{name}": value for name, value in variables.items()}
        tensors |= {f"summed.{name}": value for name, value in summed.items()}
        for index, values in optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{index}.{name}": value for name, value in values.items()}
        counts = {"n_summed": n_summed, "n_epochs": n_epochs, "losses": list(losses)}
        about = {"mark": self._mark, "counts": json.dumps(counts)}
        self._directory.mkdir(parents=True, exist_ok=True)
        scratch = self._directory / f"{FILE_NAME}.{os.getpid()}"
        copies = {name: one.detach().cpu().clone().contiguous() for name, one in tensors.items()}
        try:
            save_file(copies, scratch, metadata=about)
            scratch.replace(self._directory / FILE_NAME)
        finally:
            scratch.unlink(missing_ok=True)

    def load(self) -> Training | None:
        """Return the fit that was kept, or None when there is none of this very fit."""
        path = self._directory / FILE_NAME
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
        counts = json.loads(about["counts"])
        optimizer: dict[int, Tensors] = {}
        for name, value in _part(tensors, "optimizer.").items():
            index, _, part = name.partition(".")
            optimizer.setdefault(int(index), {})[part] = value
        return Training(
            variables=_part(tensors, "variables."),
            summed=_part(tensors, "summed."),
            optimizer=optimizer,
            n_summed=int(counts["n_summed"]),
            n_epochs=int(counts["n_epochs"]),
            losses=tuple(counts["losses"]),
        )


def _part(tensors: Tensors, prefix: str) -> Tensors:
    return {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }
