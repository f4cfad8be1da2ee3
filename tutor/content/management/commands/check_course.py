"""`manage.py check_course KEY|FILE`: render every template many times and say what is unfair."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn

from tutor.common.errors import TutorError
from tutor.content.demo.assemble import DemoFileError, demo_bundle
from tutor.content.exporting import course_export
from tutor.content.formats import content_read
from tutor.content.linting import DEFAULT_SEEDS, bundle_lint
from tutor.content.models import Course, ImportFormat
from tutor.content.validation import bundle_check


class Command(BaseCommand):
    """Check a course's templates: answers, known mistakes, choices, numbers, hints, length."""

    help = "Render every template of a course many times and list what is wrong or unfair."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the command line."""
        parser.add_argument(
            "course",
            help="a course's id, a .json or .zip file, or a folder with a course.json",
        )
        parser.add_argument("--seeds", type=int, default=DEFAULT_SEEDS, help="variants to draw")

    def handle(self, *args: Any, **options: Any) -> None:
        """List every finding. Exits with 1 when there is one."""
        seeds: int = options["seeds"]
        if seeds < 1:
            raise CommandError(f"--seeds is {seeds}, expected 1 or more.")
        console = Console(
            file=self.stdout,  # type: ignore[arg-type]
            force_terminal=sys.stdout.isatty() or None,
            soft_wrap=True,
            highlight=False,
        )
        bundle = _bundle(options["course"])
        with Progress(
            TextColumn("{task.description}"), BarColumn(), console=console, transient=True
        ) as bar:
            task = bar.add_task("checking", total=1.0)
            rows = [
                f"{row.severity}: {row.pointer or '/'}: {row.message}"
                for row in bundle_check(bundle)
            ]
            # What the import refuses may lack the very keys that the rules look at.
            findings = (
                []
                if any(row.startswith("error") for row in rows)
                else bundle_lint(
                    bundle,
                    seeds=seeds,
                    progress=lambda share, stage: bar.update(
                        task, completed=share, description=stage
                    ),
                )
            )
        lines = [*rows, *map(str, findings)]
        for line in lines:
            console.print(escape(line))
        if lines:
            raise CommandError(f"{len(lines)} finding{'s' if len(lines) != 1 else ''}.")
        steps = sum(len(problem["steps"]) for problem in bundle["problems"])
        console.print(
            f"{len(bundle['problems'])} problems with {steps} steps, {seeds} seeds each: "
            "nothing to say against them."
        )


def _bundle(named: str) -> dict[str, Any]:
    path = Path(named)
    # A file first: an author checks one without a database.
    if not path.exists():
        course = Course.objects.filter(key=named).first()
        if course is not None:
            return course_export(course)
        known = ", ".join(Course.objects.values_list("key", flat=True)) or "none yet"
        raise CommandError(
            f"'{named}' is neither a file nor the id of a course; there are: {known}."
        )
    try:
        if (path / "course.json").is_file():
            return demo_bundle(path)
        content = content_read(path, name=path.name)
    except DemoFileError as error:
        raise CommandError(f"{error}.") from error
    except TutorError as error:
        raise CommandError(error.message) from error
    if content.format is ImportFormat.GRAPH:
        raise CommandError(f"'{named}' is a graph, expected a course.")
    document: dict[str, Any] = content.document
    return document
