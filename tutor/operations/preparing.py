"""What a run does before it serves."""

import redis
from django.conf import settings
from django.core.management import call_command
from django.db import connections

from tutor.accounts.models import User
from tutor.common.errors import TutorError
from tutor.content.models import Course
from tutor.operations.console import Console
from tutor.operations.demo import demo_is_begun, demo_is_complete
from tutor.operations.demo_accounts import demo_accounts_open
from tutor.operations.layout import Layout
from tutor.operations.options import RunOptions
from tutor.operations.static_files import static_collect
from tutor.operations.supervisor import Supervisor, wait_until

BROKER_SECONDS = 60.0


def site_prepare(
    layout: Layout, options: RunOptions, *, supervisor: Supervisor, console: Console
) -> None:
    """Bring broker, database, static files and demo to where the programs can start.

    Raises:
        TutorError: when one of them cannot be.
    """
    if settings.ENV["REDIS_URL"] is None:
        supervisor.program_start("broker")
    wait_until(
        _broker_answers,
        seconds=BROKER_SECONDS,
        give_up=lambda: not supervisor.is_alive,
        message=_broker_failure(layout),
    )
    with console.step("Database brought up to date"):
        call_command("migrate", interactive=False, verbosity=0)
    if not settings.DEBUG:
        with console.step("Static files collected"):
            static_collect(stamp_dir=layout.run)
    demo_load_if_wanted(options, console=console)
    demo_guard(options)
    # The processes to come have connections of their own.
    connections.close_all()


def _broker_answers() -> bool:
    try:
        with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=5) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


def _broker_failure(layout: Layout) -> str:
    if settings.ENV["REDIS_URL"] is None:
        return f"The embedded broker did not start; read {layout.log('broker')}."
    return "Nothing answers at REDIS_URL; start that server, or unset it for the embedded one."


def demo_load_if_wanted(options: RunOptions, *, console: Console) -> None:
    """Load the demo into an empty private site, or where it was asked for or interrupted."""
    is_interrupted = demo_is_begun() and not demo_is_complete()
    if not is_interrupted and (User.objects.exists() or Course.objects.exists()):
        return
    is_embedded = settings.ENV["DATABASE_URL"] is None
    if is_interrupted or options.is_demo_wanted or (options.is_private and is_embedded):
        console.line("Loading the demo course and class; this is done once.")
        # The logins are printed once the site answers; `demo_guard` looks at who could use them.
        call_command("load_demo", verbosity=0, demo=True)
        return
    console.line(
        "The database is empty. Make the first account with: manage.py create_administrator NAME"
    )


def demo_guard(options: RunOptions) -> None:
    """Keep accounts with a published password from a network.

    Raises:
        TutorError: naming the accounts and what to do.
    """
    if options.is_private or options.is_demo_wanted:
        return
    exposed = demo_accounts_open()
    if exposed:
        names = ", ".join(account.username for account in exposed)
        raise TutorError(
            f"The demo accounts {names} still have their published password, and "
            f"{options.host}:{options.port} can be reached from other machines. Remove the demo "
            "with manage.py remove_demo, change the passwords, or accept it with run --demo.",
            code="demo_exposed",
        )
