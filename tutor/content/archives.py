"""Files of an upload, from a zip or a folder, behind limits that a hostile archive cannot pass."""

import stat
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Protocol

from django.utils.translation import gettext as _

from tutor.content.errors import ContentUnreadableError

MAX_FILES = 60_000
MAX_UNPACKED_BYTES = 400 * 1024 * 1024
MAX_FILE_BYTES = 120 * 1024 * 1024
# Text packs to about a tenth; a bomb to a thousandth.
MAX_RATIO = 200
RATIO_GRACE_BYTES = 1024 * 1024


class Files(Protocol):
    """A read-only tree of files by relative path with forward slashes."""

    @property
    def names(self) -> tuple[str, ...]:
        """Every file's path, sorted."""
        ...

    def read(self, name: str) -> bytes:
        """Read one file. Raises: ContentUnreadableError."""
        ...


class ZipFiles:
    """The files of a zip; nothing is ever unpacked to disk."""

    def __init__(self, file: BinaryIO) -> None:
        """Open and check the archive's directory. Raises: ContentUnreadableError."""
        try:
            self._zip = zipfile.ZipFile(file)
            entries = [entry for entry in self._zip.infolist() if not entry.is_dir()]
        except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as error:
            raise ContentUnreadableError(
                _("The zip could not be opened: {reason}.").format(reason=error)
            ) from error
        _check_directory(entries)
        self._entries: Mapping[str, zipfile.ZipInfo] = {e.filename: e for e in entries}
        self.names = tuple(sorted(self._entries))

    def read(self, name: str) -> bytes:
        """Read one file. Raises: ContentUnreadableError."""
        entry = self._entries[name]
        try:
            with self._zip.open(entry) as opened:
                # The directory's size may lie; read no more than it said.
                content = opened.read(entry.file_size + 1)
        except (zipfile.BadZipFile, RuntimeError, NotImplementedError, OSError, EOFError) as error:
            raise ContentUnreadableError(
                _("'{name}' in the zip is damaged: {reason}.").format(name=name, reason=error)
            ) from error
        if len(content) != entry.file_size:
            raise ContentUnreadableError(
                _(
                    "'{name}' in the zip holds {held} bytes or more, its directory says {said}."
                ).format(name=name, held=len(content), said=entry.file_size)
            )
        return content


class FolderFiles:
    """The files below a folder; links that lead out of it are not followed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self.names = tuple(
            sorted(
                path.relative_to(self._folder).as_posix()
                for path in self._folder.rglob("*")
                if path.is_file() and path.resolve().is_relative_to(self._folder)
            )
        )
        if len(self.names) > MAX_FILES:
            raise ContentUnreadableError(
                _("The folder holds {count} files, at most {most} are read.").format(
                    count=len(self.names), most=MAX_FILES
                )
            )

    def read(self, name: str) -> bytes:
        """Read one file. Raises: ContentUnreadableError."""
        path = self._folder / name
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise ContentUnreadableError(
                _("'{name}' has {size} bytes, at most {most} are read.").format(
                    name=name, size=size, most=MAX_FILE_BYTES
                )
            )
        return path.read_bytes()


def _check_directory(entries: list[zipfile.ZipInfo]) -> None:
    if len(entries) > MAX_FILES:
        raise ContentUnreadableError(
            _("The zip holds {count} files, at most {most} are read.").format(
                count=len(entries), most=MAX_FILES
            )
        )
    total = sum(entry.file_size for entry in entries)
    if total > MAX_UNPACKED_BYTES:
        raise ContentUnreadableError(
            _("The zip unpacks to {total} bytes, at most {most} are read.").format(
                total=total, most=MAX_UNPACKED_BYTES
            )
        )
    seen: set[str] = set()
    for entry in entries:
        problem = _entry_problem(entry)
        if problem:
            raise ContentUnreadableError(
                problem.format(
                    name=entry.filename,
                    size=entry.file_size,
                    most=MAX_FILE_BYTES,
                    times=MAX_RATIO,
                )
            )
        if entry.filename in seen:
            raise ContentUnreadableError(
                _("'{name}' stands twice in the zip.").format(name=entry.filename)
            )
        seen.add(entry.filename)


def _entry_problem(entry: zipfile.ZipInfo) -> str | None:
    """Say what is wrong, in words that want its name, size and limits filled in."""
    path = PurePosixPath(entry.filename)
    if path.is_absolute() or ".." in path.parts or "\\" in entry.filename or ":" in path.parts[0]:
        return _(
            "'{name}' in the zip leads out of the archive; expected a relative path without '..'."
        )
    if stat.S_ISLNK(entry.external_attr >> 16):
        return _("'{name}' in the zip is a link; expected a file.")
    if entry.flag_bits & 0x1:
        return _("'{name}' in the zip is encrypted; expected a zip without a password.")
    if entry.file_size > MAX_FILE_BYTES:
        return _("'{name}' in the zip unpacks to {size} bytes, at most {most} are read.")
    if entry.file_size > RATIO_GRACE_BYTES and entry.file_size > MAX_RATIO * max(
        1, entry.compress_size
    ):
        return _(
            "'{name}' in the zip unpacks to more than {times} times its size, like a zip bomb."
        )
    return None
