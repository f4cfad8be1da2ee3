"""Django admin of the outbox: to look at, not to edit."""

from django.contrib import admin
from django.http import HttpRequest

from tutor.common.models import OutboxEntry


@admin.register(OutboxEntry)
class OutboxEntryAdmin(admin.ModelAdmin[OutboxEntry]):
    """What waits for a worker."""

    list_display = ["topic", "created_at", "not_before", "attempts", "last_error"]
    list_filter = ["topic"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: OutboxEntry | None = None) -> bool:
        return False
