"""Forms of accounts and tokens."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.auth.forms import AdminPasswordChangeForm, AuthenticationForm
from django.utils.translation import gettext_lazy as _

from tutor.accounts.models import Scope, User
from tutor.accounts.services import tokens_revoke
from tutor.common.clock import now_utc

# Django's class takes no type arguments when it runs.
if TYPE_CHECKING:
    PasswordFormBase = AdminPasswordChangeForm[User]
else:
    PasswordFormBase = AdminPasswordChangeForm

# What a teacher may do; `admin` is for what only administrators may.
TEACHER_SCOPES = (Scope.READ, Scope.IMPORT, Scope.ROSTER)
EXPIRY_DAYS = (30, 90, 365)


class LoginForm(AuthenticationForm):
    """Log in; capitals in the username do not matter, as no two accounts differ by them alone."""

    error_messages = {
        "invalid_login": _(
            "This username and password do not go together. Check both; "
            "if you forgot the password, your teacher can give you a new one."
        ),
        "inactive": _("This account is closed. Ask your teacher."),
    }

    def clean_username(self) -> str:
        typed = str(self.cleaned_data["username"]).strip()
        known = User.objects.filter(username__iexact=typed).values_list("username", flat=True)
        return known.first() or typed


class AccountPasswordForm(PasswordFormBase):
    """A new password in Django's admin; whose log says who gave it."""

    def save(self, commit: bool = True) -> User:
        user: User = super().save(commit=commit)
        tokens_revoke(user, by=None, now=now_utc())
        return user


class TokenForm(forms.Form):
    """A new API token: what it is for, what it may do, how long it lives."""

    name = forms.CharField(
        label=_("Name"), max_length=80, help_text=_("What uses it, such as 'gradebook sync'.")
    )
    scopes = forms.MultipleChoiceField(
        label=_("It may"), choices=Scope.choices, widget=forms.CheckboxSelectMultiple
    )
    days = forms.TypedChoiceField(
        label=_("It expires after"),
        coerce=int,
        choices=[(days, _("%(days)s days") % {"days": days}) for days in EXPIRY_DAYS],
        initial=90,
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not user.is_administrator:
            self.fields["scopes"] = forms.MultipleChoiceField(
                label=_("It may"),
                choices=[(scope.value, scope.label) for scope in TEACHER_SCOPES],
                widget=forms.CheckboxSelectMultiple,
            )

    def expires_at(self, *, now: datetime) -> datetime:
        """Return when the token ends, for a valid form."""
        return now + timedelta(days=self.cleaned_data["days"])
