"""A course as a canonical bundle: importing what this gives changes nothing."""

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

from tutor.content.bundle_csv_write import csv_zip_write
from tutor.content.bundle_ndjson import ndjson_write
from tutor.content.bundles import FORMAT, FORMAT_VERSION, Document, canonical_problem
from tutor.content.models import Asset, Course, Lesson, Problem, Skill
from tutor.content.planning import (
    course_document,
    edges_of,
    lesson_document,
    skill_document,
)


class ExportForm(StrEnum):
    """How a bundle is written; each is read back to the same bundle."""

    JSON = "json"
    NDJSON = "ndjson"
    CSV = "csv"

    @property
    def suffix(self) -> str:
        """The ending of such a file's name."""
        return ".zip" if self is ExportForm.CSV else f".{self.value}"

    @property
    def media_type(self) -> str:
        """The media type of such a file."""
        types = {"json": "application/json", "ndjson": "application/x-ndjson"}
        return types.get(self.value, "application/zip")


def bundle_write(bundle: Mapping[str, Any], form: ExportForm) -> Iterator[bytes]:
    """Write a canonical bundle in parts; the same bundle gives the same bytes."""
    match form:
        case ExportForm.JSON:
            text = json.dumps(bundle, ensure_ascii=False, indent=2, allow_nan=False)
            yield f"{text}\n".encode()
        case ExportForm.NDJSON:
            yield from ndjson_write(bundle)
        case ExportForm.CSV:
            yield csv_zip_write(bundle)


def course_export(course: Course) -> Document:
    """Give the course as it stands, without what is retired."""
    problems = (
        Problem.objects.filter(course=course, is_retired=False, revision__isnull=False)
        .order_by("order", "key")
        .values_list("revision__document", "order", "lesson__key")
    )
    assets = Asset.objects.filter(course=course, is_retired=False).order_by("key")
    return course_frame(course) | {
        "problems": [
            problem_placed(document, order=order, lesson=lesson)
            for document, order, lesson in problems.iterator()
        ],
        "assets": [_asset_document(asset) for asset in assets.iterator()],
    }


def course_frame(course: Course) -> Document:
    """Give the course as it stands without its problems and pictures."""
    skills = Skill.objects.filter(course=course, is_retired=False).order_by("order", "id")
    lessons = (
        Lesson.objects.filter(course=course, is_retired=False)
        .prefetch_related("skills")
        .order_by("order", "key")
    )
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "course": course_document(course),
        "skills": [skill_document(skill) for skill in skills],
        "prerequisites": edges_of(course),
        "lessons": [lesson_document(lesson) for lesson in lessons],
        "problems": [],
        "assets": [],
    }


def problem_placed(document: Document, *, order: int, lesson: str) -> Document:
    """Give a problem's document; a revision keeps the place it was made at, its row the present."""
    return canonical_problem(document | {"order": order, "lesson": lesson}, place=0)


def _asset_document(asset: Asset) -> dict[str, Any]:
    data = bytes(asset.data)
    return {
        "id": asset.key,
        "media_type": asset.media_type,
        "sha256": hashlib.sha256(data).hexdigest(),
        "data": base64.b64encode(data).decode(),
    }
