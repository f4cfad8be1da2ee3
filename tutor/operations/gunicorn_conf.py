"""Gunicorn's hooks: `gunicorn -c python:tutor.operations.gunicorn_conf`."""

import gc

from django.urls import get_resolver


def when_ready(_server: object) -> None:
    """Import every view before the web processes part, so that they share the memory of it.

    Django would import them with the first request, in each process by itself. What is there by
    then stays for good: looking through it for garbage, again and again, took a page a third of a
    second, and would copy the shared memory.
    """
    _ = get_resolver().url_patterns
    gc.collect()
    gc.freeze()
