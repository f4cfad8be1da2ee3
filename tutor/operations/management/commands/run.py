"""`manage.py run`: the whole site from one command."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from tutor.common.errors import TutorError
from tutor.operations.console import Console
from tutor.operations.options import RunOptions
from tutor.operations.running import site_run


class Command(BaseCommand):
    """Serve the site with its broker, worker and clock until Ctrl-C."""

    help = "Prepare and run the whole site: broker, web server, worker and clock; Ctrl-C stops it."
    # Migrations are what this command runs.
    requires_migrations_checks = False
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--demo",
            action="store_true",
            help="load and serve the demo accounts even where other machines can reach them",
        )

    def handle(self, *args: Any, demo: bool, **options: Any) -> None:
        env = settings.ENV
        try:
            site_run(
                RunOptions(
                    host=env["STEPWISE_HOST"],
                    port=env["STEPWISE_PORT"],
                    processes=env["STEPWISE_WEB_PROCESSES"],
                    threads=env["STEPWISE_WEB_THREADS"],
                    is_demo_wanted=demo,
                ),
                console=Console(self.stdout),
            )
        except TutorError as error:
            raise CommandError(error.message) from error
