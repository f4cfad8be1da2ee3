"""`manage.py remove_demo`: before real people come."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tutor.common.clock import now_utc
from tutor.operations.demo import demo_remove


class Command(BaseCommand):
    """Delete the demo's accounts, class and answers."""

    help = "Delete the demo's accounts, class and simulated answers; the demo course stays."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *args: Any, yes: bool, **options: Any) -> None:
        if not yes and input("Delete the demo accounts and all their answers? [y/N] ") != "y":
            raise CommandError("Nothing was deleted.")
        removal = demo_remove(now=now_utc())
        self.stdout.write(
            f"Deleted {removal.n_accounts} accounts and {removal.n_responses} responses."
        )
        if removal.is_class_kept:
            self.stdout.write("The demo class stays: learners who are not of the demo are in it.")
