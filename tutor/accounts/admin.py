"""Accounts, tokens and the audit log in Django's admin."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from tutor.accounts.forms import AccountPasswordForm
from tutor.accounts.models import ApiToken, AuditEvent, User

admin.site.site_header = admin.site.site_title = "Stepwise"
admin.site.index_title = _("Administration")

# Django's classes take no type arguments when they run.
if TYPE_CHECKING:
    AnyAdmin = admin.ModelAdmin[Any]
    AccountBase = UserAdmin[User]
else:
    AnyAdmin = admin.ModelAdmin
    AccountBase = UserAdmin


@admin.register(User)
class AccountAdmin(AccountBase):
    """Accounts; the username is fixed once chosen elsewhere, roles are changed here."""

    list_display = ("username", "display_name", "role", "is_simulated", "is_active", "last_login")
    list_filter = ("role", "is_simulated", "is_active")
    search_fields = ("username", "display_name")
    ordering = ("username",)
    readonly_fields = ("uuid", "last_login", "date_joined")
    fieldsets = (
        (None, {"fields": ("uuid", "username", "password")}),
        (_("Person"), {"fields": ("display_name", "email", "role", "is_simulated")}),
        (_("Access"), {"fields": ("is_active",)}),
        (_("Dates"), {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (None, {"fields": ("username", "display_name", "role", "password1", "password2")}),
    )
    filter_horizontal = ()
    change_password_form = AccountPasswordForm

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Open this admin to administrators, and close it to who is no longer one."""
        obj.is_staff = obj.is_superuser = obj.is_administrator
        super().save_model(request, obj, form, change)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never here: `manage.py erase_learner` also removes states and lists fits; see docs."""
        return False


class _ReadOnlyAdmin(AnyAdmin):
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(ApiToken)
class ApiTokenAdmin(_ReadOnlyAdmin):
    """Tokens, to look at: they are made and revoked on the owner's account page."""

    list_display = ("name", "user", "prefix", "created_at", "expires_at", "revoked_at")
    list_select_related = ("user",)
    search_fields = ("name", "prefix", "user__username")
    exclude = ("digest",)


@admin.register(AuditEvent)
class AuditEventAdmin(_ReadOnlyAdmin):
    """Who did what, to look at."""

    list_display = ("at", "actor", "action", "object_kind", "object_id")
    list_select_related = ("actor",)
    list_filter = ("action",)
    date_hierarchy = "at"
