"""Making files that are broken in one place: JSON, zips, lines and tables."""

import io
import json
import stat
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.tutor.content.bundle_case import bundle_make, put
from tutor.content.bundle_csv_write import csv_zip_write
from tutor.content.bundle_ndjson import ndjson_write
from tutor.content.bundles import canonical


@dataclass(frozen=True)
class Broken:
    """`where` is the pointer of a row, or the file; `words` stand in its message."""

    name: str
    file: str
    make: Callable[[], bytes]
    where: str
    words: str
    expected: str = ""


def encoded(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()


def changed(pointer: str, value: Any) -> Callable[[], bytes]:
    def make() -> bytes:
        bundle = bundle_make()
        put(bundle, pointer, value)
        return encoded(bundle)

    return make


def zipped(files: dict[str, bytes], *, links: tuple[str, ...] = ()) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            if name in links:
                entry.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(entry, content)
    return packed.getvalue()


def tables() -> dict[str, bytes]:
    packed = csv_zip_write(canonical(bundle_make()))
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def table_changed(name: str, old: bytes, new: bytes) -> Callable[[], bytes]:
    def make() -> bytes:
        files = tables()
        assert old in files[name], f"{old!r} is not in {name}"
        return zipped(files | {name: files[name].replace(old, new, 1)})

    return make


def lines_changed(number: int, line: bytes) -> Callable[[], bytes]:
    def make() -> bytes:
        lines = list(ndjson_write(canonical(bundle_make())))
        lines[number - 1] = line + b"\n"
        return b"".join(lines)

    return make


def raw(content: bytes) -> Callable[[], bytes]:
    return lambda: content


def twice(section: str) -> Callable[[], bytes]:
    bundle = bundle_make()
    return changed(f"/{section}/{len(bundle[section])}", bundle[section][0])


def encrypted() -> bytes:
    content = bytearray(zipped({"bundle.json": encoded(bundle_make())}))
    content[6] |= 1
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    return bytes(content)
