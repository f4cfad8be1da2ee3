"""Which format a file has, and the one way in: file -> document -> import."""

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings

from tutor.accounts.models import User
from tutor.common.errors import TutorError
from tutor.content.archives import FolderFiles, ZipFiles
from tutor.content.bundles import FORMAT, bundle_from_files, bundle_root, json_read
from tutor.content.errors import ContentUnreadableError
from tutor.content.findings import Progress, progress_ignored
from tutor.content.graphs import graph_import, is_graph
from tutor.content.importing import ImportResult, OnApply, course_import
from tutor.content.models import Course, ImportFormat
from tutor.content.oatutor import is_oatutor, oatutor_read


@dataclass(frozen=True)
class Content:
    """A file's content as a document, with notes on what its conversion mended or left out."""

    format: ImportFormat
    document: Any
    notes: tuple[str, ...] = field(default=())


def content_read(
    source: BinaryIO | Path,
    *,
    name: str,
    wanted: str = ImportFormat.AUTO,
    course_name: str | None = None,
    progress: Progress = progress_ignored,
) -> Content:
    """Read a file (or, of OATutor, a folder) and convert it to a bundle or a graph.

    Raises:
        ContentUnreadableError: for what is no content, too large, or not of the format `wanted`.
    """
    if isinstance(source, Path) and source.is_dir():
        files = FolderFiles(source)
        if bundle_root(files.names) is not None:
            return _checked(Content(ImportFormat.BUNDLE, bundle_from_files(files)), wanted)
        document, notes = oatutor_read(files, course_name=course_name, progress=progress)
        return _checked(Content(ImportFormat.OATUTOR, document, tuple(notes)), wanted)
    if isinstance(source, Path):
        try:
            with source.open("rb") as opened:
                return content_read(
                    opened, name=name, wanted=wanted, course_name=course_name, progress=progress
                )
        except OSError as error:
            raise ContentUnreadableError(f"'{name}' could not be opened: {error}.") from error
    _size_check(source, name)
    if zipfile.is_zipfile(source):
        source.seek(0)
        return _checked(_zip_read(source, course_name, progress), wanted)
    source.seek(0)
    document = json_read(source.read(), name=name)
    return _checked(document_content(document), wanted)


def document_content(document: object) -> Content:
    """Recognise a document that came as JSON."""
    if is_graph(document):
        return Content(ImportFormat.GRAPH, document)
    if isinstance(document, Mapping) and (document.get("format") == FORMAT or "course" in document):
        return Content(ImportFormat.BUNDLE, document)
    raise ContentUnreadableError(
        f'The JSON is neither a bundle ("format": "{FORMAT}") nor a graph ("nodes" and "edges").'
    )


def content_import(
    content: Content,
    *,
    course: Course | None,
    by: User | None,
    now: datetime,
    is_dry_run: bool,
    progress: Progress = progress_ignored,
    on_apply: OnApply | None = None,
) -> ImportResult:
    """Import what was read; a graph needs the course that it goes to.

    Raises:
        ImportRefusedError: with every row that is wrong.
        TutorError: code `course_missing` for a graph without a course, or `course_busy`.
    """
    if content.format is ImportFormat.GRAPH:
        if course is None:
            raise TutorError(
                "A graph needs a course to go to; choose the course and start again.",
                code="course_missing",
            )
        return graph_import(
            content.document,
            course=course,
            by=by,
            now=now,
            is_dry_run=is_dry_run,
            progress=progress,
            on_apply=on_apply,
        )
    return course_import(
        content.document,
        by=by,
        now=now,
        is_dry_run=is_dry_run,
        progress=progress,
        on_apply=on_apply,
    )


def _size_check(source: BinaryIO, name: str) -> None:
    size = source.seek(0, 2)
    source.seek(0)
    if size > settings.MAX_UPLOAD_BYTES:
        raise ContentUnreadableError(
            f"'{name}' has {size} bytes, at most {settings.MAX_UPLOAD_BYTES} are read "
            "(setting STEPWISE_MAX_UPLOAD_MB)."
        )
    if size == 0:
        raise ContentUnreadableError(f"'{name}' is empty.")


def _zip_read(source: BinaryIO, course_name: str | None, progress: Progress) -> Content:
    files = ZipFiles(source)
    if bundle_root(files.names) is not None:
        return Content(ImportFormat.BUNDLE, bundle_from_files(files))
    if is_oatutor(files.names):
        document, notes = oatutor_read(files, course_name=course_name, progress=progress)
        return Content(ImportFormat.OATUTOR, document, tuple(notes))
    raise ContentUnreadableError(
        "The zip holds neither a bundle.json nor an OATutor content pool (coursePlans.json)."
    )


def _checked(content: Content, wanted: str) -> Content:
    if wanted not in {ImportFormat.AUTO.value, content.format.value}:
        raise ContentUnreadableError(
            f"The file was said to be '{wanted}', but it is '{content.format.value}'."
        )
    return content
