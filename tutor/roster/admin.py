"""Django admin of classes."""

from django.contrib import admin

from tutor.roster.models import Classroom, Enrolment


@admin.register(Classroom)
class ClassroomAdmin(admin.ModelAdmin[Classroom]):
    """Classes and who leads them."""

    list_display = ["name", "course", "join_code", "is_archived", "created_at"]
    list_filter = ["is_archived", "course"]
    search_fields = ["name", "join_code"]
    filter_horizontal = ["teachers"]


@admin.register(Enrolment)
class EnrolmentAdmin(admin.ModelAdmin[Enrolment]):
    """Who is in which class, and since when."""

    list_display = ["classroom", "learner", "joined_at", "left_at"]
    list_filter = ["classroom"]
    raw_id_fields = ["learner"]
