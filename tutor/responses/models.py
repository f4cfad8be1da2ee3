"""The response log: appended, never edited; everything else is rebuilt from it."""

from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from tutor.content.models import Course, ProblemRevision, Step


class ResponseKind(models.TextChoices):
    """What the learner did."""

    ANSWER = "answer", _("answer")
    HINT = "hint", _("opened a hint first")
    DONT_KNOW = "dont_know", _("I don't know this yet")
    SCAFFOLD = "scaffold", _("answer to a scaffold")


class ResponseSource(models.TextChoices):
    """Where the response was given."""

    PRACTICE = "practice", _("practice")
    PLACEMENT = "placement", _("placement")
    IMPORTED = "imported", _("imported")


class Response(models.Model):
    """One answer of one learner to one step.

    Lower rooms never point up: session, plan and model version are plain UUIDs. `skill_ids` are the
    skills that the step had when it was answered, so that a replay gives what was seen online.
    """

    learner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="responses"
    )
    erased_key = models.UUIDField(
        null=True, editable=False, help_text=_("Stands for a learner whose account was deleted.")
    )
    course = models.ForeignKey(Course, on_delete=models.PROTECT, related_name="responses")
    step = models.ForeignKey(Step, on_delete=models.PROTECT, related_name="responses")
    revision = models.ForeignKey(
        ProblemRevision, null=True, on_delete=models.PROTECT, related_name="responses"
    )
    skill_ids = models.JSONField()
    session_uuid = models.UUIDField()
    attempt_token = models.UUIDField(default=uuid4)
    source = models.CharField(
        max_length=10, choices=ResponseSource.choices, default=ResponseSource.PRACTICE
    )
    kind = models.CharField(
        max_length=10, choices=ResponseKind.choices, default=ResponseKind.ANSWER
    )
    hint_key = models.CharField(max_length=120, blank=True)
    is_observation = models.BooleanField()
    is_correct = models.BooleanField()
    raw_answer = models.TextField(blank=True)
    misconception = models.CharField(max_length=120, blank=True)
    variant_seed = models.PositiveBigIntegerField(default=0)
    try_number = models.PositiveSmallIntegerField(default=1)
    hints_opened = models.PositiveSmallIntegerField(default=0)
    elapsed_ms = models.PositiveIntegerField(
        null=True, help_text=_("From showing to answering; capped at ten minutes.")
    )
    answered_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    plan_uuid = models.UUIDField(null=True)
    model_version_uuid = models.UUIDField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["session_uuid", "attempt_token"], name="response_recorded_once"
            ),
            models.CheckConstraint(
                condition=Q(learner__isnull=True) | Q(erased_key__isnull=True),
                name="response_learner_or_erased",
            ),
            models.CheckConstraint(
                condition=Q(kind="answer") | Q(kind="scaffold") | Q(is_correct=False),
                name="response_help_is_not_correct",
            ),
        ]
        indexes = [
            models.Index(fields=["learner", "course", "answered_at"], name="response_by_learner"),
            models.Index(fields=["course", "id"], name="response_by_course"),
            models.Index(fields=["step", "id"], name="response_by_step"),
        ]

    def __str__(self) -> str:
        return f"response {self.pk}"


class Regrade(models.Model):
    """A correction of a response's correctness; the newest counts, the log stays as it was."""

    response = models.ForeignKey(Response, on_delete=models.CASCADE, related_name="regrades")
    is_correct = models.BooleanField()
    reason = models.CharField(max_length=300)
    regraded_at = models.DateTimeField()
    regraded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering = ["response", "id"]

    def __str__(self) -> str:
        return f"regrade of response {self.response_id}"
