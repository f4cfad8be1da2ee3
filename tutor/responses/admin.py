"""Django admin of the response log: to read, never to edit."""

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from tutor.responses.models import Regrade, Response


class ReadOnlyAdmin(admin.ModelAdmin[Model]):
    """A log: no adding, changing or deleting."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(Response)
class ResponseAdmin(ReadOnlyAdmin):
    """The log itself."""

    list_display = ["id", "learner", "course", "step", "kind", "is_correct", "answered_at"]
    list_filter = ["course", "kind", "is_observation", "source"]
    list_select_related = ["learner", "course", "step"]
    show_full_result_count = False


@admin.register(Regrade)
class RegradeAdmin(ReadOnlyAdmin):
    """Corrections of the log."""

    list_display = ["response", "is_correct", "reason", "regraded_at", "regraded_by"]
