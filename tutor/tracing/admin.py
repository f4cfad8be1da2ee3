"""Django admin of model versions and learner states."""

from django.contrib import admin

from tutor.tracing.models import LearnerState, ModelVersion


@admin.register(ModelVersion)
class ModelVersionAdmin(admin.ModelAdmin[ModelVersion]):
    """Which model serves which role."""

    list_display = ["course", "role", "model_name", "status", "created_at", "served_from"]
    list_filter = ["role", "status", "model_name"]
    readonly_fields = ["uuid", "artifact", "metrics", "created_at"]


@admin.register(LearnerState)
class LearnerStateAdmin(admin.ModelAdmin[LearnerState]):
    """One state per learner and version; rebuilt from the log, never edited."""

    list_display = ["learner", "version", "n_observations", "last_at", "is_stale"]
    list_filter = ["is_stale"]
    list_select_related = ["learner", "version"]
    fields = readonly_fields = (
        "learner",
        "version",
        "n_observations",
        "last_response_id",
        "last_at",
        "is_stale",
        "updated_at",
    )
