"""Addresses of this room."""

from django.urls import path

from tutor.content import views

urlpatterns = [
    path("imports/", views.import_list, name="import_list"),
    path("imports/<uuid:job_uuid>/", views.import_detail, name="import_detail"),
    path("imports/<uuid:job_uuid>/apply/", views.import_apply, name="import_apply"),
    path("courses/<uuid:course_uuid>/versions/", views.course_versions, name="course_versions"),
    path(
        "courses/<uuid:course_uuid>/versions/<int:number>/roll-back/",
        views.version_roll_back,
        name="version_roll_back",
    ),
    path(
        "courses/<uuid:course_uuid>/bundle/<str:form>/",
        views.course_download,
        name="course_download",
    ),
    path("courses/<uuid:course_uuid>/assets/<str:key>", views.course_asset, name="course_asset"),
]
