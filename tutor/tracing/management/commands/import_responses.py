"""Append a response log of another system to a course's history."""

import sys
from argparse import ArgumentParser
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from tutor.common.clock import now_utc
from tutor.common.errors import TutorError
from tutor.roster.models import Classroom
from tutor.tracing.history_content import HistoryRefusedError
from tutor.tracing.history_import import history_import
from tutor.tracing.history_mapping import (
    NO_MAPPING,
    IdMapping,
    MappingRefusedError,
    mapping_parse,
)
from tutor.tracing.history_reading import (
    FORMATS,
    HistoryOptions,
    HistoryUnreadableError,
    history_read,
)
from tutor.tracing.history_result import HistoryResult

READING_SHARE = 0.1
FAULTS_SHOWN = 50


class Command(BaseCommand):
    help = "Import a response log: our export, a CSV, ASSISTments or DataShop, gzipped or not."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument("--course", required=True, metavar="ID", help="The course's id.")
        parser.add_argument("--dry-run", action="store_true", help="Only say what would be added.")
        parser.add_argument("--format", choices=FORMATS, default="auto")
        parser.add_argument(
            "--time-unit",
            choices=("auto", "days", "seconds", "index"),
            default="auto",
            help="Of the normalised CSV's timestamps. Order indexes need --start too.",
        )
        parser.add_argument(
            "--blank-skill",
            choices=("refuse", "drop", "unknown"),
            default="refuse",
            help="What becomes of rows without a skill.",
        )
        parser.add_argument("--kc-column", help="DataShop: which column names the skills.")
        parser.add_argument(
            "--start",
            type=date.fromisoformat,
            metavar="YYYY-MM-DD",
            help="For order indexes: the day (UTC) on which every learner's first answer is set.",
        )
        parser.add_argument(
            "--index-minutes",
            type=float,
            default=1.0,
            help="For order indexes: the minutes from one answer to the next.",
        )
        parser.add_argument(
            "--create-content",
            action="store_true",
            help="Make skills and retired steps for what the course lacks, and the course.",
        )
        parser.add_argument(
            "--mapping",
            type=Path,
            metavar="FILE",
            help='JSON that says what ids of the log stand for: {"learners": {"8": "ada"}, '
            '"items": {...}, "skills": {...}}.',
        )
        parser.add_argument("--classroom", metavar="CODE", help="Enrol the learners in this class.")

    def handle(self, *args: Any, **options: Any) -> None:
        console = Console(
            file=self.stdout,  # type: ignore[arg-type]
            force_terminal=sys.stdout.isatty() or None,
            soft_wrap=True,
            highlight=False,
        )
        try:
            result = self._import(console, options)
        except (HistoryRefusedError, HistoryUnreadableError, MappingRefusedError) as refusal:
            for row in refusal.rows:
                console.print(escape(f"error: {row.message}"))
            raise CommandError(refusal.message) from None
        except TutorError as error:
            raise CommandError(error.message) from error
        for line in _lines(result):
            console.print(escape(line))

    def _import(self, console: Console, options: dict[str, Any]) -> HistoryResult:
        start: date | None = options["start"]
        if options["index_minutes"] <= 0:
            raise CommandError("--index-minutes must be above 0")
        reading = HistoryOptions(
            log_format=options["format"],
            time_unit=options["time_unit"],
            blank_skill=options["blank_skill"],
            kc_column=options["kc_column"],
            start=datetime.combine(start, time(), UTC) if start else None,
            index_minutes=options["index_minutes"],
        )
        classroom = _classroom(options["classroom"])
        mapping = _mapping(options["mapping"])
        with Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        ) as bar:
            task = bar.add_task("reading", total=1.0)

            def look(share: float, stage: str) -> None:
                bar.update(task, completed=READING_SHARE * share, description=stage)

            def tell(share: float, stage: str) -> None:
                done = READING_SHARE + (1 - READING_SHARE) * share
                bar.update(task, completed=done, description=stage)

            history = history_read(
                options["file"],
                options=reading,
                now=now_utc(),
                faults_most=FAULTS_SHOWN,
                progress=look,
            )

            tell(0.0, "checking")
            return history_import(
                history,
                course_key=options["course"],
                is_creating_content=options["create_content"],
                classroom=classroom,
                mapping=mapping,
                by=None,
                now=now_utc(),
                is_dry_run=options["dry_run"],
                progress=tell,
            )


def _mapping(file: Path | None) -> IdMapping:
    if file is None:
        return NO_MAPPING
    try:
        return mapping_parse(file.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{file} cannot be read: {error}") from error


def _classroom(code: str | None) -> Classroom | None:
    if code is None:
        return None
    classroom = Classroom.objects.filter(join_code=code.replace("-", "").upper()).first()
    if classroom is None:
        raise CommandError(f"no class has the join code {code!r}")
    return classroom


def _lines(result: HistoryResult) -> list[str]:
    """Return the result in words, one fact a line."""
    would = "would be " if result.is_dry_run else ""
    lines = [f"note: {note}" for note in result.notes]
    lines.append(
        f"{result.n_responses:,} responses of {result.n_learners:,} learners, "
        f"{result.first_at:%Y-%m-%d} to {result.last_at:%Y-%m-%d}"
    )
    lines.append(f"{result.n_new:,} responses {would}added, {result.n_known:,} there already")
    lines.append(
        f"{result.n_accounts_new:,} accounts, {result.n_skills_new:,} skills and "
        f"{result.n_steps_new:,} steps {would}made"
    )
    if result.n_enrolled:
        lines.append(f"{result.n_enrolled:,} learners enrolled")
    if result.n_late:
        lines.append(f"{result.n_late:,} learners had states, which workers now replay")
    if result.is_dry_run:
        lines.append("Nothing was written: this was a dry run.")
    return lines
