"""Rows of a log that cannot be read: all of them in one pass, each with its place and its value."""

from collections.abc import Sequence
from dataclasses import dataclass

from kt_models.datasets.tables import CellError, Row
from kt_models.errors import DataError

ID_MOST = 1000


@dataclass(frozen=True, slots=True)
class RowFault:
    """A row that cannot be read: its number from 0 after the header, its line, and why."""

    row: int
    line: int
    field: str
    value: str
    expected: str
    message: str


class RowsError(DataError):
    """A log with rows that cannot be read: the first of them, and how many there are."""

    def __init__(self, faults: Sequence[RowFault], *, n_faults: int) -> None:
        self.faults = tuple(faults)
        self.n_faults = n_faults
        more = f" ({n_faults - 1:,} more rows cannot be read)" if n_faults > 1 else ""
        super().__init__(faults[0].message + more)


class Faults:
    """Collects what is wrong with rows; with room for one, the first is raised at once."""

    def __init__(self, name: str, *, most: int) -> None:
        self._name = name
        self._most = most
        self._n = 0
        self._faults: list[RowFault] = []

    def add(
        self, row: int, line: int, values: Sequence[str], error: Exception, *, n_columns: int
    ) -> None:
        """Note a row. Raises: RowsError where there is room for no more than one."""
        self._n += 1
        if len(self._faults) < self._most:
            self._faults.append(self._fault(row, line, values, error, n_columns=n_columns))
        if self._most == 1:
            self.check()

    def check(self) -> None:
        """Raise what was collected. Raises: RowsError."""
        if self._faults:
            raise RowsError(self._faults, n_faults=self._n)

    def _fault(
        self, row: int, line: int, values: Sequence[str], error: Exception, *, n_columns: int
    ) -> RowFault:
        shown = [value[:80] for value in values[:8]]
        field, value, expected = "", ", ".join(shown)[:200], "a row that can be read"
        if isinstance(error, CellError):
            field, value, expected = error.column, error.value[:200], error.expected
        elif isinstance(error, IndexError):
            expected = f"{n_columns} cells, as the header has"
            error = ValueError(f"it has {len(values)} cells, expected {n_columns}")
        elif isinstance(error, DataError):
            field, value = "skill", ""
            expected = "a skill, or a choice of what becomes of rows without one"
            return RowFault(row, line, field, value, expected, str(error))
        message = f"{self._name}: row {row} {shown}: {error}"
        return RowFault(row, line, field, value, expected, message)


def ids_check(row: Row) -> None:
    """Refuse ids that nobody could keep or look up.

    Raises:
        CellError: naming the column.
    """
    if not row.learner:
        raise CellError("learner", "", "the id of a learner")
    # One look for nearly every row; logs have millions.
    together = "".join((row.learner, row.item, *row.skills))
    if len(together) <= ID_MOST and "\x00" not in together:
        return
    for column, text in (
        ("learner", row.learner),
        ("item", row.item),
        *(("skill", skill) for skill in row.skills),
    ):
        if len(text) > ID_MOST:
            raise CellError(column, text, f"at most {ID_MOST:,} characters")
        if "\x00" in text:
            raise CellError(column, text.replace("\x00", "\\0"), "no null characters")
