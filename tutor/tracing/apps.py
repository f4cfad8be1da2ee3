from django.apps import AppConfig


class TracingConfig(AppConfig):
    name = "tutor.tracing"
