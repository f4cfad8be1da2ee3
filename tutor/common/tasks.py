"""The tasks that carry the outbox, and the one that sweeps up old logins."""

from importlib import import_module

from celery import shared_task
from django.conf import settings

from tutor.common.clock import now_utc
from tutor.common.outbox import outbox_due, outbox_take, sender_set


@shared_task
def outbox_entry_task(entry_id: int) -> None:
    """Do one promised piece of work."""
    outbox_take(entry_id, now=now_utc())


@shared_task
def outbox_sweep_task() -> int:
    """Do what was promised and not taken: the broker was down, or a worker died."""
    return sum(
        outbox_take(entry_id, now=now_utc(), is_sweep=True)
        for entry_id in outbox_due(now=now_utc())
    )


@shared_task
def sessions_clear_task() -> None:
    """Delete logins that have ended, and the answers that visitors left in them."""
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()


def _send(entry_id: int) -> None:
    outbox_entry_task.apply_async((entry_id,), retry=False)


sender_set(_send)
