"""Addresses of the models pages, below /teach/models/."""

from django.urls import URLPattern, URLResolver, path

from tutor.dashboards.views import models

urlpatterns: list[URLPattern | URLResolver] = [
    path("", models.model_courses, name="models"),
    path("courses/<uuid:course_uuid>/", models.course_models, name="course_models"),
    path("courses/<uuid:course_uuid>/fit/", models.fit_start, name="fit_start"),
    path("courses/<uuid:course_uuid>/drift/", models.drift_start, name="drift_start"),
    path(
        "courses/<uuid:course_uuid>/roll-back/<str:role>/",
        models.role_roll_back,
        name="role_roll_back",
    ),
    path("fits/<uuid:fit_uuid>/cancel/", models.fit_stop, name="fit_stop"),
    path("versions/<uuid:version_uuid>/", models.version_detail, name="version"),
    path("versions/<uuid:version_uuid>/promote/", models.version_promote, name="version_promote"),
]
