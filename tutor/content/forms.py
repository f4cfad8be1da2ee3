"""Forms of the content room."""

from typing import Any

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from tutor.common.texts import text_clean
from tutor.content.models import Course, ImportFormat
from tutor.grading.answers import raw_from_form

FILE_ENDINGS = ".json,.ndjson,.jsonl,.zip,.imscc,.xml,.qti,.gift,.aiken,.txt"


class ImportForm(forms.Form):
    """An upload: what it is, where it goes, and whether it is only tried."""

    file = forms.FileField(
        label=_("File"),
        help_text=_(
            "A bundle (.json, .ndjson or .zip), an OATutor content pool (.zip), a graph (.json), "
            "or a quiz: QTI 1.2 (.zip or .xml), Common Cartridge (.imscc), GIFT or Aiken (.txt)."
        ),
        widget=forms.ClearableFileInput(attrs={"accept": FILE_ENDINGS}),
    )
    format = forms.ChoiceField(
        label=_("Format"), choices=ImportFormat.choices, initial=ImportFormat.AUTO, required=False
    )
    course = forms.ModelChoiceField(
        label=_("Course"),
        queryset=Course.objects.all(),
        required=False,
        empty_label=_("the one that the file names"),
        to_field_name="uuid",
        help_text=_("For a graph: the course that it goes to."),
    )
    is_dry_run = forms.BooleanField(
        label=_("Only try it: show what would change and write nothing"),
        required=False,
        initial=True,
    )
    is_partial = forms.BooleanField(
        label=_("Leave out problems that have errors, and list them"),
        required=False,
    )

    def clean_file(self) -> UploadedFile:
        """Refuse files above the site's limit before they are kept."""
        file: UploadedFile = self.cleaned_data["file"]
        if (file.size or 0) > settings.MAX_UPLOAD_BYTES:
            raise forms.ValidationError(
                _("The file has %(size)d MB; at most %(most)d MB are taken."),
                params={
                    "size": (file.size or 0) // 1024**2,
                    "most": settings.MAX_UPLOAD_BYTES // 1024**2,
                },
                code="too_large",
            )
        return file

    def clean(self) -> dict[str, Any]:
        """A graph needs the course that it goes to."""
        cleaned = super().clean() or {}
        cleaned["format"] = cleaned.get("format") or ImportFormat.AUTO
        if cleaned["format"] == ImportFormat.GRAPH and not cleaned.get("course"):
            self.add_error("course", _("Choose the course that the graph goes to."))
        return cleaned


class SearchForm(forms.Form):
    """What a course's problems are narrowed to."""

    q = forms.CharField(required=False, max_length=100)
    lesson = forms.CharField(required=False, max_length=120)
    page = forms.IntegerField(required=False, min_value=1)


class VariantForm(forms.Form):
    """Which variant of a problem is shown, and of which of its revisions."""

    seed = forms.IntegerField(required=False, min_value=0, max_value=9_999)
    revision = forms.IntegerField(required=False, min_value=1, max_value=1_000_000)


class TryForm(VariantForm):
    """An answer that an author tries, to a step or to one of its helping questions."""

    step = forms.IntegerField(min_value=0, max_value=200)
    hint = forms.CharField(required=False, max_length=120)
    kind = forms.CharField(max_length=20)

    def raw_answer(self) -> str:
        """Return the posted answer as the one text that grading reads."""
        return raw_from_form(self.cleaned_data["kind"], answer_fields(self.data))


class AuthorForm(forms.Form):
    """A teacher who may change the course from now on, or may no more."""

    username = forms.CharField(
        label=_("Username of a teacher"),
        max_length=150,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none"}),
    )


def answer_fields(data: Any) -> dict[str, list[str]]:
    """Return the fields of a posted form that carry an answer."""
    if not isinstance(data, QueryDict):
        return {}
    return {
        name: [text_clean(str(value)) for value in values]
        for name, values in data.lists()
        if name == "answer" or name.startswith(("match-", "order-"))
    }
