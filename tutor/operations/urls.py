"""Addresses of this room."""

from django.urls import URLPattern, URLResolver, path

from tutor.operations import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("health/", views.health, name="health"),
    path("metrics/", views.metrics, name="metrics"),
]
