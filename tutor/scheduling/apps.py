from django.apps import AppConfig


class SchedulingConfig(AppConfig):
    name = "tutor.scheduling"

    def ready(self) -> None:
        """Register the room's outbox handlers."""
        from tutor.scheduling import rebuilding  # noqa: F401
