"""Erase a learner: account, states, plans, and the answers or their owner."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tutor.accounts.models import User
from tutor.common.clock import now_utc
from tutor.common.errors import TutorError
from tutor.tracing.erasure import learner_erase


class Command(BaseCommand):
    help = "Erase a learner for good. STEPWISE_ERASURE says what becomes of the responses."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username", metavar="USERNAME")
        parser.add_argument("--by", metavar="USERNAME", help="The administrator who decided it.")
        chosen = parser.add_mutually_exclusive_group()
        chosen.add_argument("--keep", action="store_true", help="Keep responses, unnamed.")
        chosen.add_argument("--delete", action="store_true", help="Delete responses.")
        parser.add_argument("--yes", action="store_true", help="Do not ask.")

    def handle(self, *args: Any, **options: Any) -> None:
        learner = _account(options["username"])
        by = _account(options["by"]) if options["by"] else None
        if not options["yes"] and input(f"Erase {learner.username} for good? Type it: ") != (
            learner.username
        ):
            raise CommandError("nothing was erased")
        is_keeping = options["keep"] if options["keep"] or options["delete"] else None
        try:
            erasure = learner_erase(learner, by=by, now=now_utc(), is_keeping_responses=is_keeping)
        except TutorError as error:
            raise CommandError(error.message) from error
        became = "kept without a name" if erasure.is_keeping_responses else "deleted"
        self.stdout.write(f"erased; {erasure.n_responses} responses {became}")
        for fit in erasure.fits:
            serving = ", serving now" if fit.is_serving else ""
            self.stdout.write(
                f"used by fit {fit.uuid} of {fit.model_name} on {fit.course_key} "
                f"({fit.cutoff:%Y-%m-%d}{serving})"
            )
        if erasure.fits and not erasure.is_keeping_responses:
            self.stdout.write("The next fits do not use the responses.")


def _account(username: str) -> User:
    user = User.objects.filter(username=username).first()
    if user is None:
        raise CommandError(f"no account has the username {username!r}")
    return user
