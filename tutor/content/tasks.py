"""Celery tasks of the content room."""

from celery import shared_task

from tutor.common.clock import now_utc
from tutor.content.jobs import imports_reap
from tutor.content.staging import stages_clear


@shared_task(name="tutor.content.tasks.imports_reap_task")
def imports_reap_task() -> None:
    """Take up imports whose worker died, and clear away what they left half written."""
    imports_reap(now=now_utc())
    stages_clear(now=now_utc())
