"""How imports look from outside, and what may be said when asking for one."""

from typing import Any

from drf_spectacular.utils import OpenApiExample
from rest_framework import serializers

from tutor.api.fields import Flag, Id
from tutor.content.models import ImportFormat, ImportJob


class ImportRowSerializer(serializers.Serializer[Any]):
    """One thing that is wrong, or worth knowing, and where."""

    severity = serializers.ChoiceField(choices=["error", "warning"])
    pointer = serializers.CharField(help_text="JSON pointer into the bundle, or file and line.")
    row_field = serializers.CharField()
    value = serializers.CharField()
    expected = serializers.CharField()
    message = serializers.CharField()

    def get_fields(self) -> dict[str, Any]:
        """Name a field `field`, which the base class keeps for itself."""
        fields: dict[str, Any] = dict(super().get_fields())
        fields["field"] = fields.pop("row_field")
        return fields


class ImportSerializer(serializers.ModelSerializer[ImportJob]):
    """An import as lists have it."""

    course = serializers.UUIDField(source="course.uuid", default=None, allow_null=True)

    class Meta:
        model = ImportJob
        fields: tuple[str, ...] = (
            "uuid",
            "status",
            "stage",
            "progress",
            "format",
            "course",
            "is_dry_run",
            "is_partial",
            "filename",
            "sha256",
            "created_at",
            "finished_at",
        )


class ImportDetailSerializer(ImportSerializer):
    """An import with its result: counts and differences, errors by row, and notes."""

    result = serializers.DictField()
    # The base class has a property of this name; the class body only declares the field.
    errors = ImportRowSerializer(many=True)  # type: ignore[assignment]
    notes = serializers.ListField(child=serializers.CharField())

    class Meta(ImportSerializer.Meta):
        fields = (*ImportSerializer.Meta.fields, "result", "errors", "notes")


class ImportAskedSerializer(serializers.Serializer[Any]):
    """What one may say beside the file, in the form or in the address."""

    format = serializers.ChoiceField(choices=ImportFormat.choices, default=ImportFormat.AUTO)
    course = Id(required=False, help_text="The course that a graph goes to.")
    dry_run = Flag(default=False, help_text="Only say what would change; nothing is written.")
    # The base class has a property of this name; the class body only declares the field.
    partial = Flag(  # type: ignore[assignment]
        default=False, help_text="Leave out problems that have errors, and list them as notes."
    )


class ImportFormSerializer(ImportAskedSerializer):
    """A multipart form."""

    file = serializers.FileField(allow_empty_file=True)


DONE_EXAMPLE = OpenApiExample(
    "a refused import",
    value={
        "uuid": "6f2d3a1c-52b0-4b43-9d0b-0f3f6c0a9f10",
        "status": "refused",
        "stage": "",
        "progress": 0.2,
        "format": "bundle",
        "course": None,
        "is_dry_run": True,
        "is_partial": False,
        "filename": "fractions.json",
        "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "created_at": "2026-03-02T12:00:00Z",
        "finished_at": "2026-03-02T12:00:02Z",
        "result": {"message": "1 thing is wrong; nothing was changed."},
        "errors": [
            {
                "severity": "error",
                "pointer": "/problems/3/lesson",
                "field": "lesson",
                "value": "l-halves",
                "expected": "the id of a lesson of the bundle",
                "message": "There is no lesson 'l-halves'.",
            }
        ],
        "notes": [],
    },
    response_only=True,
)
