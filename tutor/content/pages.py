"""What the import pages show, ready for the templates."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from tutor.content.labels import ACTIONS, KINDS, SEVERITIES, STAGES, label
from tutor.content.models import ImportJob, ImportStatus
from tutor.content.planning import Action

ROWS_SHOWN = 200
VALUE_SHOWN = 300


@dataclass(frozen=True, slots=True)
class CountRow:
    """One line of the table of counts."""

    kind: str
    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class FieldShown:
    """One field of a change, before and after, as text."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class ChangeShown:
    """One change with its differences."""

    action: str
    kind: str
    key: str
    fields: tuple[FieldShown, ...]


@dataclass(frozen=True)
class JobPage:
    """An import job as its page shows it."""

    job: ImportJob
    stage: str
    is_over: bool
    percent: int
    message: str
    course_title: str
    version: int | None
    is_no_op: bool
    can_apply: bool
    actions: tuple[str, ...]
    counts: tuple[CountRow, ...]
    changes: tuple[ChangeShown, ...]
    n_changes_hidden: int
    rows: tuple[dict[str, Any], ...]
    n_rows_hidden: int
    n_errors: int
    n_warnings: int


def job_page(job: ImportJob) -> JobPage:
    """Arrange a job for its page."""
    result = job.result
    changes = result.get("changes", [])
    rows = job.errors
    is_over = job.status not in {ImportStatus.QUEUED, ImportStatus.RUNNING}
    is_done = job.status == ImportStatus.DONE
    is_no_op = bool(result.get("is_no_op"))
    return JobPage(
        job=job,
        stage=label(STAGES, job.stage),
        is_over=is_over,
        percent=100 if is_over else int(100 * job.progress),
        message=result.get("message", ""),
        course_title=result.get("course_title", ""),
        version=result.get("version"),
        is_no_op=is_no_op,
        can_apply=is_done and job.is_dry_run and not is_no_op,
        actions=tuple(label(ACTIONS, action.value) for action in Action),
        counts=tuple(
            CountRow(label(KINDS, kind), tuple(numbers[action.value] for action in Action))
            for kind, numbers in result.get("counts", {}).items()
            if any(numbers.values())
        ),
        changes=changes_shown(changes),
        n_changes_hidden=max(0, len(changes) - ROWS_SHOWN),
        rows=tuple(
            row | {"severity": label(SEVERITIES, row["severity"])} for row in rows[:ROWS_SHOWN]
        ),
        n_rows_hidden=max(0, len(rows) - ROWS_SHOWN),
        n_errors=sum(row["severity"] == "error" for row in rows),
        n_warnings=sum(row["severity"] == "warning" for row in rows),
    )


def changes_shown(changes: Sequence[dict[str, Any]]) -> tuple[ChangeShown, ...]:
    """Arrange the first changes of a result, each field before and after."""
    return tuple(_change_shown(change) for change in changes[:ROWS_SHOWN])


def _change_shown(change: dict[str, Any]) -> ChangeShown:
    return ChangeShown(
        action=label(ACTIONS, change["action"]),
        kind=label(KINDS, change["kind"]),
        key=change["id"],
        fields=tuple(
            FieldShown(row["field"], _shown(row["before"]), _shown(row["after"]))
            for row in change["fields"]
        ),
    )


def _shown(value: object) -> str:
    if value is None or value == "":
        return _("(none)")
    text = value if isinstance(value, str) else str(value)
    return text if len(text) <= VALUE_SHOWN else text[: VALUE_SHOWN - 1] + "…"
