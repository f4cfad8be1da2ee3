"""What models know: fits, the versions they give, which one serves, and a state per learner."""

from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from tutor.content.models import Course, UploadJob
from tutor.roster.models import Classroom


class ModelRole(models.TextChoices):
    """What a version serves for."""

    MASTERY = "mastery", _("mastery")
    PREDICTION = "prediction", _("prediction")


class VersionStatus(models.TextChoices):
    """CANDIDATE -> SERVING -> RETIRED."""

    CANDIDATE = "candidate", _("candidate")
    SERVING = "serving", _("serving")
    RETIRED = "retired", _("retired")


class FitStatus(models.TextChoices):
    """Where a fit stands."""

    QUEUED = "queued", _("waiting")
    RUNNING = "running", _("running")
    DONE = "done", _("done")
    FAILED = "failed", _("failed")
    CANCELLED = "cancelled", _("cancelled")


class FitTrigger(models.TextChoices):
    """Why a fit was started."""

    HAND = "hand", _("by hand")
    NIGHTLY = "nightly", _("every night")
    VOLUME = "volume", _("many new answers")


class FitRun(models.Model):
    """One training run of one model on one course's responses up to a cutoff.

    Claimed by lease and heartbeat, so that a killed worker's fit is taken up and none runs twice.
    """

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    course = models.ForeignKey(Course, on_delete=models.CASCADE, related_name="fits")
    model_name = models.CharField(max_length=40)
    role = models.CharField(max_length=12, choices=ModelRole.choices)
    trigger = models.CharField(max_length=10, choices=FitTrigger.choices)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    requested_at = models.DateTimeField()
    config = models.JSONField(default=dict)
    config_hash = models.CharField(max_length=64)
    seed = models.PositiveIntegerField(default=0)
    start_version = models.ForeignKey(
        "ModelVersion",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="refits",
        help_text=_("The version with whose values it begins; blank for a fit from scratch."),
    )
    cutoff = models.DateTimeField(help_text=_("Responses up to this moment are used."))
    status = models.CharField(max_length=10, choices=FitStatus.choices, default=FitStatus.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    is_cancel_requested = models.BooleanField(default=False)
    worker = models.CharField(max_length=120, blank=True)
    device = models.CharField(max_length=20, blank=True)
    stage = models.CharField(max_length=120, blank=True)
    progress = models.FloatField(default=0.0, help_text=_("From 0 to 1."))
    progress_at = models.DateTimeField(null=True, blank=True)
    n_learners = models.PositiveIntegerField(null=True)
    n_observations = models.PositiveIntegerField(null=True)
    last_response_id = models.BigIntegerField(
        null=True, help_text=_("The newest row of the log that it read.")
    )
    fit_seconds = models.FloatField(null=True)
    peak_mib = models.FloatField(null=True)
    code_version = models.CharField(max_length=40, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=500, blank=True, help_text=_("Why it did not end well."))

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["course", "model_name"],
                condition=Q(status__in=["queued", "running"]),
                name="fit_active_once",
            ),
        ]

    def __str__(self) -> str:
        return f"fit of {self.model_name} ({self.status})"


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
    sha256 = models.CharField(max_length=64, blank=True, help_text=_("Of the manifest."))
    fit_run = models.OneToOneField(
        FitRun, null=True, blank=True, on_delete=models.SET_NULL, related_name="version"
    )
    metrics = models.JSONField(default=dict)
    reason = models.CharField(
        max_length=500, blank=True, help_text=_("Why it may serve, or why it may not.")
    )
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

    @property
    def is_fitted(self) -> bool:
        """Whether it has learned from answers of its course, or has only a model's defaults."""
        return bool(self.artifact)


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
    forecasts = models.BinaryField(
        default=b"", help_text=_("P(correct) of steps that could come next: the prediction role.")
    )
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


class PromotionKind(models.TextChoices):
    """Forward, or back."""

    PROMOTE = "promote", _("promotion")
    ROLL_BACK = "roll_back", _("roll-back")


class PromotionStatus(models.TextChoices):
    """Where the change of the serving version stands."""

    REPLAYING = "replaying", _("replaying the log")
    DONE = "done", _("done")
    FAILED = "failed", _("failed")
    SUPERSEDED = "superseded", _("superseded")


class Promotion(models.Model):
    """A change of the version that serves a role. The done ones are the history of who served when.

    The old version serves until every learner's state under the new one is whole.
    """

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    course = models.ForeignKey(Course, on_delete=models.CASCADE, related_name="promotions")
    role = models.CharField(max_length=12, choices=ModelRole.choices)
    version = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="promotions")
    previous = models.ForeignKey(
        ModelVersion, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    kind = models.CharField(max_length=10, choices=PromotionKind.choices)
    status = models.CharField(
        max_length=12, choices=PromotionStatus.choices, default=PromotionStatus.REPLAYING
    )
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    reason = models.CharField(max_length=500, blank=True)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["version"],
                condition=Q(status="replaying"),
                name="promotion_replaying_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of version {self.version_id} ({self.status})"


class ShardStatus(models.TextChoices):
    """Where a shard of a replay stands."""

    WAITING = "waiting", _("waiting")
    RUNNING = "running", _("running")
    DONE = "done", _("done")


class ReplayShard(models.Model):
    """Some learners whose log is replayed together into states of a new version."""

    promotion = models.ForeignKey(Promotion, on_delete=models.CASCADE, related_name="shards")
    position = models.PositiveIntegerField()
    learner_ids = models.JSONField()
    status = models.CharField(
        max_length=10, choices=ShardStatus.choices, default=ShardStatus.WAITING
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["promotion", "position"]
        constraints = [
            models.UniqueConstraint(fields=["promotion", "position"], name="shard_once"),
        ]

    def __str__(self) -> str:
        return f"shard {self.position} of promotion {self.promotion_id}"


class ResponseImport(UploadJob):
    """One import of a response log; what is taken up again adds what is missing."""

    course_key = models.CharField(
        max_length=120, help_text=_("The course's id; of a course to be made, too.")
    )
    classroom = models.ForeignKey(
        Classroom, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    options = models.JSONField(default=dict, help_text=_("How the log is to be read."))
    mapping = models.JSONField(default=dict, help_text=_("What ids of the log stand for here."))
    is_creating_content = models.BooleanField(default=False)
    file = models.FileField(upload_to="response-imports/")

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["created_by", "-id"], name="response_import_newest")]
        constraints = [*UploadJob.Meta.constraints]
