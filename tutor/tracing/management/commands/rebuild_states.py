"""Hold learner states against the response log, and rebuild those that differ."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tutor.common.clock import now_utc
from tutor.content.models import Course
from tutor.tracing.services import states_verify


class Command(BaseCommand):
    help = "Replay the response log into every learner state; with --verify only compare."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--course", metavar="KEY", help="Only this course.")
        parser.add_argument("--verify", action="store_true", help="Change nothing.")

    def handle(self, *args: Any, **options: Any) -> None:
        courses = Course.objects.all()
        if options["course"]:
            courses = courses.filter(key=options["course"])
            if not courses:
                raise CommandError(f"no course has the id {options['course']!r}")
        total = 0
        for course in courses:
            verification = states_verify(course, now=now_utc(), is_repairing=not options["verify"])
            differences = len(verification.differing_state_ids)
            total += differences
            self.stdout.write(
                f"{course.key}: {verification.n_states} states, {differences} differences"
            )
        self.stdout.write(f"{total} differences")
        if options["verify"] and total:
            raise CommandError("states differ from the log; run without --verify to rebuild them")
