"""A bundle as NDJSON: a line for the course, then a line for each skill, edge, lesson and so on.

    {"format": "stepwise-bundle", "format_version": 1, "course": {...}}
    {"skill": {...}}
    {"problem": {...}}

Large courses can be written and looked into line by line, and what is wrong is told by line.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.translation import gettext as _

from tutor.content.bundles import Document
from tutor.content.decoding import json_read, text_decode
from tutor.content.errors import ContentUnreadableError, ImportRefusedError
from tutor.content.findings import Findings
from tutor.content.origins import Origin

SECTION_OF = {
    "skill": "skills",
    "prerequisite": "prerequisites",
    "lesson": "lessons",
    "problem": "problems",
    "asset": "assets",
}
_FIRST = 'an object with "format", "format_version" and "course"'
_EXPECTED = "an object with one of the keys " + ", ".join(SECTION_OF)


def ndjson_read(raw: bytes, *, name: str) -> tuple[Document, Origin]:
    """Read the lines into one document; lines that cannot be taken are findings.

    Raises:
        ContentUnreadableError: for what is not UTF-8 text, or has no line at all.
        ImportRefusedError: when the line of the course is not there.
    """
    findings = Findings()
    places: dict[str, str] = {}
    document: Document = {}
    # Only line feeds end a line: JSON may hold other characters that look like line ends.
    for number, line in enumerate(text_decode(raw, name=name).split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{name}:{number}"
        try:
            record = json_read(line.encode(), name=where)
        except ContentUnreadableError as error:
            findings.error(where, line, "one JSON object", error.message, field="")
            continue
        if not document:
            sections = SECTION_OF.values()
            if not isinstance(record, dict) or "course" not in record or record.keys() & sections:
                message = _("The file does not begin with the line of the course alone.")
                findings.error(where, line, _FIRST, message, field="")
                break
            document = record | {section: [] for section in sections}
            places["/course"] = f"{where}/course"
        else:
            _record_take(record, where, document, places, findings)
    if not document and findings.has_errors:
        raise ImportRefusedError(findings.rows())
    if not document:
        raise ContentUnreadableError(
            _("'{name}' holds no line; expected the line of a course.").format(name=name)
        )
    return document, Origin(places, tuple(findings.rows()))


def _record_take(
    record: Any, where: str, document: Document, places: dict[str, str], findings: Findings
) -> None:
    kind = next(iter(record), "") if isinstance(record, dict) and len(record) == 1 else None
    section = SECTION_OF.get(kind) if kind is not None else None
    if section is None:
        message = _("The line is no part of a course.")
        findings.error(where, json.dumps(record, ensure_ascii=False), _EXPECTED, message, field="")
        return
    places[f"/{section}/{len(document[section])}"] = f"{where}/{kind}"
    document[section].append(record[kind])


def ndjson_write(bundle: Mapping[str, Any]) -> Iterator[bytes]:
    """Write a bundle line by line."""
    sections = set(SECTION_OF.values())
    yield _line({key: value for key, value in bundle.items() if key not in sections})
    for kind, section in SECTION_OF.items():
        for item in bundle.get(section, []):
            yield _line({kind: item})


def _line(record: Mapping[str, Any]) -> bytes:
    text = json.dumps(record, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return f"{text}\n".encode()
