from django.apps import AppConfig


class ContentConfig(AppConfig):
    name = "tutor.content"

    def ready(self) -> None:
        """Register the handler of imports with the outbox, in the web process too."""
        from tutor.content import jobs  # noqa: F401
