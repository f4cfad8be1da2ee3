"""Make an API token and print it once."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tutor.accounts.models import Scope, User
from tutor.accounts.services import token_create
from tutor.common.clock import now_utc
from tutor.common.errors import TutorError

MOST_DAYS = 3650


class Command(BaseCommand):
    """`manage.py api_token_create USERNAME --scopes read import --days 90`."""

    help = "Make an API token for a teacher or administrator and print it once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("username")
        parser.add_argument("--scopes", nargs="+", default=[Scope.READ.value], metavar="SCOPE")
        parser.add_argument("--days", type=int, default=90, help="Days until it expires.")
        parser.add_argument("--name", default="command line", help="What it is for.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the token; the only line on standard output is the token."""
        user = User.objects.filter(username=options["username"]).first()
        if user is None:
            raise CommandError(f"There is no account named '{options['username']}'.")
        if not user.is_teacher:
            raise CommandError(
                f"'{user.username}' is a {user.role}; tokens are for teachers and administrators."
            )
        if not 1 <= options["days"] <= MOST_DAYS:
            raise CommandError(
                f"--days {options['days']} cannot be used; expected 1 to {MOST_DAYS}."
            )
        now = now_utc()
        try:
            token, plain = token_create(
                user,
                name=options["name"],
                scopes=[word for text in options["scopes"] for word in text.split(",") if word],
                expires_at=now + timedelta(days=options["days"]),
                now=now,
            )
        except TutorError as error:
            raise CommandError(error.message) from error
        self.stderr.write(
            f"Token '{token.name}' with {', '.join(token.scopes)}, until "
            f"{token.expires_at:%Y-%m-%d}. It is shown this once:"
        )
        self.stdout.write(plain)
