from django.apps import AppConfig


class TracingConfig(AppConfig):
    name = "tutor.tracing"

    def ready(self) -> None:
        """Register the room's outbox handlers."""
        from tutor.tracing import drift, fits, promotion, replaying, services  # noqa: F401
