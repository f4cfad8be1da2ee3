"""What is wrong with content: one row per finding, and the refusals that carry them."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from django.utils.translation import ngettext

from tutor.common.errors import TutorError

VALUE_LENGTH = 200


class Severity(StrEnum):
    """An error refuses the import; a warning is told and goes through."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class RowError:
    """One finding: where (a JSON pointer), which field, the value, what was expected."""

    pointer: str
    field: str
    value: str
    expected: str
    message: str
    severity: Severity = Severity.ERROR

    def as_dict(self) -> dict[str, Any]:
        """Give the row as it is kept with an import job and answered by the API.

        A null character is shown by its picture: PostgreSQL keeps none, not even in JSON.
        """
        return {name: text.replace("\0", "\u2400") for name, text in asdict(self).items()}


class ContentUnreadableError(TutorError):
    """A file that could not be read as content at all."""

    code = "content_unreadable"


class ImportRefusedError(TutorError):
    """An import that changed nothing, with every row that was wrong."""

    code = "import_refused"

    def __init__(self, rows: Sequence[RowError]) -> None:
        self.rows = tuple(rows)
        self.errors = errors_of(rows)
        count = len(self.errors)
        said = ngettext(
            "Nothing was imported, because of {count} error",
            "Nothing was imported, because of {count} errors",
            count,
        ).format(count=count)
        first = f": {self.errors[0].pointer or '/'}: {self.errors[0].message}" if count else ""
        super().__init__(said + first)


def errors_of(rows: Iterable[RowError]) -> tuple[RowError, ...]:
    """Only the rows that refuse the import."""
    return tuple(row for row in rows if row.severity == Severity.ERROR)


def warnings_of(rows: Iterable[RowError]) -> tuple[RowError, ...]:
    """Only the rows that are told and let through."""
    return tuple(row for row in rows if row.severity == Severity.WARNING)


def value_shown(value: object) -> str:
    """Write a value for a person, shortened."""
    shown = value if isinstance(value, str) else repr(value)
    return shown if len(shown) <= VALUE_LENGTH else shown[: VALUE_LENGTH - 1] + "…"
