"""Addresses of the API, version 1."""

from django.urls import URLPattern, URLResolver, path, re_path

from tutor.api.views import (
    audit,
    classrooms,
    content,
    documents,
    history,
    imports,
    learners,
    models,
    tracing,
    versions,
)

app_name = "api"
_COURSE = "courses/<uuid:uuid>/"
_CLASSROOM = "classrooms/<uuid:uuid>/"


def _of_learners(base: str, prefix: str, *, of_course: bool) -> list[URLPattern]:
    """Return what is known of the learners of a class, or of one's classes on a course."""
    views = {
        "responses/": tracing.ResponseList,
        "responses.csv": tracing.ResponseCsv,
        "responses.ndjson": tracing.ResponseNdjson,
        "beliefs/": tracing.BeliefList,
        "beliefs.csv": tracing.BeliefCsv,
        "beliefs.ndjson": tracing.BeliefNdjson,
        "forecasts/": tracing.ForecastList,
        "plans/": tracing.PlanList,
    }
    return [
        path(
            base + page,
            view.as_view(of_course=of_course),
            name=f"{prefix}_{page.strip('/').replace('.', '_')}",
        )
        for page, view in views.items()
    ]


urlpatterns: list[URLPattern | URLResolver] = [
    path("", documents.Index.as_view(), name="index"),
    path("schema/", documents.Schema.as_view(), name="schema"),
    path("schema/bundle.json", documents.BundleSchema.as_view(), name="bundle_schema"),
    path("docs/", documents.docs_page, name="docs"),
    path("courses/", content.CourseList.as_view(), name="courses"),
    path(_COURSE, content.CourseDetail.as_view(), name="course"),
    path(f"{_COURSE}skills/", content.SkillList.as_view(), name="skills"),
    path(f"{_COURSE}prerequisites/", content.PrerequisiteList.as_view(), name="prerequisites"),
    path(f"{_COURSE}lessons/", content.LessonList.as_view(), name="lessons"),
    path(f"{_COURSE}problems/", content.ProblemList.as_view(), name="problems"),
    path(f"{_COURSE}bundle/", documents.CourseBundle.as_view(), name="bundle"),
    path(f"{_COURSE}versions/", versions.CourseVersionList.as_view(), name="course_versions"),
    path(
        f"{_COURSE}versions/<int:number>/bundle/",
        versions.CourseVersionBundle.as_view(),
        name="course_version_bundle",
    ),
    path(
        f"{_COURSE}versions/<int:number>/roll-back/",
        versions.CourseVersionRollBack.as_view(),
        name="course_roll_back",
    ),
    *_of_learners(_COURSE, "course", of_course=True),
    path(f"{_COURSE}fits/", models.FitList.as_view(), name="fits"),
    path(f"{_COURSE}model-versions/", models.VersionList.as_view(), name="model_versions"),
    path(
        f"{_COURSE}model-versions/roll-back/",
        models.VersionRollBack.as_view(),
        name="model_roll_back",
    ),
    path(f"{_COURSE}promotions/", models.PromotionList.as_view(), name="promotions"),
    path("problems/<uuid:uuid>/", content.ProblemDetail.as_view(), name="problem"),
    path("imports/", imports.ImportList.as_view(), name="imports"),
    path("imports/<uuid:uuid>/", imports.ImportDetail.as_view(), name="import"),
    path("imports/<uuid:uuid>/errors.csv", imports.ImportErrors.as_view(), name="import_errors"),
    path("imports/<uuid:uuid>/apply/", imports.ImportApply.as_view(), name="import_apply"),
    path("classrooms/", classrooms.ClassroomList.as_view(), name="classrooms"),
    path(_CLASSROOM, classrooms.ClassroomDetail.as_view(), name="classroom"),
    path(
        f"{_CLASSROOM}learners/", classrooms.ClassroomLearners.as_view(), name="classroom_learners"
    ),
    path(f"{_CLASSROOM}enrolments/", learners.EnrolmentList.as_view(), name="enrolments"),
    *_of_learners(_CLASSROOM, "classroom", of_course=False),
    path("enrolments/<uuid:uuid>/", learners.EnrolmentDetail.as_view(), name="enrolment"),
    path("learners/", learners.LearnerList.as_view(), name="learners"),
    path("learners/<uuid:uuid>/", learners.LearnerDetail.as_view(), name="learner"),
    path(
        "learners/<uuid:uuid>/password/",
        learners.LearnerPassword.as_view(),
        name="learner_password",
    ),
    path("responses/import/", history.ResponseImportStart.as_view(), name="response_import_start"),
    path("responses/imports/", history.ResponseImportList.as_view(), name="response_imports"),
    path(
        "responses/imports/<uuid:uuid>/",
        history.ResponseImportDetail.as_view(),
        name="response_import",
    ),
    path(
        "responses/imports/<uuid:uuid>/errors.csv",
        history.ResponseImportErrors.as_view(),
        name="response_import_errors",
    ),
    path(
        "responses/imports/<uuid:uuid>/apply/",
        history.ResponseImportApply.as_view(),
        name="response_import_apply",
    ),
    path("fits/<uuid:uuid>/", models.FitDetail.as_view(), name="fit"),
    path("fits/<uuid:uuid>/cancel/", models.FitCancel.as_view(), name="fit_cancel"),
    path("model-versions/<uuid:uuid>/", models.VersionDetail.as_view(), name="model_version"),
    path(
        "model-versions/<uuid:uuid>/promote/",
        models.VersionPromote.as_view(),
        name="model_promote",
    ),
    path("promotions/<uuid:uuid>/", models.PromotionDetail.as_view(), name="promotion"),
    path("audit/", audit.AuditList.as_view(), name="audit"),
    re_path(r".*", documents.Nowhere.as_view(), name="nowhere"),
]
