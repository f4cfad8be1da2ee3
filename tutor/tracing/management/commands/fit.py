"""Ask for a fit from the command line, and wait for it if wanted."""

from argparse import ArgumentParser
from time import sleep
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tutor.common.clock import now_utc
from tutor.common.errors import TutorError
from tutor.content.models import Course
from tutor.tracing.fits import ACTIVE, fit_execute, fit_request
from tutor.tracing.models import FitStatus, ModelRole

POLL_SECONDS = 2.0


class Command(BaseCommand):
    help = "Fit a model on a course's responses: by a worker, or --here in this process."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("course", metavar="COURSE", help="The course's id.")
        parser.add_argument("model", metavar="MODEL", help="Such as bkt, bkt_forgets or dkt.")
        parser.add_argument("--role", choices=ModelRole.values, default=ModelRole.MASTERY)
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--wait", action="store_true", help="Until a worker has ended it.")
        parser.add_argument("--here", action="store_true", help="Without a worker.")

    def handle(self, *args: Any, **options: Any) -> None:
        course = Course.objects.filter(key=options["course"]).first()
        if course is None:
            raise CommandError(f"no course has the id {options['course']!r}")
        try:
            run = fit_request(
                course,
                model_name=options["model"],
                role=options["role"],
                seed=options["seed"],
                by=None,
                now=now_utc(),
            )
        except TutorError as error:
            raise CommandError(error.message) from error
        self.stdout.write(f"fit {run.uuid} is waiting")
        if options["here"]:
            fit_execute(run.pk, clock=now_utc)
            run.refresh_from_db()
        elif not options["wait"]:
            return
        said = ""
        while run.status in ACTIVE:
            sleep(POLL_SECONDS)
            run.refresh_from_db()
            line = f"{100 * run.progress:3.0f} % {run.stage}"
            if line != said:
                self.stdout.write(line)
                said = line
        if run.status != FitStatus.DONE:
            raise CommandError(f"the fit ended as {run.status}: {run.reason}")
        self.stdout.write(f"version {run.version.uuid}: {run.version.reason}")
