"""Addresses of the API, version 1."""

from django.urls import URLPattern, URLResolver, path, re_path

from tutor.api.views import classrooms, content, documents, imports

app_name = "api"
urlpatterns: list[URLPattern | URLResolver] = [
    path("", documents.Index.as_view(), name="index"),
    path("schema/", documents.Schema.as_view(), name="schema"),
    path("schema/bundle.json", documents.BundleSchema.as_view(), name="bundle_schema"),
    path("docs/", documents.docs_page, name="docs"),
    path("courses/", content.CourseList.as_view(), name="courses"),
    path("courses/<uuid:uuid>/", content.CourseDetail.as_view(), name="course"),
    path("courses/<uuid:uuid>/skills/", content.SkillList.as_view(), name="skills"),
    path(
        "courses/<uuid:uuid>/prerequisites/",
        content.PrerequisiteList.as_view(),
        name="prerequisites",
    ),
    path("courses/<uuid:uuid>/lessons/", content.LessonList.as_view(), name="lessons"),
    path("courses/<uuid:uuid>/problems/", content.ProblemList.as_view(), name="problems"),
    path("courses/<uuid:uuid>/bundle/", documents.CourseBundle.as_view(), name="bundle"),
    path("problems/<uuid:uuid>/", content.ProblemDetail.as_view(), name="problem"),
    path("imports/", imports.ImportList.as_view(), name="imports"),
    path("imports/<uuid:uuid>/", imports.ImportDetail.as_view(), name="import"),
    path("imports/<uuid:uuid>/errors.csv", imports.ImportErrors.as_view(), name="import_errors"),
    path("imports/<uuid:uuid>/apply/", imports.ImportApply.as_view(), name="import_apply"),
    path("classrooms/", classrooms.ClassroomList.as_view(), name="classrooms"),
    path("classrooms/<uuid:uuid>/", classrooms.ClassroomDetail.as_view(), name="classroom"),
    path(
        "classrooms/<uuid:uuid>/learners/",
        classrooms.ClassroomLearners.as_view(),
        name="classroom_learners",
    ),
    re_path(r".*", documents.Nowhere.as_view(), name="nowhere"),
]
