"""Grade every answer to a step again, after its answer key was corrected."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tutor.accounts.models import User
from tutor.common.clock import now_utc
from tutor.common.errors import TutorError
from tutor.content.models import Step
from tutor.tracing.regrading import responses_regrade


class Command(BaseCommand):
    help = "Grade a step's answers again by its current answer key; import the corrected key first."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("course", metavar="COURSE", help="The course's id.")
        parser.add_argument("step", metavar="STEP", help="The step's id.")
        parser.add_argument("--reason", default="", help="One sentence that learners are told.")
        parser.add_argument("--by", metavar="USERNAME", help="The teacher who asked for it.")
        parser.add_argument("--dry-run", action="store_true", help="Only say who is affected.")

    def handle(self, *args: Any, **options: Any) -> None:
        step = (
            Step.objects.select_related("course", "problem__revision")
            .filter(course__key=options["course"], key=options["step"])
            .first()
        )
        if step is None:
            raise CommandError(f"the course {options['course']!r} has no step {options['step']!r}")
        by = User.objects.filter(username=options["by"]).first() if options["by"] else None
        if options["by"] and by is None:
            raise CommandError(f"no account has the username {options['by']!r}")
        try:
            report = responses_regrade(
                step,
                by=by,
                reason=options["reason"],
                now=now_utc(),
                is_dry_run=options["dry_run"],
            )
        except TutorError as error:
            raise CommandError(error.message) from error
        found = report.findings
        self.stdout.write(
            f"{found.n_answers} answers: {report.n_now_right} right now, "
            f"{report.n_now_wrong} wrong now, {found.n_without_text} without a text, "
            f"{found.n_unreadable} unreadable now, {found.n_other_variant} of another variant"
        )
        for affected in report.affected:
            self.stdout.write(
                f"{affected.learner.username}: {affected.n_now_right} right now, "
                f"{affected.n_now_wrong} wrong now"
            )
        if report.is_dry_run:
            self.stdout.write("Nothing was written: this was a dry run.")
