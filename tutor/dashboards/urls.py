"""Addresses of the teacher pages."""

from django.urls import URLPattern, URLResolver, include, path

from tutor.dashboards.views import audit, classes, heatmap, learners

app_name = "teach"
urlpatterns: list[URLPattern | URLResolver] = [
    path("", classes.classroom_list, name="classrooms"),
    path("how/", classes.how_page, name="how"),
    path("audit/", audit.audit_log, name="audit"),
    path("classes/<uuid:classroom_uuid>/", classes.classroom_home, name="classroom"),
    path("classes/<uuid:classroom_uuid>/heatmap/", heatmap.heatmap_page, name="heatmap"),
    path("classes/<uuid:classroom_uuid>/heatmap.csv", heatmap.heatmap_csv, name="heatmap_csv"),
    path(
        "classes/<uuid:classroom_uuid>/learners/<uuid:learner_uuid>/",
        learners.learner_page,
        name="learner",
    ),
    path("classes/<uuid:classroom_uuid>/", include("tutor.dashboards.class_urls")),
    path("classes/<uuid:classroom_uuid>/", include("tutor.dashboards.insight_urls")),
    path("models/", include("tutor.dashboards.model_urls")),
]
