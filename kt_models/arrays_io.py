"""Named arrays in one uncompressed .npz, laid out so that its members can be memory-mapped."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from kt_models.errors import DataError

_ALIGNMENT = 64


def write_npz(path: Path, members: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays to one file, which numpy.load reads too."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, array in members.items():
            _write_member(archive, name, array)


def _write_member(archive: zipfile.ZipFile, name: str, array: NDArray[Any]) -> None:
    """Write one array so that its data start at a multiple of 64 bytes, fit to be mapped."""
    info = zipfile.ZipInfo(f"{name}.npy")
    # 30 bytes of local header, the name, 20 of the zip64 field, then a padding field of our own.
    fixed = archive.fp.tell() + 30 + len(info.filename) + 20 + 4 if archive.fp else 0
    padding = -fixed % _ALIGNMENT
    info.extra = b"SW" + padding.to_bytes(2, "little") + bytes(padding)
    with archive.open(info, "w", force_zip64=True) as member:
        npy_format.write_array(member, np.asarray(array, order="C"), allow_pickle=False)


def read_npz(path: Path, *, is_mapped: bool) -> dict[str, NDArray[Any]]:
    """Read what write_npz wrote, or map it read-only. Raises: DataError."""
    members: dict[str, NDArray[Any]] = {}
    try:
        with zipfile.ZipFile(path) as archive, path.open("rb") as raw:
            for info in archive.infolist():
                name = info.filename.removesuffix(".npy")
                if is_mapped:
                    members[name] = _map_member(raw, info, path)
                    continue
                with archive.open(info) as member:
                    members[name] = npy_format.read_array(member, allow_pickle=False)
    except (zipfile.BadZipFile, ValueError) as error:
        raise DataError(f"{path} is not an archive of arrays: {error}") from error
    return members


def _map_member(raw: BinaryIO, info: zipfile.ZipInfo, path: Path) -> NDArray[Any]:
    raw.seek(info.header_offset + 26)
    name_length = int.from_bytes(raw.read(2), "little")
    extra_length = int.from_bytes(raw.read(2), "little")
    raw.seek(name_length + extra_length, 1)
    version = npy_format.read_magic(raw)
    read_header = (
        npy_format.read_array_header_1_0 if version == (1, 0) else npy_format.read_array_header_2_0
    )
    shape, _, dtype = read_header(raw)
    if dtype.hasobject:
        raise DataError(f"{path} holds Python objects, expected plain arrays")
    if 0 in shape or shape == ():
        return np.fromfile(raw, dtype=dtype, count=int(np.prod(shape, dtype=np.int64))).reshape(
            shape
        )
    return np.memmap(path, dtype=dtype, mode="r", offset=raw.tell(), shape=shape)
