"""What a process of the simulation begins with. Imports nothing of the site before Django is up."""

from typing import TYPE_CHECKING

import django

if TYPE_CHECKING:
    from tutor.scheduling.simulation.report import Entry, Ran


def begin() -> None:
    """Set Django up in a fresh process."""
    django.setup()


def entry_ran(entry: "Entry") -> "Ran":
    """Run one entry of a report."""
    from tutor.scheduling.simulation.report import entry_run

    return entry_run(entry)
