"""`manage.py create_administrator`: the first account of a real site."""

import getpass
import sys
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from tutor.accounts.models import Role
from tutor.accounts.services import account_create, audit_record
from tutor.common.clock import now_utc
from tutor.common.errors import TutorError


class Command(BaseCommand):
    """Create an administrator; the password never appears in the command line."""

    help = "Create an administrator. The password is asked for, or read from standard input."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--name", default="", help="the name that people see")

    def handle(self, *args: Any, username: str, name: str, **options: Any) -> None:
        password = _password_read()
        try:
            validate_password(password)
            user = account_create(
                username=username,
                display_name=name or username,
                role=Role.ADMINISTRATOR,
                password=password,
            )
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        except TutorError as error:
            raise CommandError(error.message) from error
        audit_record(
            None,
            action="administrator_create",
            object_kind="user",
            object_id=str(user.uuid),
            now=now_utc(),
        )
        self.stdout.write(f"{username} is an administrator and can log in.")


def _password_read() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    password = getpass.getpass("Password: ")
    if getpass.getpass("The same again: ") != password:
        raise CommandError("The two passwords differ; start again.")
    return password
