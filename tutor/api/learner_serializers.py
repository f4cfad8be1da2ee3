"""How what is known of learners looks from outside: responses, beliefs, forecasts, plans."""

from typing import Any

from rest_framework import serializers

from tutor.responses.models import ResponseKind, ResponseSource
from tutor.scheduling.models import Plan
from tutor.tracing.models import ModelVersion


class ResponseSerializer(serializers.Serializer[Any]):
    """A response with its corrections applied."""

    id = serializers.IntegerField(help_text="Grows with the log.")
    learner = serializers.UUIDField(allow_null=True, help_text="Null where the account is erased.")
    answered_at = serializers.DateTimeField()
    step = serializers.CharField()
    problem = serializers.CharField()
    skills = serializers.ListField(child=serializers.CharField())
    is_correct = serializers.BooleanField()
    is_observation = serializers.BooleanField(help_text="Whether models are told of it.")
    is_regraded = serializers.BooleanField(help_text="Whether it was judged otherwise at first.")
    kind = serializers.ChoiceField(choices=ResponseKind.choices)
    # The base class has an attribute of this name; the class body only declares the field.
    source = serializers.ChoiceField(choices=ResponseSource.choices)  # type: ignore[assignment]
    raw_answer = serializers.CharField(allow_blank=True)
    misconception = serializers.CharField(allow_blank=True)
    hint = serializers.CharField(allow_blank=True)
    hints_opened = serializers.IntegerField()
    try_number = serializers.IntegerField()
    elapsed_ms = serializers.IntegerField(allow_null=True)
    variant_seed = serializers.IntegerField()
    session = serializers.UUIDField()
    plan = serializers.UUIDField(allow_null=True)
    model_version = serializers.UUIDField(allow_null=True)
    recorded_at = serializers.DateTimeField()


class ServingSerializer(serializers.ModelSerializer[ModelVersion]):
    """The version that a number comes from."""

    class Meta:
        model = ModelVersion
        fields = ("uuid", "model_name", "role", "served_from")


class SkillBeliefSerializer(serializers.Serializer[Any]):
    """What a version believes of one skill of a learner."""

    skill = serializers.CharField()
    p_correct = serializers.FloatField(help_text="P(the next first answer is right), 0 to 1.")
    lower = serializers.FloatField(help_text="Of the 80 % interval of p_correct.")
    upper = serializers.FloatField()
    p_mastery = serializers.FloatField()
    n_observations = serializers.IntegerField()
    has_evidence = serializers.BooleanField(
        help_text="Whether pages show a number: enough observations were made."
    )
    last_at = serializers.DateTimeField(allow_null=True)


class BeliefsSerializer(serializers.Serializer[Any]):
    """A learner's beliefs at a moment."""

    learner = serializers.UUIDField()
    at = serializers.DateTimeField()
    version = ServingSerializer()
    is_fallback = serializers.BooleanField(
        help_text="Whether the version could not be asked, so that this is a new learner's."
    )
    skills = SkillBeliefSerializer(many=True)


class StepForecastSerializer(serializers.Serializer[Any]):
    """P(correct) of a step that could come next."""

    step = serializers.CharField()
    p_correct = serializers.FloatField()


class ForecastsSerializer(serializers.Serializer[Any]):
    """What the prediction role said after a learner's last answer; nulls where it said nothing."""

    learner = serializers.UUIDField()
    version = ServingSerializer(allow_null=True)
    made_at = serializers.DateTimeField(allow_null=True)
    last_response = serializers.IntegerField(
        allow_null=True, help_text="The newest response that it knew."
    )
    steps = StepForecastSerializer(many=True)


class PlanSerializer(serializers.ModelSerializer[Plan]):
    """A decision of the scheduler, with every candidate, its score, propensity and reason."""

    learner = serializers.UUIDField(source="learner.uuid")
    course = serializers.UUIDField(source="course.uuid")
    session = serializers.UUIDField(source="session_uuid", allow_null=True)
    model_version = serializers.UUIDField(source="model_version_uuid", allow_null=True)
    skill = serializers.CharField(source="skill.key", default=None, allow_null=True)
    step = serializers.CharField(source="step.key", default=None, allow_null=True)
    response = serializers.IntegerField(source="response_id", allow_null=True)
    candidates = serializers.ListField(child=serializers.DictField())

    class Meta:
        model = Plan
        fields = (
            *("uuid", "learner", "course", "session", "created_at", "policy", "model_version"),
            *("candidates", "chosen", "skill", "step", "propensity", "taken", "response"),
        )
