"""Saved models: a directory of plain arrays and a manifest that vouches for each file.

Nothing is ever unpickled, so that loading a model never runs code. A directory appears whole or
not at all.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from kt_models.arrays_io import read_npz, write_npz
from kt_models.errors import ArtifactError, DataError

FORMAT_VERSION = 1
MANIFEST = "manifest.json"

Writer: TypeAlias = Callable[[Path], None]


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an artifact says of itself; files maps each file name to its sha256."""

    name: str
    model_version: int
    config: dict[str, Any]
    created_at: str | None
    files: dict[str, str]
    code_version: str
    format_version: int = FORMAT_VERSION


@dataclass(frozen=True, slots=True)
class Artifact:
    """An artifact whose files were all found and matched their checksums."""

    directory: Path
    manifest: Manifest = field(repr=False)

    def path(self, file_name: str) -> Path:
        """Return the path of a file that the manifest lists. Raises: ArtifactError."""
        if file_name not in self.manifest.files:
            raise ArtifactError(
                f"{self.directory} has no file '{file_name}'; it lists "
                f"{', '.join(sorted(self.manifest.files))}"
            )
        return self.directory / file_name

    def arrays(self, file_name: str) -> dict[str, NDArray[Any]]:
        """Return the arrays of an .npz file. Raises: ArtifactError."""
        try:
            return read_npz(self.path(file_name), is_mapped=False)
        except DataError as error:
            raise ArtifactError(str(error)) from error


def write_artifact(
    directory: Path,
    *,
    name: str,
    model_version: int,
    config: Mapping[str, Any],
    writers: Mapping[str, Writer],
    created_at: datetime | None = None,
) -> None:
    """Write a new artifact: each writer fills the file of its name, then the manifest.

    Everything goes to a directory beside the target that is renamed at the end, so that a full
    disk or a crash leaves no half-written artifact.

    Raises: ArtifactError when the directory exists and is not empty, or on any failure to write.
    """
    if directory.is_dir() and any(directory.iterdir()):
        raise ArtifactError(f"{directory} is not empty; artifacts are never overwritten")
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{directory.name}-", dir=directory.parent))
    except OSError as error:
        raise ArtifactError(f"{directory} cannot be written: {error}") from error
    try:
        for file_name, write in writers.items():
            _check_file_name(file_name)
            write(scratch / file_name)
            _flush(scratch / file_name)
        manifest = Manifest(
            name=name,
            model_version=model_version,
            config=dict(config),
            created_at=None if created_at is None else created_at.isoformat(),
            files={file_name: sha256_of(scratch / file_name) for file_name in sorted(writers)},
            code_version=code_version(),
        )
        text = json.dumps(asdict(manifest), indent=2, sort_keys=True, allow_nan=False)
        (scratch / MANIFEST).write_text(text + "\n", encoding="utf-8")
        _flush(scratch / MANIFEST)
        scratch.chmod(0o755)
        scratch.rename(directory)
    except OSError as error:
        raise ArtifactError(f"{directory} cannot be written: {error}") from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def read_artifact(directory: Path, *, name: str | None = None) -> Artifact:
    """Open an artifact after checking its manifest and every file.

    Raises: ArtifactError naming what is missing, changed, newer than this code or of another kind.
    """
    manifest = _read_manifest(directory)
    if name is not None and manifest.name != name:
        raise ArtifactError(f"{directory} holds a '{manifest.name}' model, expected '{name}'")
    for file_name, expected in manifest.files.items():
        _check_file_name(file_name)
        path = directory / file_name
        if not path.is_file():
            raise ArtifactError(f"{directory} lacks the file '{file_name}' of its manifest")
        found = sha256_of(path)
        if found != expected:
            raise ArtifactError(
                f"{path} was changed since it was written: its sha256 is {found[:12]}..., the "
                f"manifest says {expected[:12]}..."
            )
    return Artifact(directory=directory, manifest=manifest)


def check_model_version(manifest: Manifest, *, newest: int) -> None:
    """Refuse a model file that was written by a newer version of the model's own code."""
    if manifest.model_version > newest:
        raise ArtifactError(
            f"'{manifest.name}' artifact has model version {manifest.model_version}, this code "
            f"reads up to {newest}"
        )


def npz_writer(arrays: Mapping[str, NDArray[Any]]) -> Writer:
    """Return a writer of one .npz; equal arrays give equal bytes."""
    return lambda path: write_npz(path, arrays)


def safetensors_writer(arrays: Mapping[str, NDArray[Any]]) -> Writer:
    """Return a writer of one .safetensors file from numpy arrays."""

    def write(path: Path) -> None:
        from safetensors.numpy import save_file

        save_file({key: np.ascontiguousarray(array) for key, array in arrays.items()}, path)

    return write


def sha256_of(path: Path) -> str:
    """Return the hexadecimal sha256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def code_version() -> str:
    """Return the installed version of this project, 'unknown' where it is not installed."""
    try:
        return metadata.version("stepwise")
    except metadata.PackageNotFoundError:
        return "unknown"


def _read_manifest(directory: Path) -> Manifest:
    path = directory / MANIFEST
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ArtifactError(f"{directory} is not a saved model: no {MANIFEST}") from error
    except (OSError, ValueError) as error:
        raise ArtifactError(f"{path} cannot be read: {error}") from error
    version = content.get("format_version") if isinstance(content, dict) else None
    if not isinstance(version, int):
        raise ArtifactError(f"{path} has format_version {version!r}, expected a number")
    if version > FORMAT_VERSION:
        raise ArtifactError(
            f"{path} has format version {version}, this code reads up to {FORMAT_VERSION}"
        )
    try:
        manifest = Manifest(**content)
    except TypeError as error:
        raise ArtifactError(f"{path} does not have the fields of a manifest: {error}") from error
    _check_types(manifest, path)
    return manifest


def _check_types(manifest: Manifest, path: Path) -> None:
    is_good = (
        isinstance(manifest.name, str)
        and isinstance(manifest.model_version, int)
        and isinstance(manifest.config, dict)
        and isinstance(manifest.files, dict)
        and all(isinstance(value, str) for value in manifest.files.values())
    )
    if not is_good:
        raise ArtifactError(f"{path} has a field of the wrong type")


def _check_file_name(file_name: str) -> None:
    if not file_name or Path(file_name).name != file_name or file_name == MANIFEST:
        raise ArtifactError(f"'{file_name}' is not a plain file name")


def _flush(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
