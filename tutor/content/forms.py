"""The form of the import page."""

from typing import Any

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from tutor.content.models import Course, ImportFormat

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
