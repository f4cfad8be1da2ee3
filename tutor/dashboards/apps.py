from django.apps import AppConfig


class DashboardsConfig(AppConfig):
    name = "tutor.dashboards"

    def ready(self) -> None:
        """Register the room's outbox handlers."""
        from tutor.dashboards import item_measuring  # noqa: F401
