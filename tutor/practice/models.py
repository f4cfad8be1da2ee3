"""Sittings and what is on the learner's screen."""

from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from tutor.content.models import Course, ProblemRevision


class SessionKind(models.TextChoices):
    """What a sitting is for."""

    PRACTICE = "practice", _("practice")
    PLACEMENT = "placement", _("placement")


class Session(models.Model):
    """One sitting of one learner on one course; resumed on any device."""

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    learner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="practice_sessions"
    )
    course = models.ForeignKey(Course, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(
        max_length=10, choices=SessionKind.choices, default=SessionKind.PRACTICE
    )
    started_at = models.DateTimeField()
    last_active_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["learner", "course", "-id"], name="session_newest")]

    def __str__(self) -> str:
        return f"session {self.uuid}"


class Activity(models.Model):
    """A problem variant on the screen: which step is at hand, what was opened, what was tried.

    `attempt_token` changes with every recorded response, so a re-sent form is recognised by its old
    one. At most one activity of a session is open.
    """

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="activities")
    revision = models.ForeignKey(ProblemRevision, on_delete=models.PROTECT, related_name="+")
    plan_uuid = models.UUIDField(null=True)
    skill_id_aim = models.BigIntegerField(
        null=True, help_text=_("The skill that the plan wanted practised.")
    )
    reason = models.CharField(max_length=500, blank=True, help_text=_("Why it was proposed."))
    opening = models.CharField(
        max_length=10,
        blank=True,
        help_text=_("What is read before the first step: lesson, example."),
    )
    opening_read_at = models.DateTimeField(null=True)
    variant_seed = models.PositiveBigIntegerField(default=0)
    step_index = models.PositiveSmallIntegerField(default=0)
    attempt_token = models.UUIDField(default=uuid4)
    step_shown_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=0)
    is_observed = models.BooleanField(
        default=False, help_text=_("The step at hand has given its observation.")
    )
    is_solved = models.BooleanField(
        default=False, help_text=_("The step at hand is answered or given up; feedback is shown.")
    )
    hints_opened = models.JSONField(default=list)
    scaffolds_solved = models.JSONField(default=list)
    feedback = models.JSONField(default=dict, help_text=_("What the last response showed."))
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "activities"
        constraints = [
            models.UniqueConstraint(
                fields=["session"],
                condition=Q(finished_at__isnull=True),
                name="activity_open_once",
            ),
        ]

    def __str__(self) -> str:
        return f"activity {self.uuid}"
