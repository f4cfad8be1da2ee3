"""Forms of the learner's pages."""

from typing import Any

from django import forms
from django.contrib.auth.models import AbstractUser
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from tutor.accounts.models import User


class JoinForm(forms.Form):
    """The code of a class."""

    code = forms.CharField(
        label=_("Class code"),
        max_length=20,
        help_text=_("Eight letters and digits; your teacher shows it."),
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}
        ),
    )


class RegisterForm(JoinForm):
    """The code of a class, and an account for somebody who has none."""

    name = forms.CharField(
        label=_("Your name"),
        max_length=80,
        help_text=_("Your teacher sees it."),
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    username = forms.CharField(
        label=_("Username"),
        max_length=150,
        validators=[AbstractUser.username_validator],
        help_text=_("You log in with it. Letters, digits and @ . + - _"),
        widget=forms.TextInput(
            attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )
    password = forms.CharField(
        label=_("Password"),
        max_length=128,
        strip=False,
        help_text=_("At least eight characters, and hard to guess."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        person = User(username=cleaned.get("username", ""), display_name=cleaned.get("name", ""))
        if cleaned.get("password"):
            try:
                validate_password(cleaned["password"], person)
            except ValidationError as error:
                self.add_error("password", error)
        return cleaned
