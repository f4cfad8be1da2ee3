"""What the scheduler decided, and what it must remember: open stays open."""

from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from tutor.content.models import Course, Skill, Step
from tutor.responses.models import Response
from tutor.roster.models import Classroom


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
    right_at = models.DateTimeField(null=True, help_text=_("The last right first answer."))
    n_spaced = models.PositiveSmallIntegerField(
        default=0, help_text=_("How often it was still known after most of its interval.")
    )
    p_placed = models.FloatField(
        null=True, help_text=_("What a placement guessed, until the skill is observed.")
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


class Goal(models.Model):
    """What a learner wants to be able to do, until it is ended; at most one at a time a course."""

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    learner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="goals"
    )
    course = models.ForeignKey(Course, on_delete=models.CASCADE, related_name="goals")
    skills = models.ManyToManyField(Skill, related_name="+")
    due_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["learner", "course"],
                condition=Q(ended_at__isnull=True),
                name="goal_current_once",
            ),
        ]

    def __str__(self) -> str:
        return f"goal {self.uuid}"


class Assignment(models.Model):
    """A goal that a teacher sets a class, or some of its learners, with a date."""

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    classroom = models.ForeignKey(Classroom, on_delete=models.CASCADE, related_name="assignments")
    title = models.CharField(max_length=120)
    skills = models.ManyToManyField(Skill, related_name="+")
    learners = models.ManyToManyField(
        settings.AUTH_USER_MODEL,
        blank=True,
        related_name="+",
        help_text=_("Whom it is for; nobody named means the whole class."),
    )
    note = models.CharField(
        max_length=500, blank=True, help_text=_("What the teacher says to it; learners read it.")
    )
    due_at = models.DateTimeField()
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["due_at", "id"]

    def __str__(self) -> str:
        return self.title


class OverrideSays(models.TextChoices):
    """What a teacher says of a learner and a skill."""

    KNOWS = "knows", _("knows it")
    NOT_YET = "not_yet", _("does not know it yet")
    OPEN = "open", _("may begin it")


class Override(models.Model):
    """A teacher's word on one skill of one learner: dated, reversible, kept apart from the model.

    It counts in full on its first day and half as much after every `half_life_days`.
    """

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    learner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="overrides"
    )
    skill = models.ForeignKey(Skill, on_delete=models.CASCADE, related_name="overrides")
    says = models.CharField(max_length=10, choices=OverrideSays.choices)
    note = models.CharField(max_length=500, blank=True)
    half_life_days = models.FloatField(default=30.0)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    lifted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["learner", "skill"],
                condition=Q(lifted_at__isnull=True),
                name="override_current_once",
            ),
            models.CheckConstraint(
                condition=Q(half_life_days__gt=0), name="override_half_life_range"
            ),
        ]

    def __str__(self) -> str:
        return f"override {self.uuid}"


class EdgeVerdict(models.TextChoices):
    """What a teacher makes of an edge that data suggests or contradicts."""

    ACCEPTED = "accepted", _("needed before")
    REJECTED = "rejected", _("not needed before")
    LATER = "later", _("decide later")


class EdgeDecision(models.Model):
    """A teacher's decision on an edge of the graph, with the evidence; the newest one counts.

    `removed` keeps the authored or imported edge that a rejection took out, so that undoing the
    decision brings it back as it was.
    """

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    course = models.ForeignKey(Course, on_delete=models.CASCADE, related_name="edge_decisions")
    from_skill = models.ForeignKey(Skill, on_delete=models.CASCADE, related_name="+")
    to_skill = models.ForeignKey(Skill, on_delete=models.CASCADE, related_name="+")
    verdict = models.CharField(max_length=10, choices=EdgeVerdict.choices)
    evidence = models.JSONField(default=dict)
    removed = models.JSONField(default=dict)
    decided_at = models.DateTimeField()
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    undone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-decided_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["from_skill", "to_skill"],
                condition=Q(undone_at__isnull=True),
                name="edge_decision_current_once",
            ),
            models.CheckConstraint(
                condition=~Q(from_skill=F("to_skill")), name="edge_decision_no_self_loop"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.from_skill_id} -> {self.to_skill_id}: {self.verdict}"


class Placement(models.Model):
    """A learner's placement on a course: what was asked, what was answered, where it leads.

    `answers` are [skill id, was it right] in the order given. `p_known` by skill id is the result:
    a guess to begin with, which gives way skill by skill to what is observed.
    """

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    learner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="placements"
    )
    course = models.ForeignKey(Course, on_delete=models.CASCADE, related_name="placements")
    seed = models.PositiveBigIntegerField()
    answers = models.JSONField(default=list)
    p_known = models.JSONField(default=dict)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    is_complete = models.BooleanField(
        default=False, help_text=_("It ended by itself, not because the learner left it.")
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["learner", "course"],
                condition=Q(ended_at__isnull=True),
                name="placement_open_once",
            ),
        ]
        indexes = [models.Index(fields=["learner", "course", "-id"], name="placement_newest")]

    def __str__(self) -> str:
        return f"placement {self.uuid}"
