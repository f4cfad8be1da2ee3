from django.apps import AppConfig


class TracingConfig(AppConfig):
    name = "tutor.tracing"

    def ready(self) -> None:
        """Register the room's outbox handlers."""
        from tutor.tracing import (  # noqa: F401
            catching_up,
            drift,
            fit_offering,
            history_jobs,
            promotion,
            replaying,
            services,
        )
