"""Fields that take what the OpenAPI document says, and nothing else."""

import math
from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

# One line with something on it: no control characters, not only blanks.
ONE_LINE = r"^[^\x00-\x1F\x7F]*[^\x00-\x20\x7F][^\x00-\x1F\x7F]*$"


class Flag(serializers.BooleanField):
    """`true` or `false`; of `yes`, `on` and `1` nobody has to know."""

    TRUE_VALUES = {"true", True}
    FALSE_VALUES = {"false", False}
    NULL_VALUES: set[object] = set()  # type: ignore[assignment]

    def to_internal_value(self, data: Any) -> bool:
        """Read a flag; 1 and 0 equal True and False in Python, not in JSON."""
        if isinstance(data, int | float) and not isinstance(data, bool):
            self.fail("invalid", input=data)
        return super().to_internal_value(data)


class Text(serializers.CharField):
    """A text; a number is none."""

    def to_internal_value(self, data: Any) -> str:
        """Read a text."""
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Pattern(serializers.RegexField):
    """A text of a form; a number is none."""

    def to_internal_value(self, data: Any) -> str:
        """Read a text."""
        if not isinstance(data, str):
            self.fail("invalid")
        return str(super().to_internal_value(data))


class Line(Pattern):
    """A text of one line with something on it."""

    default_error_messages = {"invalid": "Expected one line of plain text."}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(ONE_LINE, **kwargs)


class Whole(serializers.IntegerField):
    """A whole number; a text that looks like one is none."""

    def to_internal_value(self, data: Any) -> int:
        """Read a whole number."""
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        return int(data)


class Number(serializers.FloatField):
    """A number that is one: not NaN, not infinite."""

    def to_internal_value(self, data: Any) -> float:
        """Read a number."""
        number = float(super().to_internal_value(data))
        if not math.isfinite(number):
            self.fail("invalid")
        return number


@extend_schema_field(OpenApiTypes.UUID)
class Id(serializers.Field[UUID, Any, str, Any]):
    """A UUID as the API writes it."""

    default_error_messages = {"invalid": "Must be a valid UUID."}

    def to_internal_value(self, data: Any) -> UUID:
        """Read a UUID."""
        try:
            found = UUID(data) if isinstance(data, str) and len(data) == 36 else None
        except ValueError:
            found = None
        if found is None:
            self.fail("invalid")
        return found

    def to_representation(self, value: UUID) -> str:
        """Write a UUID."""
        return str(value)
