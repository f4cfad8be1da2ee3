"""What models know: versions, and one state per learner."""

from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from tutor.content.models import Course


class ModelRole(models.TextChoices):
    """What a version serves for."""

    MASTERY = "mastery", _("mastery")
    PREDICTION = "prediction", _("prediction")


class VersionStatus(models.TextChoices):
    """CANDIDATE -> SERVING -> RETIRED."""

    CANDIDATE = "candidate", _("candidate")
    SERVING = "serving", _("serving")
    RETIRED = "retired", _("retired")


class ModelVersion(models.Model):
    """The artifact and metrics of a fit. The cold start is a version too: defaults, no artifact."""

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    course = models.ForeignKey(Course, on_delete=models.CASCADE, related_name="model_versions")
    model_name = models.CharField(max_length=40)
    role = models.CharField(max_length=12, choices=ModelRole.choices)
    status = models.CharField(
        max_length=10, choices=VersionStatus.choices, default=VersionStatus.CANDIDATE
    )
    artifact = models.CharField(
        max_length=200, blank=True, help_text=_("Directory of the artifact; blank for defaults.")
    )
    metrics = models.JSONField(default=dict)
    created_at = models.DateTimeField()
    served_from = models.DateTimeField(null=True, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["course", "role"],
                condition=Q(status="serving"),
                name="version_serving_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model_name} {self.role} ({self.status})"


class LearnerState(models.Model):
    """What one model version knows of one learner: rebuilt from the response log at will."""

    learner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="states"
    )
    version = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="states")
    blob = models.BinaryField()
    n_observations = models.PositiveIntegerField(default=0)
    last_response_id = models.BigIntegerField(default=0)
    last_at = models.DateTimeField(null=True)
    is_stale = models.BooleanField(default=False)
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["learner", "version"], name="state_once"),
        ]
        indexes = [
            models.Index(fields=["updated_at"], condition=Q(is_stale=True), name="state_stale"),
        ]

    def __str__(self) -> str:
        return f"state of learner {self.learner_id} under version {self.version_id}"
