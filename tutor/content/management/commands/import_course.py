"""`manage.py import_course FILE`: the same import as on the page, with every finding listed."""

import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from tutor.common.clock import now_utc
from tutor.common.errors import TutorError
from tutor.content.errors import ImportRefusedError, RowError
from tutor.content.formats import content_import, content_read
from tutor.content.importing import ImportResult
from tutor.content.models import Course, ImportFormat
from tutor.content.planning import Action

CHANGES_SHOWN = 40
TITLES = ("created", "changed", "retired", "unchanged")


class Command(BaseCommand):
    """Read, check and import a course or a graph."""

    help = "Import a course (bundle, OATutor pool, QTI, GIFT, Aiken) or a prerequisite graph."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the command line."""
        parser.add_argument("file", type=Path, help="a file, or the folder of an unpacked zip")
        parser.add_argument("--dry-run", action="store_true", help="say what would change")
        parser.add_argument(
            "--partial", action="store_true", help="leave out problems with errors, and list them"
        )
        parser.add_argument("--format", choices=ImportFormat.values, default=ImportFormat.AUTO)
        parser.add_argument("--course", help="for a graph: the id of the course it goes to")
        parser.add_argument("--pool-course", help="for a pool of several courses: its name")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the import. Exits with 1 when it is refused."""
        console = Console(
            file=self.stdout,  # type: ignore[arg-type]
            force_terminal=sys.stdout.isatty() or None,
            soft_wrap=True,
            highlight=False,
        )
        try:
            result, notes = self._import(console, options)
        except ImportRefusedError as refusal:
            _rows_print(console, refusal.rows)
            raise CommandError(
                _count(len(refusal.errors), "error") + "; nothing was imported."
            ) from None
        except TutorError as error:
            raise CommandError(error.message) from error
        for note in notes:
            console.print(f"note: {escape(note)}")
        _rows_print(console, result.warnings)
        _changes_print(console, result)
        console.print(_table(result))
        console.print(_closing(result))

    def _import(
        self, console: Console, options: dict[str, Any]
    ) -> tuple[ImportResult, tuple[str, ...]]:
        file: Path = options["file"]
        course = _course(options["course"])
        with Progress(
            TextColumn("{task.description}"), BarColumn(), console=console, transient=True
        ) as bar:
            task = bar.add_task("reading", total=1.0)

            def tell(start: float, share: float, part: float, stage: str) -> None:
                bar.update(task, completed=start + share * part, description=stage)

            content = content_read(
                file,
                name=file.name,
                wanted=options["format"],
                course_name=options["pool_course"],
                progress=lambda share, stage: tell(0.0, share, 0.3, stage),
            )
            result = content_import(
                content,
                course=course,
                by=None,
                now=now_utc(),
                is_dry_run=options["dry_run"],
                is_partial=options["partial"],
                progress=lambda share, stage: tell(0.3, share, 0.7, stage),
                is_patient=True,
            )
        return result, (*content.notes, *result.notes)


def _course(key: str | None) -> Course | None:
    if key is None:
        return None
    course = Course.objects.filter(key=key).first()
    if course is None:
        known = ", ".join(Course.objects.values_list("key", flat=True)) or "none yet"
        raise CommandError(f"There is no course '{key}'; there are: {known}.")
    return course


def _rows_print(console: Console, rows: Sequence[RowError]) -> None:
    for row in rows:
        value = f" [value: {row.value}]" if row.value else ""
        console.print(escape(f"{row.severity}: {row.pointer or '/'}: {row.message}{value}"))


def _changes_print(console: Console, result: ImportResult) -> None:
    told = [change for change in result.changes if change.action is not Action.CREATED]
    for change in told[:CHANGES_SHOWN]:
        fields = f": {', '.join(change.fields)}" if change.fields else ""
        console.print(escape(f"{change.action} {change.kind} {change.key}{fields}"))
    if len(told) > CHANGES_SHOWN:
        console.print(f"... and {len(told) - CHANGES_SHOWN} more changes")


def _table(result: ImportResult) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    for title in TITLES:
        table.add_column(title, justify="right")
    for kind, numbers in result.counts.items():
        if any(numbers.values()):
            cells = [f"{numbers[title]:,}" if numbers[title] else "-" for title in TITLES]
            table.add_row(kind.replace("_", "-"), *cells)
    return table


def _closing(result: ImportResult) -> str:
    name = escape(f"{result.course_title} ({result.course_key})")
    if result.is_no_op:
        return f"Nothing to change: {name} is as the file says."
    if result.is_dry_run:
        return f"Dry run: nothing was written to {name}."
    return f"Imported {name} as version {result.version}."


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
