"""Addresses of this room."""

from django.urls import path

from tutor.content import views
from tutor.content.authoring import views_course, views_draft, views_problem

urlpatterns = [
    path("", views_course.content_home, name="content_home"),
    path("courses/<uuid:course_uuid>/", views_course.course_content, name="course_content"),
    path("courses/<uuid:course_uuid>/quality/", views_course.course_quality, name="course_quality"),
    path("courses/<uuid:course_uuid>/authors/", views_course.course_authors, name="course_authors"),
    path("courses/<uuid:course_uuid>/problems/new/", views_course.problem_new, name="problem_new"),
    path("courses/<uuid:course_uuid>/lessons/new/", views_course.lesson_new, name="lesson_new"),
    path("lessons/<uuid:lesson_uuid>/", views_course.lesson_detail, name="lesson_detail"),
    path("lessons/<uuid:lesson_uuid>/edit/", views_course.lesson_edit, name="lesson_edit"),
    path(
        "lessons/<uuid:lesson_uuid>/retire/", views_course.lesson_retire_page, name="lesson_retire"
    ),
    path(
        "lessons/<uuid:lesson_uuid>/restore/",
        views_course.lesson_restore_page,
        name="lesson_restore",
    ),
    path("problems/<uuid:problem_uuid>/", views_problem.problem_detail, name="problem_detail"),
    path("problems/<uuid:problem_uuid>/try/", views_problem.problem_try, name="problem_try"),
    path("problems/<uuid:problem_uuid>/edit/", views_problem.problem_edit, name="problem_edit"),
    path(
        "problems/<uuid:problem_uuid>/retire/",
        views_problem.problem_retire_page,
        name="problem_retire",
    ),
    path(
        "problems/<uuid:problem_uuid>/restore/",
        views_problem.problem_restore_page,
        name="problem_restore",
    ),
    path("drafts/<uuid:draft_uuid>/", views_draft.draft_page, name="draft"),
    path("drafts/<uuid:draft_uuid>/check/", views_draft.draft_check, name="draft_check"),
    path("drafts/<uuid:draft_uuid>/preview/", views_draft.draft_preview, name="draft_preview"),
    path("drafts/<uuid:draft_uuid>/try/", views_draft.draft_try, name="draft_try"),
    path("drafts/<uuid:draft_uuid>/json/", views_draft.draft_json, name="draft_json"),
    path("drafts/<uuid:draft_uuid>/publish/", views_draft.draft_publish_page, name="draft_publish"),
    path("drafts/<uuid:draft_uuid>/keep/", views_draft.draft_keep, name="draft_keep"),
    path("drafts/<uuid:draft_uuid>/discard/", views_draft.draft_discard_page, name="draft_discard"),
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
