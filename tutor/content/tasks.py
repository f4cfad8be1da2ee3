"""Celery tasks of the content room."""

from celery import shared_task

from tutor.common.clock import now_utc
from tutor.content.jobs import imports_reap


@shared_task(name="tutor.content.tasks.imports_reap_task")
def imports_reap_task() -> None:
    """Take up imports whose worker died."""
    imports_reap(now=now_utc())
