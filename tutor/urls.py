"""The site's addresses."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", include("tutor.accounts.urls")),
    path("", include("tutor.practice.urls")),
    path("content/", include("tutor.content.urls")),
    path("teach/", include("tutor.dashboards.urls")),
    path("api/v1/", include("tutor.api.urls")),
    path("", include("tutor.operations.urls")),
]

handler500 = "tutor.api.problems.server_error"
