"""How imports of response logs look from outside, and what may be said when asking for one."""

from datetime import UTC, datetime, time
from typing import Any

from drf_spectacular.utils import OpenApiExample
from rest_framework import serializers

from tutor.api.fields import Flag, Id, Number, Text
from tutor.api.import_serializers import ImportRowSerializer
from tutor.tracing.history_mapping import IdMapping, mapping_parse
from tutor.tracing.history_reading import FORMATS, HistoryOptions
from tutor.tracing.models import ResponseImport

MINUTES_MOST = 24 * 60.0


class ResponseImportSerializer(serializers.ModelSerializer[ResponseImport]):
    """An import of a log as lists have it."""

    classroom = serializers.UUIDField(source="classroom.uuid", default=None, allow_null=True)

    class Meta:
        model = ResponseImport
        fields: tuple[str, ...] = (
            *("uuid", "status", "stage", "progress", "course_key", "classroom", "is_dry_run"),
            *("is_creating_content", "filename", "sha256", "created_at", "finished_at"),
        )


class ResponseImportDetailSerializer(ResponseImportSerializer):
    """An import of a log with how it was read, its counts, errors by row, and notes."""

    options = serializers.DictField()
    result = serializers.DictField()
    # The base class has a property of this name; the class body only declares the field.
    errors = ImportRowSerializer(many=True)  # type: ignore[assignment]
    notes = serializers.ListField(child=serializers.CharField())

    class Meta(ResponseImportSerializer.Meta):
        fields = (
            *ResponseImportSerializer.Meta.fields,
            *("options", "result", "errors", "notes"),
        )


class ResponseImportForm(serializers.Serializer[Any]):
    """What one says beside the log, in the form or in the address."""

    course = Text(max_length=120, help_text="The course's id (its `key`).")
    classroom = Id(
        required=False,
        help_text="The class that the learners join; only administrators leave it out.",
    )
    format = serializers.ChoiceField(choices=FORMATS, default="auto")
    time_unit = serializers.ChoiceField(
        choices=("auto", "days", "seconds", "index"),
        default="auto",
        help_text="Of timestamps that are numbers. Order indexes need `start` too.",
    )
    blank_skill = serializers.ChoiceField(
        choices=("refuse", "drop", "unknown"),
        default="refuse",
        help_text="What becomes of rows without a skill.",
    )
    kc_column = serializers.CharField(
        required=False, max_length=120, help_text="DataShop: which column names the skills."
    )
    start = serializers.DateField(
        required=False,
        help_text="For order indexes: the day (UTC) of the first answers.",
    )
    index_minutes = Number(
        default=1.0,
        min_value=1 / 60,
        max_value=MINUTES_MOST,
        help_text="For order indexes: the minutes from one answer to the next.",
    )
    create_content = Flag(
        default=False, help_text="Make skills and retired steps for what the course lacks."
    )
    mapping = serializers.CharField(
        required=False,
        help_text='JSON: {"learners": {"8": "ada"}, "items": {...}, "skills": {...}}, from the '
        "log's ids to usernames and the authors' ids.",
    )
    dry_run = Flag(default=False, help_text="Only say what would be added; nothing is written.")

    def options(self) -> HistoryOptions:
        """Return how the log is to be read."""
        said = self.validated_data
        start = said.get("start")
        return HistoryOptions(
            log_format=said["format"],
            time_unit=said["time_unit"],
            blank_skill=said["blank_skill"],
            kc_column=said.get("kc_column"),
            start=datetime.combine(start, time(), UTC) if start else None,
            index_minutes=said["index_minutes"],
        )

    def mapping_said(self) -> IdMapping:
        """Return what the log's ids stand for. Raises: MappingRefusedError."""
        return mapping_parse(self.validated_data.get("mapping") or "{}")


class ResponseImportFileForm(ResponseImportForm):
    """A multipart form."""

    file = serializers.FileField(allow_empty_file=True)


REFUSED_EXAMPLE = OpenApiExample(
    "a refused import",
    value={
        "uuid": "1f0c8a44-5b7e-4f39-8b1e-0d1f6a3c9e21",
        "status": "refused",
        "stage": "",
        "progress": 1.0,
        "course_key": "fractions",
        "classroom": "a3a9be5e-3f52-49b9-9d66-1c1c7f0a52c0",
        "is_dry_run": True,
        "is_creating_content": False,
        "filename": "autumn.csv",
        "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "created_at": "2026-03-02T12:00:00Z",
        "finished_at": "2026-03-02T12:00:02Z",
        "options": {"log_format": "auto", "time_unit": "auto", "blank_skill": "refuse"},
        "result": {"message": "autumn: row 3 [...]", "code": "log_unreadable"},
        "errors": [
            {
                "severity": "error",
                "pointer": "autumn.csv:5",
                "field": "timestamp",
                "value": "13/09/2020",
                "expected": "a time with the year first, such as 2005-09-09 12:24:35",
                "message": "autumn: row 3 ['8', '13/09/2020', 'a1', 'a', '1']: timestamp is "
                "'13/09/2020', expected a time with the year first, such as 2005-09-09 12:24:35",
            }
        ],
        "notes": [],
    },
    response_only=True,
)
