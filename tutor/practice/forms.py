"""Forms of the learner's pages."""

from datetime import date
from typing import Any

from django import forms
from django.contrib.auth.models import AbstractUser
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext_lazy as _

from tutor.accounts.models import User
from tutor.content.forms import answer_fields
from tutor.grading.answers import raw_from_form
from tutor.practice.answers import Period, week_of
from tutor.scheduling.statuses import Status

# Beyond these the arithmetic of dates ends, and so does what anybody can have answered.
SENSIBLE_DAYS = [MinValueValidator(date(1970, 1, 2)), MaxValueValidator(date(2199, 12, 31))]


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


class StartForm(forms.Form):
    """Which of the offered activities the learner takes; none resumes or takes the first."""

    skill = forms.IntegerField(required=False, min_value=0)


class GoalForm(forms.Form):
    """Which skill becomes the goal."""

    skill = forms.UUIDField()


class MapForm(forms.Form):
    """What the map's list is narrowed to."""

    q = forms.CharField(required=False, max_length=100)
    status = forms.ChoiceField(
        required=False, choices=[(status.value, status.value) for status in Status]
    )


class AnswersForm(forms.Form):
    """Which of the own answers are listed. A day or a week is named by a date."""

    skill = forms.UUIDField(required=False)
    day = forms.DateField(required=False, validators=SENSIBLE_DAYS)
    week = forms.DateField(required=False, validators=SENSIBLE_DAYS)
    page = forms.IntegerField(required=False, min_value=1)

    def period(self) -> Period | None:
        """Return the days that are asked for, of a valid form."""
        day, week = self.cleaned_data["day"], self.cleaned_data["week"]
        if day:
            return Period(first=day, last=day)
        return week_of(week) if week else None


class DeleteForm(forms.Form):
    """The password, before an account is deleted for good."""

    password = forms.CharField(
        label=_("Your password"),
        max_length=128,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    is_sure = forms.BooleanField(label=_("I know that this cannot be undone."))

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._user = user

    def clean_password(self) -> str:
        typed = str(self.cleaned_data["password"])
        if not self._user.check_password(typed):
            raise ValidationError(_("This is not your password. Type it again."))
        return typed


class DeedForm(forms.Form):
    """What every form of the practice page posts: its token, and what was typed or picked."""

    attempt_token = forms.UUIDField()
    # Text, and read leniently: a browser's clock that ran wild is no reason to refuse an answer.
    elapsed_ms = forms.CharField(required=False)
    kind = forms.CharField(required=False, max_length=20)
    hint_key = forms.CharField(required=False, max_length=120)

    def clean_elapsed_ms(self) -> int | None:
        text = str(self.cleaned_data["elapsed_ms"])
        return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None

    def raw_answer(self) -> str:
        """Return the posted answer as the one text that grading reads."""
        return raw_from_form(self.cleaned_data["kind"], self.posted())

    def posted(self) -> dict[str, list[str]]:
        """Return the answer's fields, each with its values."""
        return answer_fields(self.data)
