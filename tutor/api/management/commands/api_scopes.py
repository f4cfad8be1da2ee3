"""Write the table of scopes into docs/api.md, or say that it is not what the code does."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from tutor.api.scopes import scope_table_written


class Command(BaseCommand):
    help = "Write which scope of a token opens which address of the API into docs/api.md."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="Change nothing; fail where the table is stale."
        )
        parser.add_argument("--file", type=Path, default=settings.BASE_DIR / "docs" / "api.md")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        text = path.read_text(encoding="utf-8")
        try:
            wanted = scope_table_written(text)
        except ValueError as error:
            raise CommandError(f"{path}: {error}") from error
        if text == wanted:
            self.stdout.write(f"{path}: the table is as it should be.")
        elif options["check"]:
            raise CommandError(f"{path}: the table is stale; run `manage.py api_scopes`.")
        else:
            path.write_text(wanted, encoding="utf-8")
            self.stdout.write(f"{path}: the table is written.")
