"""Addresses of the pages on which a teacher keeps a class, below /teach/classes/<uuid>/."""

from django.urls import URLPattern, URLResolver, path

from tutor.dashboards.views import assignments, class_settings, roster, words

ASSIGNMENT = "assignments/<uuid:assignment_uuid>"
LEARNER = "learners/<uuid:learner_uuid>"
urlpatterns: list[URLPattern | URLResolver] = [
    path("roster/", roster.roster_page, name="roster"),
    path("roster.csv", roster.roster_csv, name="roster_csv"),
    path("roster/add/", roster.learner_new, name="learner_new"),
    path("roster/import/", roster.roster_import_page, name="roster_import"),
    path("join-code/", roster.join_code_change, name="join_code"),
    path(f"{LEARNER}/account/", roster.account_page, name="account"),
    path(f"{LEARNER}/password/", roster.learner_password, name="learner_password"),
    path(f"{LEARNER}/move/", roster.learner_change_class, name="learner_move"),
    path(f"{LEARNER}/remove/", roster.learner_leave, name="learner_remove"),
    path(f"{LEARNER}/words/", words.word_say, name="word_say"),
    path(f"{LEARNER}/words/<uuid:word_uuid>/lift/", words.word_lift, name="word_lift"),
    path(f"{LEARNER}/notes/", words.note_new, name="note_new"),
    path(f"{LEARNER}/notes/<uuid:note_uuid>/", words.note_change, name="note_change"),
    path("assignments/", assignments.assignment_list, name="assignments"),
    path("assignments/new/", assignments.assignment_new, name="assignment_new"),
    path(f"{ASSIGNMENT}/", assignments.assignment_page, name="assignment"),
    path(f"{ASSIGNMENT}/edit/", assignments.assignment_edit, name="assignment_edit"),
    path(f"{ASSIGNMENT}/withdraw/", assignments.assignment_take_back, name="assignment_withdraw"),
    path("settings/", class_settings.settings_page, name="settings"),
    path("archive/", class_settings.archive_switch, name="archive"),
    path("teachers/add/", class_settings.colleague_add, name="teacher_add"),
    path(
        "teachers/<uuid:teacher_uuid>/remove/",
        class_settings.colleague_remove,
        name="teacher_remove",
    ),
]
