"""How fits, versions and promotions look from outside."""

from typing import Any

from rest_framework import serializers

from tutor.api.fields import Text, Whole
from tutor.tracing.engine_fit import BASELINES, model_names
from tutor.tracing.models import FitRun, ModelRole, ModelVersion, Promotion

SEED_MOST = 2**31 - 1
# The yardsticks of every test serve nobody.
FITTED = [name for name in model_names() if name not in BASELINES]


class FitSerializer(serializers.ModelSerializer[FitRun]):
    """A training run."""

    course = serializers.UUIDField(source="course.uuid")
    version = serializers.UUIDField(source="version.uuid", default=None, allow_null=True)

    class Meta:
        model = FitRun
        fields = (
            *("uuid", "course", "model_name", "role", "trigger", "status", "stage", "progress"),
            *("requested_at", "started_at", "finished_at", "cutoff", "seed", "n_learners"),
            *("n_observations", "device", "fit_seconds", "peak_mib", "reason", "version"),
        )


class FitForm(serializers.Serializer[Any]):
    """A fit to start."""

    model_name = serializers.ChoiceField(choices=FITTED)
    role = serializers.ChoiceField(choices=ModelRole.choices, default=ModelRole.MASTERY)
    seed = Whole(default=0, min_value=0, max_value=SEED_MOST)


class VersionSerializer(serializers.ModelSerializer[ModelVersion]):
    """A version of a model, as lists have it."""

    course = serializers.UUIDField(source="course.uuid")
    fit = serializers.UUIDField(source="fit_run.uuid", default=None, allow_null=True)

    class Meta:
        model = ModelVersion
        fields: tuple[str, ...] = (
            *("uuid", "course", "model_name", "role", "status", "reason", "sha256", "fit"),
            *("created_at", "served_from", "retired_at"),
        )


class VersionDetailSerializer(VersionSerializer):
    """A version with its test beside what served and simple baselines."""

    metrics = serializers.DictField()

    class Meta(VersionSerializer.Meta):
        fields = (*VersionSerializer.Meta.fields, "metrics")


class PromotionSerializer(serializers.ModelSerializer[Promotion]):
    """A change of the version that serves, with how far the replay of the log is."""

    course = serializers.UUIDField(source="course.uuid")
    version = serializers.UUIDField(source="version.uuid")
    previous = serializers.UUIDField(source="previous.uuid", default=None, allow_null=True)
    n_shards = serializers.IntegerField()
    n_shards_done = serializers.IntegerField()

    class Meta:
        model = Promotion
        fields = (
            *("uuid", "course", "role", "version", "previous", "kind", "status", "reason"),
            *("started_at", "finished_at", "n_shards", "n_shards_done"),
        )


class PromoteForm(serializers.Serializer[Any]):
    """Why a version is made to serve."""

    reason = Text(max_length=500, required=False, default="", allow_blank=True)


class RollBackForm(PromoteForm):
    """Which role goes back, and why."""

    role = serializers.ChoiceField(choices=ModelRole.choices)
