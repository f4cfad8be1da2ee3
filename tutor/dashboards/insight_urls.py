"""Addresses of what a class's answers say, below the class's own."""

from django.urls import URLPattern, path

from tutor.dashboards.views import items

urlpatterns: list[URLPattern] = [
    path("items/", items.item_list, name="items"),
    path("items.csv", items.item_list_csv, name="items_csv"),
    path("items/<uuid:step_uuid>/", items.item_one, name="item"),
]
