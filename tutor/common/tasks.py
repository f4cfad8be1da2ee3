"""The tasks that carry the outbox, and the one that sweeps up old logins."""

from importlib import import_module

from celery import shared_task
from django.conf import settings

from tutor.common.clock import now_utc
from tutor.common.outbox import Message, outbox_sweep, outbox_take, sender_set


@shared_task
def outbox_entry_task(entry_id: int, attempts: int = 0) -> None:
    """Do one promised piece of work."""
    outbox_take(entry_id, now=now_utc(), attempts=attempts)


@shared_task
def outbox_sweep_task() -> int:
    """Do what was promised and not taken: the broker was down, or a worker died."""
    return outbox_sweep(clock=now_utc)


@shared_task
def sessions_clear_task() -> None:
    """Delete logins that have ended, and the answers that visitors left in them."""
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()


def _send(message: Message) -> None:
    task = outbox_entry_task.s(message.entry_id, message.attempts)
    if message.expires_seconds is not None:
        task.set(expires=message.expires_seconds)
    task.apply_async(queue=message.queue, retry=False)


sender_set(_send)
