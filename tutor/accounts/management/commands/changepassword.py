"""Django's `changepassword`, which here ends the account's API tokens too."""

import getpass
from typing import Any

from django.contrib.auth.management.commands import changepassword

from tutor.accounts.models import User
from tutor.accounts.services import tokens_revoke
from tutor.common.clock import now_utc


class Command(changepassword.Command):
    help = "Change an account's password; its API tokens end with the old one."

    def handle(self, *args: Any, **options: Any) -> str | None:
        said = super().handle(*args, **options)
        name = options["username"] or getpass.getuser()
        tokens_revoke(User.objects.get(username=name), by=None, now=now_utc())
        return said
