"""A bundle as a zip of CSV files and pictures, for those who write content in a spreadsheet."""

import base64
import io
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tutor.common.tables import csv_text
from tutor.content.archives import MAX_RATIO, RATIO_GRACE_BYTES
from tutor.content.bundle_cells import cell_write
from tutor.content.bundle_tables import ASSETS_FOLDER, TABLES, Column, Table, answer_cells

Row = Mapping[str, Any]
# The same bundle gives the same bytes.
_DATE = (1980, 1, 1, 0, 0, 0)
_MAX_RATIO = MAX_RATIO // 2


def csv_zip_write(bundle: Mapping[str, Any]) -> bytes:
    """Write a canonical bundle; reading it back gives the same bundle."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for table in TABLES.values():
            rows = _ROWS[table.name](bundle)
            _add(archive, table.file, _table_text(table, rows).encode())
        for asset in bundle.get("assets", []):
            _add(archive, f"{ASSETS_FOLDER}{asset['id']}", base64.b64decode(asset["data"]))
    return packed.getvalue()


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, _DATE)
    # What packs too well would be taken for a zip bomb when it comes back.
    is_plain = len(content) > RATIO_GRACE_BYTES and len(content) > _MAX_RATIO * len(
        zlib.compress(content)
    )
    entry.compress_type = zipfile.ZIP_STORED if is_plain else zipfile.ZIP_DEFLATED
    archive.writestr(entry, content)


def _table_text(table: Table, rows: Iterable[Row]) -> str:
    return csv_text(
        [column.name for column in table.columns],
        ([_cell(column, row) for column in table.columns] for row in rows),
        is_marked=True,
    )


def _cell(column: Column, row: Row) -> str:
    value = row.get(column.name, "")
    # What is empty is an empty cell, but for answers that are nothing else.
    if column.name not in row or (value in ("", [], {}) and column.name != "answer_more"):
        return ""
    return cell_write(column.write(value))


def _steps(bundle: Row) -> Iterator[tuple[Row, Row]]:
    for problem in bundle.get("problems", []):
        for step in problem["steps"]:
            yield problem, step


def _course_rows(bundle: Row) -> Iterator[Row]:
    yield {**bundle["course"], "format_version": bundle["format_version"]}


def _section_rows(name: str) -> Any:
    return lambda bundle: bundle.get(name, [])


def _example_rows(bundle: Row) -> Iterator[Row]:
    for lesson in bundle.get("lessons", []):
        for example in lesson.get("worked_examples", []):
            yield example | {"lesson": lesson["id"]}


def _step_rows(bundle: Row) -> Iterator[Row]:
    for problem, step in _steps(bundle):
        yield {**step, **answer_cells(step["answer"]), "problem": problem["id"]}


def _hint_rows(bundle: Row) -> Iterator[Row]:
    for _, step in _steps(bundle):
        for hint in step.get("hints", []):
            bare = {key: value for key, value in hint.items() if key != "answer"}
            asked = answer_cells(hint["answer"]) if "answer" in hint else {}
            yield bare | asked | {"step": step["id"]}


def _choice_rows(bundle: Row) -> Iterator[Row]:
    for _, step in _steps(bundle):
        for choice in step.get("choices", []):
            yield choice | {"step": step["id"]}
        for hint in step.get("hints", []):
            for choice in hint.get("choices", []):
                yield choice | {"step": step["id"], "hint": hint["id"]}


def _feedback_rows(bundle: Row) -> Iterator[Row]:
    for _, step in _steps(bundle):
        for entry in step.get("feedback", []):
            answer = entry["answer"]
            is_text = isinstance(answer, str) and answer != ""
            cells = {"answer": answer} if is_text else {"answer": "", "answer_more": answer}
            yield {**entry, **cells, "step": step["id"]}


_ROWS = {
    "course": _course_rows,
    **{name: _section_rows(name) for name in ("skills", "prerequisites", "lessons", "problems")},
    "examples": _example_rows,
    "steps": _step_rows,
    "hints": _hint_rows,
    "choices": _choice_rows,
    "feedback": _feedback_rows,
    "assets": _section_rows("assets"),
}
