"""Tables as CSV that a spreadsheet cannot be tricked with."""

import csv
import io
from collections.abc import Iterable, Sequence

# A cell that starts with one of these is run as a formula by spreadsheets (also in full width).
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
# Blanks that nobody sees, behind which some programs look for a formula all the same.
UNSEEN = " \u00a0\u200b\u200c\u200d\u2060\ufeff"
# Spreadsheets read UTF-8 only when told so.
BYTE_ORDER_MARK = "\ufeff"

Cell = str | int | float | None


def cell_safe(value: Cell) -> Cell:
    """Return a cell that is shown as it is: a text that would be a formula gets an apostrophe."""
    if isinstance(value, str) and value.lstrip(UNSEEN).startswith(FORMULA_STARTS):
        return f"'{value}"
    return value


def csv_text(
    header: Sequence[str], rows: Iterable[Sequence[Cell]], *, is_marked: bool = False
) -> str:
    """Write rows as CSV; numbers stay numbers, None is an empty cell.

    `is_marked` puts a byte order mark first, for files that people open in a spreadsheet.
    """
    out = io.StringIO()
    if is_marked:
        out.write(BYTE_ORDER_MARK)
    writer = csv.writer(out)
    writer.writerow([cell_safe(name) for name in header])
    writer.writerows([cell_safe(cell) for cell in row] for row in rows)
    return out.getvalue()
