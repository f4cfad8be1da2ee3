from django.apps import AppConfig


class ResponsesConfig(AppConfig):
    name = "tutor.responses"
