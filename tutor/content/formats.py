"""Which format a file has, and the one way in: file -> document -> import."""

import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings
from django.utils.translation import gettext as _

from tutor.accounts.models import User
from tutor.common.errors import TutorError
from tutor.content.aiken import aiken_read, is_aiken
from tutor.content.archives import Files, FolderFiles, ZipFiles
from tutor.content.bundle_csv_read import csv_bundle_read, csv_root
from tutor.content.bundle_ndjson import ndjson_read
from tutor.content.bundles import FORMAT, bundle_from_files, bundle_root, files_unnamed
from tutor.content.decoding import json_read
from tutor.content.errors import ContentUnreadableError
from tutor.content.findings import Findings, Progress, progress_ignored
from tutor.content.gift import gift_read, is_gift
from tutor.content.graphs import graph_import, is_graph
from tutor.content.importing import ImportResult, OnApply, course_import
from tutor.content.models import Course, ImportFormat
from tutor.content.oatutor import is_oatutor, oatutor_read
from tutor.content.origins import NOWHERE, Origin
from tutor.content.qti import qti_file_read, qti_package_read
from tutor.content.qti_manifest import package_root

# Quizzes are converted question by question: one that fails the checks is left out and listed.
QUIZ_FORMATS = frozenset({ImportFormat.QTI, ImportFormat.GIFT, ImportFormat.AIKEN})
_JSON_START = re.compile(rb'\s*[{\[]\s*(?:["{\[\]}0-9-]|true|false|null)')
_XML_START = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:\?xml|questestinterop)\b")
_NDJSON_START = re.compile(rb'\s*\{[^\n]*\}[ \t\r]*\n\s*\{\s*"')


@dataclass(frozen=True)
class Content:
    """A file's content as a document, with notes on what its conversion mended or left out.

    `origin` says where the document's parts stood in the file.
    """

    format: ImportFormat
    document: Any
    notes: tuple[str, ...] = field(default=())
    origin: Origin = NOWHERE


def content_read(
    source: BinaryIO | Path,
    *,
    name: str,
    wanted: str = ImportFormat.AUTO,
    course_name: str | None = None,
    progress: Progress = progress_ignored,
) -> Content:
    """Read a file (or the folder of an unpacked zip) and convert it to a bundle or a graph.

    Raises:
        ContentUnreadableError: for what is no content, too large, or not of the format `wanted`.
        ImportRefusedError: with rows, for NDJSON that does not begin with a course.
    """
    if isinstance(source, Path) and source.is_dir():
        content = _files_read(FolderFiles(source), name, course_name, progress)
        return _checked(content, wanted)
    if isinstance(source, Path):
        try:
            with source.open("rb") as opened:
                return content_read(
                    opened, name=name, wanted=wanted, course_name=course_name, progress=progress
                )
        except OSError as error:
            raise ContentUnreadableError(
                _("'{name}' could not be opened: {error}.").format(name=name, error=error)
            ) from error
    _size_check(source, name)
    if zipfile.is_zipfile(source):
        source.seek(0)
        content = _files_read(ZipFiles(source), name, course_name, progress)
        return _checked(content, wanted)
    source.seek(0)
    return _checked(_text_read(source.read(), name, wanted), wanted)


def document_content(document: object) -> Content:
    """Recognise a document that came as JSON."""
    if is_graph(document):
        return Content(ImportFormat.GRAPH, document)
    if isinstance(document, Mapping) and (document.get("format") == FORMAT or "course" in document):
        return Content(ImportFormat.BUNDLE, document)
    raise ContentUnreadableError(
        _(
            'The JSON is neither a bundle ("format": "{format}") nor a graph ("nodes" and "edges").'
        ).format(format=FORMAT)
    )


def content_import(
    content: Content,
    *,
    course: Course | None,
    by: User | None,
    now: datetime,
    is_dry_run: bool,
    is_partial: bool = False,
    progress: Progress = progress_ignored,
    on_apply: OnApply | None = None,
    is_patient: bool = False,
) -> ImportResult:
    """Import what was read; a graph needs the course that it goes to.

    With `is_partial`, and always from quiz formats, problems with errors are left out and listed.

    Raises:
        ImportRefusedError: with every row that is wrong.
        TutorError: code `course_missing` for a graph without a course, or `course_busy`.
    """
    if content.format is ImportFormat.GRAPH:
        if course is None:
            raise TutorError(
                _("A graph needs a course to go to; choose the course and start again."),
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
        origin=content.origin,
        is_partial=is_partial or content.format in QUIZ_FORMATS,
        is_patient=is_patient,
    )


def _size_check(source: BinaryIO, name: str) -> None:
    size = source.seek(0, 2)
    source.seek(0)
    if size > settings.MAX_UPLOAD_BYTES:
        raise ContentUnreadableError(
            _(
                "'{name}' has {size} bytes, at most {most} are read "
                "(setting STEPWISE_MAX_UPLOAD_MB)."
            ).format(name=name, size=size, most=settings.MAX_UPLOAD_BYTES)
        )
    if size == 0:
        raise ContentUnreadableError(_("'{name}' is empty.").format(name=name))


def _files_read(files: Files, name: str, course_name: str | None, progress: Progress) -> Content:
    names = files.names
    if bundle_root(names) is not None:
        document = bundle_from_files(files)
        findings = Findings()
        for other in files_unnamed(files, document):
            message = _("'{name}' was left out: the bundle names no such picture.")
            expected = _("bundle.json and the pictures that it names")
            findings.warning(other, "", expected, message.format(name=other), field="")
        origin = Origin(rows=tuple(findings.rows()))
        return Content(ImportFormat.BUNDLE, document, origin=origin)
    if csv_root(names) is not None:
        document, origin = csv_bundle_read(files)
        return Content(ImportFormat.BUNDLE, document, origin=origin)
    if is_oatutor(names):
        document, notes = oatutor_read(files, course_name=course_name, progress=progress)
        return Content(ImportFormat.OATUTOR, document, tuple(notes))
    if package_root(names) is not None:
        return Content(ImportFormat.QTI, *qti_package_read(files, name=name, progress=progress))
    raise ContentUnreadableError(
        _(
            "'{name}' holds neither a bundle (bundle.json or course.csv) nor an OATutor content "
            "pool (coursePlans.json) nor a QTI package (imsmanifest.xml)."
        ).format(name=name)
    )


def _text_read(raw: bytes, name: str, wanted: str) -> Content:
    """Read what is no zip: by the format asked for, the name's ending, or what it looks like."""
    match _text_kind(raw, name.lower(), wanted):
        case "ndjson":
            document, origin = ndjson_read(raw, name=name)
            return Content(ImportFormat.BUNDLE, document, origin=origin)
        case "qti":
            return Content(ImportFormat.QTI, *qti_file_read(raw, name=name))
        case "aiken":
            return Content(ImportFormat.AIKEN, *aiken_read(raw, name=name))
        case "gift":
            return Content(ImportFormat.GIFT, *gift_read(raw, name=name))
        case _:
            return document_content(json_read(raw, name=name))


def _text_kind(raw: bytes, name: str, wanted: str) -> str:
    if wanted in QUIZ_FORMATS:
        return wanted
    if name.endswith((".ndjson", ".jsonl")):
        return "ndjson"
    if name.endswith((".xml", ".qti")) or _XML_START.match(raw):
        return "qti"
    if name.endswith((".gift", ".gift.txt")):
        return "gift"
    if name.endswith((".aiken", ".aiken.txt")):
        return "aiken"
    bare = raw.removeprefix(b"\xef\xbb\xbf")
    if name.endswith(".json") or _JSON_START.match(bare):
        return "ndjson" if _NDJSON_START.match(bare) and not name.endswith(".json") else "json"
    text = bare.decode(errors="replace")
    return "aiken" if is_aiken(text) else "gift" if is_gift(text) else "json"


def _checked(content: Content, wanted: str) -> Content:
    if wanted not in {ImportFormat.AUTO.value, content.format.value}:
        raise ContentUnreadableError(
            _("The file was said to be '{wanted}', but it is '{found}'.").format(
                wanted=wanted, found=content.format.value
            )
        )
    return content
