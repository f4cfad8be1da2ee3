"""Addresses of this room."""

from django.urls import URLPattern, URLResolver, path

from tutor.practice.views import join

urlpatterns: list[URLPattern | URLResolver] = [
    path("join/", join.join, name="join"),
]
