"""Sittings and what is on the screen in Django's admin, to look at."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest

from tutor.practice.models import Activity, Session

# Django's class takes no type argument when it runs.
if TYPE_CHECKING:
    AnyAdmin = admin.ModelAdmin[Any]
else:
    AnyAdmin = admin.ModelAdmin


class _ReadOnlyAdmin(AnyAdmin):
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Session)
class SessionAdmin(_ReadOnlyAdmin):
    """Sittings."""

    list_display = ("uuid", "learner", "course", "kind", "started_at", "last_active_at", "ended_at")
    list_select_related = ("learner", "course")
    list_filter = ("kind", "course")
    search_fields = ("uuid", "learner__username")


@admin.register(Activity)
class ActivityAdmin(_ReadOnlyAdmin):
    """Problem variants that were shown."""

    list_display = ("uuid", "session", "revision", "step_index", "tries", "started_at", "is_solved")
    list_select_related = ("session", "revision")
    search_fields = ("uuid", "session__uuid")
