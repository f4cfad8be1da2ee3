"""`manage.py load_demo`: the demo course, accounts and class."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tutor.common.clock import now_utc
from tutor.operations.demo import CLASS_LETTERS, demo_load
from tutor.operations.demo_accounts import ACCOUNTS, DEMO_PASSWORD
from tutor.operations.preflight import is_loopback


class Command(BaseCommand):
    """Load the demo; a second call changes nothing."""

    help = "Load the demo course, its accounts and classes of 24 simulated learners."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--demo",
            action="store_true",
            help="load it even where other machines can reach the site",
        )
        parser.add_argument(
            "--classes",
            type=int,
            choices=range(1, len(CLASS_LETTERS) + 1),
            default=1,
            metavar="N",
            help="so many classes; one more can be added later",
        )

    def handle(self, *args: Any, demo: bool, classes: int, **options: Any) -> None:
        env = settings.ENV
        if not demo and (env["STEPWISE_HTTPS"] or not is_loopback(env["STEPWISE_HOST"])):
            raise CommandError(
                "The demo's accounts, an administrator's among them, have a published password, "
                "and other machines can reach this site; accept that with load_demo --demo."
            )
        with Progress(
            TextColumn("  {task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=Console(file=self.stdout),  # type: ignore[arg-type]
            transient=True,
            disable=not self.stdout.isatty(),
        ) as bar:
            task = bar.add_task("Simulated learners")
            result = demo_load(
                now=now_utc(),
                n_classes=classes,
                progress=lambda done, total: bar.update(task, completed=done, total=total),
            )
        if not result.is_new:
            self.stdout.write("The demo is loaded already; nothing was changed.")
            return
        self.stdout.write(
            f"  {result.n_learners} simulated learners answered {result.n_steps} steps."
        )
        if not options["verbosity"]:
            return
        self.stdout.write(f"Demo accounts, all with the password {DEMO_PASSWORD}:")
        for account in ACCOUNTS:
            self.stdout.write(f"  {account.username:<14} {account.role}")
