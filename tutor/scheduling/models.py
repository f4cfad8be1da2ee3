"""What the scheduler decided, and what it must remember: open stays open."""

from uuid import uuid4

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from tutor.content.models import Course, Skill, Step
from tutor.responses.models import Response


class SkillStanding(models.Model):
    """What outlives a belief: when a skill opened, and whether it counts as mastered.

    `is_mastered` is entered at 0.95 and left below 0.80, so that it does not flicker.
    """

    learner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="standings"
    )
    skill = models.ForeignKey(Skill, on_delete=models.CASCADE, related_name="standings")
    opened_at = models.DateTimeField(null=True)
    is_mastered = models.BooleanField(default=False)
    mastered_at = models.DateTimeField(null=True)
    review_due_at = models.DateTimeField(
        null=True, help_text=_("When the forecast falls below the review threshold.")
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["learner", "skill"], name="standing_once"),
        ]
        indexes = [
            models.Index(fields=["review_due_at"], name="standing_due"),
        ]

    def __str__(self) -> str:
        return f"standing of learner {self.learner_id} in skill {self.skill_id}"


class Plan(models.Model):
    """One decision: the candidates, their scores and reasons, the draw and its propensity."""

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    learner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="plans"
    )
    course = models.ForeignKey(Course, on_delete=models.CASCADE, related_name="plans")
    session_uuid = models.UUIDField(null=True)
    created_at = models.DateTimeField()
    policy = models.CharField(max_length=40)
    model_version_uuid = models.UUIDField(null=True)
    rng_seed = models.PositiveBigIntegerField()
    candidates = models.JSONField(
        default=list, help_text=_("Each with skill, kind, terms, score, propensity and reason.")
    )
    chosen = models.PositiveSmallIntegerField(
        null=True, help_text=_("Index of the candidate that was drawn and offered first.")
    )
    skill = models.ForeignKey(Skill, null=True, on_delete=models.SET_NULL, related_name="+")
    step = models.ForeignKey(Step, null=True, on_delete=models.SET_NULL, related_name="+")
    propensity = models.FloatField(null=True)
    taken = models.PositiveSmallIntegerField(
        null=True, help_text=_("Index of the candidate that the learner took.")
    )
    response = models.OneToOneField(
        Response, null=True, on_delete=models.SET_NULL, related_name="plan"
    )

    class Meta:
        indexes = [models.Index(fields=["learner", "course", "-id"], name="plan_newest")]

    def __str__(self) -> str:
        return f"plan {self.uuid}"
