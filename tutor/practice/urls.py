"""Addresses of this room."""

from django.urls import URLPattern, URLResolver, path

from tutor.practice.views import course, goal, join, own_data, placement, progress, sitting

urlpatterns: list[URLPattern | URLResolver] = [
    path("join/", join.join, name="join"),
    path("learn/", course.learner_home, name="learner_home"),
    path("learn/how/", course.how, name="learner_how"),
    path("learn/map/", course.course_map_first, name="course_map_first"),
    path("learn/<uuid:course_uuid>/", course.learner_home, name="course_home"),
    path("learn/<uuid:course_uuid>/map/", course.course_map, name="course_map"),
    path("learn/<uuid:course_uuid>/start/", sitting.start, name="practice_start"),
    path("learn/<uuid:course_uuid>/skills/<uuid:skill_uuid>/", course.skill, name="skill"),
    path("learn/<uuid:course_uuid>/lessons/<uuid:lesson_uuid>/", course.lesson, name="lesson"),
    path("learn/progress/", progress.progress_first, name="progress_first"),
    path("learn/<uuid:course_uuid>/progress/", progress.progress, name="progress"),
    path("learn/<uuid:course_uuid>/answers/", progress.answers, name="answers"),
    path("learn/<uuid:course_uuid>/placement/", placement.placement, name="placement"),
    path("learn/<uuid:course_uuid>/placement/start/", placement.start, name="placement_start"),
    path("learn/<uuid:course_uuid>/goal/", goal.set_goal, name="goal_set"),
    path("learn/<uuid:course_uuid>/goal/end/", goal.end_goal, name="goal_end"),
    path("placement/<uuid:session_uuid>/answer/", placement.answer, name="placement_answer"),
    path(
        "placement/<uuid:session_uuid>/dont-know/",
        placement.dont_know,
        name="placement_dont_know",
    ),
    path("placement/<uuid:session_uuid>/stop/", placement.stop, name="placement_stop"),
    path("account/data/", own_data.own_data, name="own_data"),
    path("account/data/stepwise-data.zip", own_data.download, name="own_data_download"),
    path("account/delete/", own_data.delete, name="account_delete"),
    path("practice/<uuid:session_uuid>/", sitting.practice, name="practice"),
    path("practice/<uuid:session_uuid>/read/", sitting.read, name="practice_read"),
    path("practice/<uuid:session_uuid>/answer/", sitting.answer, name="practice_answer"),
    path("practice/<uuid:session_uuid>/scaffold/", sitting.scaffold, name="practice_scaffold"),
    path("practice/<uuid:session_uuid>/hint/", sitting.hint, name="practice_hint"),
    path("practice/<uuid:session_uuid>/dont-know/", sitting.dont_know, name="practice_dont_know"),
    path("practice/<uuid:session_uuid>/continue/", sitting.go_on, name="practice_continue"),
    path("practice/<uuid:session_uuid>/end/", sitting.end, name="practice_end"),
    path("practice/<uuid:session_uuid>/kept/", sitting.kept, name="practice_kept"),
    path("practice/<uuid:session_uuid>/preview/", sitting.preview, name="practice_preview"),
]
