from django.apps import AppConfig


class CommonConfig(AppConfig):
    name = "tutor.common"

    def ready(self) -> None:
        """Connect the outbox to Celery, in the web process too."""
        from tutor import celery  # noqa: F401
        from tutor.common import tasks  # noqa: F401
