"""What may stand behind the question mark of an address, checked before it is used."""

from typing import Any

from rest_framework import serializers

from tutor.api.fields import Flag, Id, Text
from tutor.responses.models import ResponseKind


class RetiredQuery(serializers.Serializer[Any]):
    """Whether what imports took out is listed, too."""

    retired = Flag(
        default=False, help_text="`true` lists what imports took out of the course, too."
    )


class ProblemQuery(RetiredQuery):
    """Which problems."""

    lesson = Text(required=False, max_length=120, help_text="Key of a lesson.")


class LearnerQuery(serializers.Serializer[Any]):
    """Whose."""

    learner = Id(required=False, help_text="One learner's only.")


class ResponseQuery(LearnerQuery):
    """Which responses."""

    kind = serializers.ChoiceField(choices=ResponseKind.choices, required=False)
    observations = Flag(default=False, help_text="`true` leaves out what models are not told of.")
    after = serializers.DateTimeField(
        required=False, help_text="Recorded at this moment or later, to fetch only what is new."
    )


class AheadQuery(LearnerQuery):
    """Whose, and when."""

    days_ahead = serializers.IntegerField(
        default=0, min_value=0, max_value=366, help_text="Forecast for so many days from now."
    )


class AuditQuery(serializers.Serializer[Any]):
    """Which events."""

    action = Text(required=False, max_length=60)
    object_id = Text(required=False, max_length=64, help_text="Of what.")
    actor = Id(required=False, help_text="By whom.")
