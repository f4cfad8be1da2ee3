"""Forms of the pages on which a teacher keeps a class."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from tutor.accounts.models import User
from tutor.roster.models import Classroom
from tutor.roster.selectors import classrooms_of_teacher
from tutor.roster.sheets import NAME_MOST, PASSWORD_MOST, USERNAME_MOST


class LearnerForm(forms.Form):
    """One learner, added by hand."""

    name = forms.CharField(label=_("Name"), max_length=NAME_MOST)
    username = forms.CharField(
        label=_("Username"),
        max_length=USERNAME_MOST,
        required=False,
        help_text=_("Leave it empty and one is made from the name."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none"}),
    )
    password = forms.CharField(
        label=_("Password"),
        max_length=PASSWORD_MOST,
        required=False,
        help_text=_("Leave it empty and one is made up, to hand out."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none"}),
    )


class RosterFileForm(forms.Form):
    """A table of learners, as a file or as text."""

    file = forms.FileField(
        label=_("A file"),
        required=False,
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.txt,.tsv,text/csv,text/plain"}),
        help_text=_("CSV as spreadsheets save it: any encoding, commas, semicolons or tabs."),
    )
    text = forms.CharField(
        label=_("Or the table itself"),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false", "class": "sheet-text"}),
        help_text=_("Copied from a spreadsheet, or one name a line."),
    )

    def clean(self) -> dict[str, Any] | None:
        """Ask for one of the two."""
        cleaned = super().clean()
        if not self.errors and not (
            self.cleaned_data.get("file") or self.cleaned_data.get("text", "").strip()
        ):
            raise forms.ValidationError(_("Choose a file, or put the table into the field."))
        return cleaned


class ClassroomField(forms.ModelChoiceField[Classroom]):
    """One of several classes, with the course beside the name."""

    def label_from_instance(self, obj: Classroom) -> str:
        """Return what the list calls a class."""
        return f"{obj.name} · {obj.course.title}"


class MoveForm(forms.Form):
    """Another class of the same teacher."""

    target = ClassroomField(
        label=_("To"), queryset=Classroom.objects.none(), empty_label=_("Choose a class")
    )

    def __init__(self, *args: Any, user: User, source: Classroom, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        target = self.fields["target"]
        if not isinstance(target, ClassroomField):
            raise TypeError("target must be a field of classes")
        target.queryset = (
            classrooms_of_teacher(user).filter(is_archived=False).exclude(pk=source.pk)
        )


class NameForm(forms.Form):
    """What a class is called."""

    name = forms.CharField(label=_("Name"), max_length=120)


class TeacherForm(forms.Form):
    """A colleague, by username."""

    username = forms.CharField(
        label=_("A colleague’s username"),
        max_length=USERNAME_MOST,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none"}),
        help_text=_("They see and do in this class what you do."),
    )
