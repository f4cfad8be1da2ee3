"""Fields that take what the OpenAPI document says, and nothing else."""

from rest_framework import serializers


class Flag(serializers.BooleanField):
    """`true` or `false`; of `yes`, `on` and `1` nobody has to know."""

    TRUE_VALUES = {"true", True}
    FALSE_VALUES = {"false", False}
    NULL_VALUES: set[object] = set()  # type: ignore[assignment]
