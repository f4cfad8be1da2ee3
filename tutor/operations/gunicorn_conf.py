"""Gunicorn's hooks: `gunicorn -c python:tutor.operations.gunicorn_conf`."""

from django.urls import get_resolver


def when_ready(_server: object) -> None:
    """Import every view before the web processes part, so that they share the memory of it.

    Django would import them with the first request, in each process by itself.
    """
    _ = get_resolver().url_patterns
