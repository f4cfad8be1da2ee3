"""`manage.py load_demo`: the demo course, accounts and class."""

from typing import Any

from django.core.management.base import BaseCommand
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tutor.common.clock import now_utc
from tutor.operations.demo import demo_load
from tutor.operations.demo_accounts import ACCOUNTS, DEMO_PASSWORD


class Command(BaseCommand):
    """Load the demo; a second call changes nothing."""

    help = "Load the demo course, its accounts and a class of 24 simulated learners."

    def handle(self, *args: Any, **options: Any) -> None:
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
