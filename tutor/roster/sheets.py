"""Reads a list of learners from a table, as spreadsheets write it. Pure: asks no database.

Whatever is wrong is listed in one pass, each with its line, column, value and what was expected.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from tutor.common.tables import FORMULA_STARTS

MOST_BYTES = 1024 * 1024
MOST_ROWS = 500
# A person's own password is hashed slowly, for a quarter of a second each.
MOST_PASSWORDS = 100
NAME_MOST, USERNAME_MOST, PASSWORD_MOST = 80, 150, 128
USERNAME = re.compile(r"[\w.@+-]+")
DELIMITERS = ";,\t"

# How files call the columns that are read. What else they have is left alone.
COLUMN_OF_HEAD = {
    "name": "name",
    "full name": "name",
    "display name": "name",
    "learner": "name",
    "student": "name",
    "pupil": "name",
    "first name": "first",
    "given name": "first",
    "firstname": "first",
    "last name": "last",
    "surname": "last",
    "family name": "last",
    "lastname": "last",
    "username": "username",
    "user name": "username",
    "login": "username",
    "password": "password",
}


@dataclass(frozen=True, slots=True)
class RowError:
    """Something wrong with a table: where, what was there, and what was expected.

    `line` counts the file's lines from 1; 0 is the file as a whole.
    """

    file: str
    line: int
    column: str
    value: str
    expected: str


@dataclass(frozen=True, slots=True)
class Row:
    """A learner as the table has them; an empty username or password is to be made up."""

    line: int
    name: str
    username: str = ""
    password: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table as it was read; `text` is the whole of it, to be looked at and mended."""

    file: str
    text: str
    rows: tuple[Row, ...]
    errors: tuple[RowError, ...]
    ignored: tuple[str, ...] = ()


def sheet_decode(data: bytes, *, file: str) -> Sheet | str:
    """Return the text of a file in UTF-8, UTF-16 or Windows-1252; a sheet with the error else."""
    if len(data) > MOST_BYTES:
        return sheet_too_large(len(data), file=file)
    for mark, encoding in (
        (b"\xef\xbb\xbf", "utf-8-sig"),
        (b"\xff\xfe", "utf-16"),
        (b"\xfe\xff", "utf-16"),
    ):
        if data.startswith(mark):
            return _decode_as(data, encoding, file)
    half = data[1::2]
    if len(data) > 3 and half.count(0) > len(half) / 2:
        return _decode_as(data, "utf-16-le", file)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return _decode_as(data, "cp1252", file)


def sheet_too_large(n_bytes: int, *, file: str) -> Sheet:
    """Return a sheet that says so, for a file that is better not read at all."""
    return _refused(
        file,
        value=_("{n} bytes").format(n=n_bytes),
        expected=_("at most {n} bytes; send the class in parts").format(n=MOST_BYTES),
    )


def _decode_as(data: bytes, encoding: str, file: str) -> Sheet | str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        return _refused(
            file,
            line=line,
            value=data[error.start : error.start + 1].hex(),
            expected=_("text in UTF-8, UTF-16 or Windows-1252; save it as “CSV UTF-8”"),
        )


def _refused(file: str, *, value: str, expected: str, line: int = 0) -> Sheet:
    error = RowError(file, line, _("whole file"), value, expected)
    return Sheet(file=file, text="", rows=(), errors=(error,))


def sheet_read(text: str, *, file: str) -> Sheet:
    """Read a table of learners: a first line with column names, or one name a line."""
    if len(text) > MOST_BYTES:
        return sheet_too_large(len(text), file=file)
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    records, broken = _records(text, file)
    if broken or not records:
        empty = RowError(
            file, 0, _("whole file"), _("no line"), _("a line with column names, then the learners")
        )
        return Sheet(file, text, (), broken or (empty,))
    line, first = records[0]
    columns = [COLUMN_OF_HEAD.get(_head(cell), "") for cell in first]
    if any(columns):
        errors = _head_errors(file, line, first, columns)
        body = records[1:]
    elif len(first) == 1:
        columns, errors, body = ["name"], (), records
    else:
        errors = (
            RowError(
                file,
                line,
                _("first line"),
                " | ".join(first)[:80],
                _("column names, one of them “name”; also known are “username” and “password”"),
            ),
        )
        body = []
    if errors:
        return Sheet(file, text, (), errors)
    ignored = tuple(cell for cell, column in zip(first, columns, strict=True) if not column)
    rows, wrong = _rows(body, columns, file)
    return Sheet(file, text, rows, wrong, ignored)


def _records(text: str, file: str) -> tuple[list[tuple[int, list[str]]], tuple[RowError, ...]]:
    """Cut a text into cells, each record with the line it begins on; blank ones are left out."""
    first = next((line for line in text.split("\n") if line.strip()), "")
    delimiter = max(DELIMITERS, key=first.count)
    reader = csv.reader(io.StringIO(text), delimiter=delimiter, strict=True)
    found: list[tuple[int, list[str]]] = []
    begins = 1
    try:
        for cells in reader:
            clean = [_cell(cell) for cell in cells]
            if any(clean):
                found.append((begins, clean))
            begins = reader.line_num + 1
    except csv.Error:
        value = text.split("\n")[begins - 1][:80]
        expected = _("a cell in quotes to end with a quote before the next column")
        return [], (RowError(file, begins, _("whole line"), value, expected),)
    return found, ()


def _cell(text: str) -> str:
    clean = text.strip().strip("\u00a0\u200b\ufeff").strip()
    # The site's own exports put an apostrophe before what a spreadsheet would run.
    if clean.startswith("'") and clean[1:].startswith(FORMULA_STARTS):
        return clean[1:]
    return clean


def _head(cell: str) -> str:
    return " ".join(cell.casefold().replace("_", " ").replace("-", " ").split())


def _head_errors(
    file: str, line: int, first: Sequence[str], columns: Sequence[str]
) -> tuple[RowError, ...]:
    known = [column for column in columns if column]
    twice = [column for column in dict.fromkeys(known) if known.count(column) > 1]
    if twice:
        shown = " | ".join(first)[:80]
        return (
            RowError(file, line, twice[0], shown, _("each column once; take the second one out")),
        )
    if "name" in known or {"first", "last"} <= set(known):
        return ()
    expected = _("a column “name”, or “first name” and “last name”")
    return (RowError(file, line, _("first line"), " | ".join(first)[:80], expected),)


def _rows(
    records: Sequence[tuple[int, list[str]]], columns: Sequence[str], file: str
) -> tuple[tuple[Row, ...], tuple[RowError, ...]]:
    if len(records) > MOST_ROWS:
        value = _("{n} learners").format(n=len(records))
        expected = _("at most {n}; send the class in parts").format(n=MOST_ROWS)
        return (), (RowError(file, records[MOST_ROWS][0], _("whole file"), value, expected),)
    rows, errors = [], []
    for line, cells in records:
        if len(cells) > len(columns) and any(cells[len(columns) :]):
            value = " | ".join(cells)[:80]
            expected = _("{n} cells, as the first line has").format(n=len(columns))
            errors.append(RowError(file, line, _("whole line"), value, expected))
            continue
        found = dict(zip(columns, cells, strict=False))
        name = found.get("name") or f"{found.get('first', '')} {found.get('last', '')}".strip()
        # As the log-in form reads it: what is typed in full-width letters is the same account.
        username = unicodedata.normalize("NFKC", found.get("username", ""))
        row = Row(line, name, username, found.get("password", ""))
        errors += _row_errors(row, file)
        rows.append(row)
    errors += _twice(rows, file)
    given = [row.line for row in rows if row.password]
    if len(given) > MOST_PASSWORDS:
        value = _("{n} passwords").format(n=len(given))
        expected = _("at most {n}; leave the others empty and they are made up").format(
            n=MOST_PASSWORDS
        )
        errors.append(RowError(file, given[MOST_PASSWORDS], "password", value, expected))
    errors.sort(key=lambda error: error.line)
    return tuple(rows), tuple(errors)


def _row_errors(row: Row, file: str) -> Iterator[RowError]:
    if not row.name:
        yield RowError(file, row.line, "name", "", _("the learner’s name"))
    for column, value, most in (
        ("name", row.name, NAME_MOST),
        ("username", row.username, USERNAME_MOST),
        ("password", row.password, PASSWORD_MOST),
    ):
        shown = value[:40] if column != "password" else _("(not shown)")
        if len(value) > most:
            yield RowError(
                file, row.line, column, shown, _("at most {n} characters").format(n=most)
            )
        if any(unicodedata.category(letter) == "Cc" for letter in value):
            yield RowError(file, row.line, column, repr(shown), _("one line of plain text"))
    if row.username and not USERNAME.fullmatch(row.username):
        expected = _("letters, digits and . _ - + @ only, without blanks; or nothing")
        yield RowError(file, row.line, "username", row.username[:40], expected)


def _twice(rows: Sequence[Row], file: str) -> Iterator[RowError]:
    """Find who is there twice: two usernames alike, or two names that nothing tells apart."""
    by_username: dict[str, int] = {}
    by_name: dict[str, list[int]] = {}
    for row in rows:
        by_name.setdefault(row.name.casefold(), []).append(row.line)
    for row in rows:
        if not row.username:
            others = [line for line in by_name[row.name.casefold()] if line != row.line]
            if row.name and others:
                expected = _("a username for each; line {line} has the same name").format(
                    line=others[0]
                )
                yield RowError(file, row.line, "name", row.name[:40], expected)
            continue
        first = by_username.setdefault(row.username.lower(), row.line)
        if first != row.line:
            expected = _("another one than on line {line}").format(line=first)
            yield RowError(file, row.line, "username", row.username[:40], expected)
