"""Keep a fit of torch's after its epochs in one file, so that a killed one goes on where it was."""

import hashlib
import json
import logging
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from kt_models.arrays import ResponseArrays

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

logger = logging.getLogger(__name__)

FILE_NAME = "training.safetensors"
FORMAT = 2
Tensors: TypeAlias = dict[str, Tensor]


def fingerprint(
    data: ResponseArrays,
    config: "DataclassInstance",
    seed: int,
    *,
    validation: ResponseArrays | None = None,
    warm: bytes = b"",
) -> str:
    """Return what must be the same for a fit to be gone on with; warm says what it began from."""
    digest = hashlib.sha256(warm)
    for log in (data,) if validation is None else (data, validation):
        for array in (
            log.learner, log.item, log.correct, log.time, log.skill_index, log.skill_indptr,
        ):  # fmt: skip
            digest.update(np.ascontiguousarray(array).tobytes())
        digest.update("\n".join(map(str, log.skills)).encode())
    settings = {
        "model": type(config).__name__,
        "config": asdict(config),
        "seed": seed,
        "time_unit": data.time_unit,
        "format": FORMAT,
    }
    digest.update(json.dumps(settings, sort_keys=True).encode())
    return digest.hexdigest()


class Checkpoint:
    """One file of tensors and facts, replaced by rename and read again only by the same fit.

    A directory serves one fit.
    """

    def __init__(self, directory: Path, mark: str) -> None:
        self._directory = directory
        self._mark = mark

    @classmethod
    def of(
        cls,
        directory: Path | None,
        data: ResponseArrays,
        config: "DataclassInstance",
        seed: int,
        *,
        validation: ResponseArrays | None = None,
        warm: bytes = b"",
    ) -> "Checkpoint | None":
        """Return the checkpoint of a fit in a directory, None without one."""
        if directory is None:
            return None
        mark = fingerprint(data, config, seed, validation=validation, warm=warm)
        return cls(directory, mark)

    def write(self, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
        """Replace what is kept; facts go as JSON."""
        self._directory.mkdir(parents=True, exist_ok=True)
        scratch = self._directory / f"{FILE_NAME}.{os.getpid()}"
        copies = {name: one.detach().cpu().clone().contiguous() for name, one in tensors.items()}
        about = {"mark": self._mark, "facts": json.dumps(facts)}
        try:
            save_file(copies, scratch, metadata=about)
            scratch.replace(self._directory / FILE_NAME)
        finally:
            scratch.unlink(missing_ok=True)

    def read(self) -> tuple[Tensors, dict[str, Any]] | None:
        """Return the tensors and facts that were kept, or None when none are of this very fit."""
        path = self._directory / FILE_NAME
        if not path.is_file():
            return None
        try:
            with safe_open(path, framework="pt") as file:
                about = file.metadata() or {}
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except (SafetensorError, OSError) as error:
            logger.warning("the checkpoint %s cannot be read and is not used: %s", path, error)
            return None
        if about.get("mark") != self._mark:
            logger.warning("the checkpoint %s is of another fit and is not used", path)
            return None
        return tensors, json.loads(about["facts"])


def named(prefix: str, tensors: Mapping[str, Tensor]) -> Tensors:
    """Return the tensors with a prefix before their names."""
    return {f"{prefix}.{name}": one for name, one in tensors.items()}


def under(prefix: str, tensors: Mapping[str, Tensor]) -> Tensors:
    """Return those of `named` with this prefix, by the names they had."""
    head = f"{prefix}."
    return {name.removeprefix(head): one for name, one in tensors.items() if name.startswith(head)}


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> Tensors:
    """Return an optimiser's state as tensors with names."""
    return {
        f"{index}.{name}": one
        for index, values in optimizer.state_dict()["state"].items()
        for name, one in values.items()
    }


def optimizer_load(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Give an optimiser the state that optimizer_tensors returned."""
    state: dict[int, Tensors] = {}
    for place, one in tensors.items():
        index, _, name = place.partition(".")
        state.setdefault(int(index), {})[name] = one
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})
