"""A bundle from CSV files and pictures; every row that cannot be taken is a finding of its own."""

import base64
import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from django.utils.translation import gettext as _

from tutor.content.archives import Files
from tutor.content.bundle_cells import cell_read
from tutor.content.bundle_tables import (
    ASSETS_FOLDER,
    MAX_CELL,
    TABLES,
    CellError,
    Table,
    answer_from,
)
from tutor.content.bundles import FORMAT, Document
from tutor.content.decoding import text_decode
from tutor.content.errors import ContentUnreadableError, RowError, value_shown
from tutor.content.findings import Findings
from tutor.content.origins import Origin
from tutor.content.wordings import UNKNOWN

_COURSE_FILE = TABLES["course"].file
_SECTIONS = ("skills", "prerequisites", "lessons", "problems", "assets")


def csv_root(names: Iterable[str]) -> str | None:
    """Where course.csv stands: at the top, or in the one folder that many tools wrap around."""
    found = [name for name in names if name == _COURSE_FILE or name.endswith(f"/{_COURSE_FILE}")]
    shallow = [name for name in found if name.count("/") <= 1]
    return shallow[0].removesuffix(_COURSE_FILE) if len(shallow) == 1 else None


def csv_bundle_read(files: Files) -> tuple[Document, Origin]:
    """Read the tables of a zip or folder into one document.

    Raises:
        ContentUnreadableError: when course.csv is not there.
    """
    root = csv_root(files.names)
    if root is None:
        raise ContentUnreadableError(
            _("There is no course.csv; expected one at the top of the zip.")
        )
    return _Reading(files, root).run()


@dataclass
class _Reading:
    files: Files
    root: str
    findings: Findings = field(default_factory=Findings)
    places: dict[str, str] = field(default_factory=dict)
    # Where the thing of an id stands in the document: (table, id) or (step id, hint id).
    pointers: dict[tuple[str, str], tuple[str, Document]] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)

    def run(self) -> tuple[Document, Origin]:
        document: Document = {"format": FORMAT, **{section: [] for section in _SECTIONS}}
        for pointer, row in self._rows("course"):
            if "course" in document:
                message = _("There is a second course; a bundle holds one.")
                self.findings.error(pointer, row.get("id", ""), "one row", message)
                continue
            document["format_version"] = row.pop("format_version", 1)
            document["course"] = row
            self.places["/course"] = pointer
        for section in _SECTIONS:
            for place, row in self._rows(section):
                pointer = f"/{section}/{len(document[section])}"
                self._add(document[section], row, section, pointer, place)
        for asset in document["assets"]:
            self._picture_add(asset)
        self._below("examples", "lessons", "worked_examples", "lesson")
        self._below("steps", "problems", "steps", "problem")
        self._below("hints", "steps", "hints", "step")
        self._choices()
        self._below("feedback", "steps", "feedback", "step")
        self._others_tell()
        pointer_of = {place: pointer for pointer, place in self.places.items()}
        rows = (_pointing(row, pointer_of) for row in self.findings.rows())
        return document, Origin(self.places, tuple(rows))

    def _rows(self, name: str) -> Iterator[tuple[str, Document]]:
        table = TABLES[name]
        path = f"{self.root}{table.file}"
        if path not in self.files.names:
            return
        self.used.add(path)
        try:
            text = text_decode(self.files.read(path), name=table.file)
        except ContentUnreadableError as error:
            self.findings.error(table.file, "", "a CSV file in UTF-8", error.message, field="")
            return
        for line, cells in _records(text, table, self.findings):
            place = f"{table.file}:{line}"
            yield place, self._row(table, cells, place)

    def _row(self, table: Table, cells: Mapping[str, str], place: str) -> Document:
        row: Document = {}
        for column in table.columns:
            cell = cell_read(cells.get(column.name, ""))
            if "\0" in cell:
                message = _("The cell holds the null character, which no database keeps.")
                self.findings.error(f"{place}/{column.name}", cell, "a text", message)
            elif cell or column.is_required:
                try:
                    row[column.name] = column.read(cell)
                except CellError as error:
                    message = _("{value!r} does not fit; expected {reason}.").format(
                        value=value_shown(cell), reason=error
                    )
                    self.findings.error(f"{place}/{column.name}", cell, str(error), message)
        return row

    def _add(
        self, items: list[Document], row: Document, name: str, pointer: str, place: str
    ) -> None:
        items.append(row)
        self.places[pointer] = place
        if isinstance(row.get("id"), str):
            self.pointers.setdefault((name, row["id"]), (pointer, row))

    def _below(self, name: str, owner_table: str, key: str, owner_key: str) -> None:
        """Put rows below what they name; a row that names nothing there is a finding."""
        for place, row in self._rows(name):
            owner = self._owner(owner_table, row.pop(owner_key, ""), f"{place}/{owner_key}")
            if owner is None:
                continue
            above, thing = owner
            self._answer_join(name, row, place)
            items = thing.setdefault(key, [])
            pointer = f"{above}/{key}/{len(items)}"
            if name == "hints":
                # Hint ids are their step's own.
                self.pointers.setdefault((above, str(row.get("id"))), (pointer, row))
                name_kept = ""
            else:
                name_kept = name
            self._add(items, row, name_kept, pointer, place)

    def _choices(self) -> None:
        for place, row in self._rows("choices"):
            owner = self._owner("steps", row.pop("step", ""), f"{place}/step")
            hint = row.pop("hint", "").strip()
            if owner is not None and hint:
                owner = self._owner(owner[0], hint, f"{place}/hint", kind="hint of this step")
            if owner is not None:
                items = owner[1].setdefault("choices", [])
                self._add(items, row, "", f"{owner[0]}/choices/{len(items)}", place)

    def _owner(
        self, name: str, key: str, place: str, *, kind: str = ""
    ) -> tuple[str, Document] | None:
        found = self.pointers.get((name, key))
        if found is None:
            kind = kind or name.removesuffix("s")
            message = UNKNOWN[kind].format(id=value_shown(key))
            self.findings.error(place, key, f"the id of a {kind}", message)
        return found

    def _answer_join(self, name: str, row: Document, place: str) -> None:
        if name == "feedback":
            more = row.pop("answer_more", None)
            if more is not None:
                row["answer"] = more
            return
        if not row.keys() & {"answer_kind", "answer", "answer_more"}:
            return
        kind, plain = row.pop("answer_kind", ""), row.pop("answer", "")
        try:
            row["answer"] = answer_from(kind.strip(), plain, row.pop("answer_more", None))
        except CellError as error:
            message = _("The answer cannot be put together; expected {reason}.").format(
                reason=error
            )
            self.findings.error(f"{place}/answer_more", "", str(error), message)

    def _picture_add(self, asset: Document) -> None:
        path = f"{self.root}{ASSETS_FOLDER}{asset.get('id')}"
        if path in self.files.names:
            self.used.add(path)
            asset["data"] = base64.b64encode(self.files.read(path)).decode()

    def _others_tell(self) -> None:
        tables = ", ".join(table.file for table in TABLES.values())
        for name in self.files.names:
            if name not in self.used:
                message = _(
                    "'{name}' was left out: no table and no picture that a row names."
                ).format(name=name)
                self.findings.warning(name, "", f"{tables} or a picture", message, field="")


def _pointing(finding: RowError, pointer_of: Mapping[str, str]) -> RowError:
    """Point into the document where the row became a part of it: parts may be left out whole."""
    place, slash, column = finding.pointer.partition("/")
    pointer = pointer_of.get(place)
    return finding if pointer is None else replace(finding, pointer=pointer + slash + column)


def _records(
    text: str, table: Table, findings: Findings
) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Give each row with the line it begins in. Columns that are not ours are findings."""
    # The limit is the process's; nobody here needs a smaller one.
    csv.field_size_limit(MAX_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header: list[str] | None = None
    line = 1
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            message = _("The row that begins in line {line} cannot be read: {reason}.").format(
                line=line, reason=error
            )
            findings.error(f"{table.file}:{line}", "", "CSV with commas", message, field="")
            return
        if cells is None:
            break
        if header is None:
            header = [name.strip() for name in cells]
            if not _header_check(header, table, findings):
                return
        elif any(cells) and len(cells) != len(header):
            message = _("The row has {cells} cells, its header {columns}.").format(
                cells=len(cells), columns=len(header)
            )
            expected = f"{len(header)} cells"
            findings.error(f"{table.file}:{line}", len(cells), expected, message, field="")
        elif any(cells):
            yield line, dict(zip(header, cells, strict=True))
        line = reader.line_num + 1
    if header is None:
        message = _("'{file}' is empty.").format(file=table.file)
        findings.error(f"{table.file}:1", "", "a line with the columns' names", message, field="")


def _header_check(header: list[str], table: Table, findings: Findings) -> bool:
    known = [column.name for column in table.columns]
    expected = f"one of the columns {', '.join(known)}"
    where = f"{table.file}:1"
    is_sound = True
    for at, name in enumerate(header):
        if name not in known or name in header[:at]:
            is_sound = False
            is_double = name in known
            said = (
                _("The column '{name}' stands twice.")
                if is_double
                else _("The column '{name}' is not known here.")
            )
            message = said.format(name=value_shown(name))
            findings.error(f"{where}/{at + 1}", name, expected, message, field=value_shown(name))
    for column in table.columns:
        if column.is_required and column.name not in header:
            is_sound = False
            message = _("The column '{name}' is missing.").format(name=column.name)
            findings.error(
                where, ", ".join(header), f"a column {column.name}", message, field=column.name
            )
    return is_sound
