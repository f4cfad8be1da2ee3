"""`manage.py export_course KEY [FILE]`: a course as a bundle; importing it changes nothing."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tutor.content.exporting import ExportForm, bundle_write, course_export
from tutor.content.models import Course


class Command(BaseCommand):
    """Write a course as a canonical bundle."""

    help = "Export a course as a bundle, to a file or to standard output."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the command line."""
        parser.add_argument("key", help="the course's id")
        parser.add_argument("file", nargs="?", type=Path, help="where to; standard output if none")
        parser.add_argument(
            "--form",
            choices=[form.value for form in ExportForm],
            help="how it is written; by the file's ending (.json, .ndjson, .zip) when not given",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the bundle."""
        course = Course.objects.filter(key=options["key"]).first()
        if course is None:
            known = ", ".join(Course.objects.values_list("key", flat=True)) or "none yet"
            raise CommandError(f"There is no course '{options['key']}'; there are: {known}.")
        file: Path | None = options["file"]
        form = _form(options["form"], file)
        if file is None:
            if form is ExportForm.CSV:
                raise CommandError("A zip needs a file to go to; name one.")
            for part in bundle_write(course_export(course), form):
                self.stdout.write(part.decode(), ending="")
            return
        try:
            with file.open("wb") as opened:
                opened.writelines(bundle_write(course_export(course), form))
        except OSError as error:
            raise CommandError(f"'{file}' could not be written: {error}.") from error
        self.stderr.write(f"Wrote {course.key}, version {course.version_number}, to {file}.")


def _form(wanted: str | None, file: Path | None) -> ExportForm:
    if wanted is not None:
        return ExportForm(wanted)
    suffix = file.suffix.lower() if file else ""
    return next((form for form in ExportForm if form.suffix == suffix), ExportForm.JSON)
