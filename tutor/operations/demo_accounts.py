"""The demo's accounts and the rule that keeps them off the network."""

from collections.abc import Sequence
from dataclasses import dataclass

from tutor.accounts.models import Role, User

# Known to everybody who reads this: hence `demo_is_exposed`.
DEMO_PASSWORD = "stepwise-demo"  # noqa: S105


@dataclass(frozen=True)
class DemoAccount:
    """An account that somebody logs in to in order to look around."""

    username: str
    display_name: str
    role: str


ADMINISTRATOR = DemoAccount("demo-admin", "Alex Moreau", Role.ADMINISTRATOR)
TEACHER = DemoAccount("demo-teacher", "Tessa Lindqvist", Role.TEACHER)
SECOND_TEACHER = DemoAccount("demo-teacher2", "Omar Haddad", Role.TEACHER)
LEARNER = DemoAccount("demo-learner", "Robin Vale", Role.LEARNER)
ACCOUNTS = (LEARNER, TEACHER, SECOND_TEACHER, ADMINISTRATOR)


def demo_accounts_open() -> Sequence[DemoAccount]:
    """Return the demo accounts that exist and still have the published password."""
    users = {
        user.username: user
        for user in User.objects.filter(
            username__in=[account.username for account in ACCOUNTS], is_active=True
        )
    }
    return [
        account
        for account in ACCOUNTS
        if account.username in users and users[account.username].check_password(DEMO_PASSWORD)
    ]
