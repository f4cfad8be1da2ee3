"""Tables of any length, sent as they are read: CSV that runs nothing, or NDJSON that is exact."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from itertools import islice
from typing import Any
from uuid import UUID

from django.http import StreamingHttpResponse

from tutor.common.tables import BYTE_ORDER_MARK, Cell, cell_safe

# Rows joined into one piece: a piece each would cost more in sending than in making.
PIECE_ROWS = 500


class TableForm(StrEnum):
    """How a table is sent."""

    CSV = "csv"
    NDJSON = "ndjson"

    @property
    def media_type(self) -> str:
        """The media type of such a file."""
        return "text/csv" if self is TableForm.CSV else "application/x-ndjson"


def stream_response(
    rows: Iterable[Sequence[Any]], columns: Sequence[str], *, form: TableForm, name: str
) -> StreamingHttpResponse:
    """Return rows as a file that is sent while they are read."""
    pieces = csv_pieces(rows, columns) if form is TableForm.CSV else ndjson_pieces(rows, columns)
    return StreamingHttpResponse(
        pieces,
        content_type=f"{form.media_type}; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.{form.value}"'},
    )


def csv_pieces(rows: Iterable[Sequence[Any]], columns: Sequence[str]) -> Iterator[bytes]:
    """Write rows as CSV in pieces; texts that a spreadsheet would run get an apostrophe."""
    yield (BYTE_ORDER_MARK + ",".join(columns) + "\r\n").encode()
    for some in _pieces(rows):
        out = io.StringIO()
        writer = csv.writer(out)
        writer.writerows([cell_safe(_cell(value)) for value in row] for row in some)
        yield out.getvalue().encode()


def ndjson_pieces(rows: Iterable[Sequence[Any]], columns: Sequence[str]) -> Iterator[bytes]:
    """Write rows as JSON objects, a line each, in pieces."""
    for some in _pieces(rows):
        lines = (
            json.dumps(dict(zip(columns, map(_plain, row), strict=True)), ensure_ascii=False)
            for row in some
        )
        yield ("\n".join(lines) + "\n").encode()


def _pieces(rows: Iterable[Sequence[Any]]) -> Iterator[list[Sequence[Any]]]:
    left = iter(rows)
    while some := list(islice(left, PIECE_ROWS)):
        yield some


def _plain(value: Any) -> Any:
    """Return what JSON has for a value."""
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, UUID):
        return str(value)
    return list(value) if isinstance(value, tuple) else value


def _cell(value: Any) -> Cell:
    """Return what a table's cell has for a value: 1 and 0 for yes and no."""
    if isinstance(value, bool):
        return int(value)
    plain = _plain(value)
    return " ".join(plain) if isinstance(plain, list) else plain
