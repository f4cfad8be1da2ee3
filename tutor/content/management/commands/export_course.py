"""`manage.py export_course KEY [FILE]`: a course as a bundle; importing it changes nothing."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tutor.content.exporting import course_export
from tutor.content.models import Course


class Command(BaseCommand):
    """Write a course as a canonical bundle."""

    help = "Export a course as a bundle, to a file or to standard output."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the command line."""
        parser.add_argument("key", help="the course's id")
        parser.add_argument("file", nargs="?", type=Path, help="where to; standard output if none")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the bundle."""
        course = Course.objects.filter(key=options["key"]).first()
        if course is None:
            known = ", ".join(Course.objects.values_list("key", flat=True)) or "none yet"
            raise CommandError(f"There is no course '{options['key']}'; there are: {known}.")
        text = json.dumps(course_export(course), ensure_ascii=False, indent=2) + "\n"
        file: Path | None = options["file"]
        if file is None:
            self.stdout.write(text, ending="")
            return
        try:
            file.write_text(text, encoding="utf-8")
        except OSError as error:
            raise CommandError(f"'{file}' could not be written: {error}.") from error
        self.stderr.write(f"Wrote {course.key}, version {course.version_number}, to {file}.")
