"""Collecting what is wrong with content, in one pass and within bounds."""

from collections.abc import Callable

from django.utils.translation import ngettext

from tutor.content.errors import RowError, Severity, value_shown

MAX_ROWS = 2_000

Progress = Callable[[float, str], None]


def progress_ignored(share: float, stage: str) -> None:
    """Stand in where nobody watches."""
    del share, stage


class Findings:
    """Rows found so far; past `MAX_ROWS` they are only counted."""

    def __init__(self) -> None:
        self._rows: list[RowError] = []
        self._unlisted = 0
        self.has_errors = False

    def error(
        self,
        pointer: str,
        value: object,
        expected: str,
        message: str,
        *,
        field: str | None = None,
    ) -> None:
        """Add a row that refuses the import; without `field` it is the pointer's last part."""
        self.has_errors = True
        self._add(pointer, value, expected, message, Severity.ERROR, field)

    def warning(
        self,
        pointer: str,
        value: object,
        expected: str,
        message: str,
        *,
        field: str | None = None,
    ) -> None:
        """Add a row that is told and let through."""
        self._add(pointer, value, expected, message, Severity.WARNING, field)

    def _add(
        self,
        pointer: str,
        value: object,
        expected: str,
        message: str,
        severity: Severity,
        field: str | None,
    ) -> None:
        if len(self._rows) >= MAX_ROWS:
            self._unlisted += 1
            return
        self._rows.append(
            RowError(
                pointer=pointer,
                field=pointer.rpartition("/")[2] if field is None else field,
                value=value_shown(value),
                expected=expected,
                message=message,
                severity=severity,
            )
        )

    def rows(self) -> list[RowError]:
        """Every row, errors first, each kind in the order found."""
        rows = sorted(self._rows, key=lambda row: row.severity != Severity.ERROR)
        if self._unlisted:
            severity = Severity.ERROR if self.has_errors else Severity.WARNING
            message = ngettext(
                "{count} more row is not listed; mend these first.",
                "{count} more rows are not listed; mend these first.",
                self._unlisted,
            ).format(count=self._unlisted)
            rows.append(RowError("", "", "", "fewer findings", message, severity))
        return rows
