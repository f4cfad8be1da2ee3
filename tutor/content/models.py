"""Courses: skills, their graph, lessons, problems with steps and hints, revisions and imports.

Rows hold the current state, to ask questions of. What a learner saw is a
`ProblemRevision`: the whole problem as one immutable document in the bundle format. A course's past
is its `CourseVersion`s.
"""

from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from tutor.content.job_models import KEY_LENGTH as KEY_LENGTH
from tutor.content.job_models import Draft as Draft
from tutor.content.job_models import DraftKind as DraftKind
from tutor.content.job_models import ImportFormat as ImportFormat
from tutor.content.job_models import ImportJob as ImportJob
from tutor.content.job_models import ImportStatus as ImportStatus
from tutor.content.job_models import UploadJob as UploadJob


class StandingCourses(models.Manager["Course"]):
    """The courses that are there; one that an import still writes is nobody's to see."""

    def get_queryset(self) -> models.QuerySet["Course"]:
        """Leave out what is staged."""
        return super().get_queryset().filter(staged_at=None)


class Course(models.Model):
    """A set of skills, their prerequisite graph, lessons and problems."""

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    key = models.CharField(max_length=KEY_LENGTH, unique=True, help_text=_("The author's id."))
    title = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    language = models.CharField(max_length=20, default="en")
    licence = models.CharField(max_length=200, blank=True)
    attribution = models.TextField(blank=True)
    version_number = models.PositiveIntegerField(default=0)
    gate = models.FloatField(
        default=0.70,
        help_text=_("A skill opens when the lower bound of each prerequisite reaches this."),
    )
    created_at = models.DateTimeField()
    authors = models.ManyToManyField(
        settings.AUTH_USER_MODEL,
        blank=True,
        related_name="courses_authored",
        help_text=_("Who may change the course; while there is nobody, every teacher may."),
    )
    staged_at = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text=_("When an import began to write it, out of sight; blank once it is there."),
    )

    objects = StandingCourses()
    every = models.Manager["Course"]()

    class Meta:
        ordering = ["title"]
        constraints = [
            models.CheckConstraint(condition=Q(gate__gt=0, gate__lt=1), name="course_gate_range"),
        ]

    def __str__(self) -> str:
        return self.title


class Skill(models.Model):
    """A knowledge component, the unit that is traced."""

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    course = models.ForeignKey(Course, on_delete=models.CASCADE, related_name="skills")
    key = models.CharField(max_length=KEY_LENGTH)
    title = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    position = models.PositiveIntegerField(
        default=0, help_text=_("Place in the course's order, which follows the graph.")
    )
    order = models.PositiveIntegerField(
        default=0, help_text=_("Place in the author's list, from which the position is derived.")
    )
    is_retired = models.BooleanField(default=False)

    class Meta:
        ordering = ["course", "position", "id"]
        constraints = [
            models.UniqueConstraint(fields=["course", "key"], name="skill_key_in_course"),
        ]

    def __str__(self) -> str:
        return self.title


class EdgeKind(models.TextChoices):
    """How two skills are related."""

    PREREQUISITE = "prerequisite", _("is needed before")
    ENCOMPASSING = "encompassing", _("is also practised by")


class EdgeSource(models.TextChoices):
    """Who says so."""

    AUTHORED = "authored", _("authored")
    IMPORTED = "imported", _("imported")
    LEARNED = "learned", _("learned from data")


class Prerequisite(models.Model):
    """A directed edge of the skill graph."""

    course = models.ForeignKey(Course, on_delete=models.CASCADE, related_name="prerequisites")
    from_skill = models.ForeignKey(Skill, on_delete=models.CASCADE, related_name="edges_out")
    to_skill = models.ForeignKey(Skill, on_delete=models.CASCADE, related_name="edges_in")
    kind = models.CharField(max_length=20, choices=EdgeKind.choices, default=EdgeKind.PREREQUISITE)
    weight = models.FloatField(default=1.0)
    source = models.CharField(
        max_length=20, choices=EdgeSource.choices, default=EdgeSource.AUTHORED
    )
    reason = models.CharField(max_length=300, blank=True)
    via = models.JSONField(
        default=list,
        help_text=_("Ids of skills the course lacks, through which this edge was joined."),
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["from_skill", "to_skill", "kind"], name="prerequisite_once"
            ),
            models.CheckConstraint(
                condition=~Q(from_skill=F("to_skill")), name="prerequisite_no_self_loop"
            ),
            models.CheckConstraint(
                condition=Q(weight__gt=0, weight__lte=1), name="prerequisite_weight_range"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.from_skill_id} -> {self.to_skill_id}"


class Lesson(models.Model):
    """Explanation and worked examples for one or a few skills."""

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    course = models.ForeignKey(Course, on_delete=models.CASCADE, related_name="lessons")
    key = models.CharField(max_length=KEY_LENGTH)
    title = models.CharField(max_length=200)
    body = models.TextField(blank=True)
    worked_examples = models.JSONField(default=list)
    order = models.IntegerField(default=0)
    skills = models.ManyToManyField(Skill, related_name="lessons")
    is_retired = models.BooleanField(default=False)

    class Meta:
        ordering = ["course", "order", "id"]
        constraints = [
            models.UniqueConstraint(fields=["course", "key"], name="lesson_key_in_course"),
        ]

    def __str__(self) -> str:
        return self.title


class Problem(models.Model):
    """One or more gradable steps on one situation."""

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    course = models.ForeignKey(Course, on_delete=models.CASCADE, related_name="problems")
    lesson = models.ForeignKey(Lesson, on_delete=models.PROTECT, related_name="problems")
    key = models.CharField(max_length=KEY_LENGTH)
    title = models.CharField(max_length=300, blank=True)
    body = models.TextField(blank=True)
    variables = models.JSONField(default=dict)
    constraints = models.JSONField(default=list)
    licence = models.CharField(max_length=200, blank=True)
    attribution = models.TextField(blank=True)
    order = models.IntegerField(default=0)
    is_retired = models.BooleanField(default=False)
    revision = models.ForeignKey(
        "ProblemRevision",
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text=_("The revision that learners are shown now."),
    )

    class Meta:
        ordering = ["course", "lesson", "order", "id"]
        constraints = [
            models.UniqueConstraint(fields=["course", "key"], name="problem_key_in_course"),
        ]

    def __str__(self) -> str:
        return self.title or self.key


class ProblemRevision(models.Model):
    """A problem as it was shown: immutable. `document` is the problem in the bundle format."""

    problem = models.ForeignKey(Problem, on_delete=models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField()
    document = models.JSONField()
    checksum = models.CharField(max_length=64)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["problem", "number"], name="revision_number_once"),
        ]

    def __str__(self) -> str:
        return f"{self.problem_id} r{self.number}"


class Step(models.Model):
    """A gradable step. In kt_models a step is an *item*; its key is the item id."""

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    course = models.ForeignKey(Course, on_delete=models.CASCADE, related_name="steps")
    problem = models.ForeignKey(Problem, on_delete=models.CASCADE, related_name="steps")
    key = models.CharField(max_length=KEY_LENGTH)
    prompt = models.TextField(blank=True)
    answer = models.JSONField()
    answer_kind = models.CharField(max_length=20)
    choices = models.JSONField(default=list)
    feedback = models.JSONField(default=list)
    solution = models.TextField(blank=True)
    position = models.PositiveIntegerField(default=0)
    skills = models.ManyToManyField(Skill, related_name="steps")
    is_retired = models.BooleanField(default=False)

    class Meta:
        ordering = ["problem", "position", "id"]
        constraints = [
            models.UniqueConstraint(fields=["course", "key"], name="step_key_in_course"),
        ]

    def __str__(self) -> str:
        return self.key


class HintKind(models.TextChoices):
    """A hint tells; a scaffold asks back."""

    HINT = "hint", _("hint")
    SCAFFOLD = "scaffold", _("scaffold")


class Hint(models.Model):
    """Help on a step, in order."""

    step = models.ForeignKey(Step, on_delete=models.CASCADE, related_name="hints")
    key = models.CharField(max_length=KEY_LENGTH)
    kind = models.CharField(max_length=10, choices=HintKind.choices, default=HintKind.HINT)
    title = models.CharField(max_length=300, blank=True)
    text = models.TextField(blank=True)
    answer = models.JSONField(null=True, blank=True)
    choices = models.JSONField(default=list)
    depends_on = models.JSONField(default=list)
    parent_key = models.CharField(
        max_length=KEY_LENGTH,
        blank=True,
        help_text=_("The scaffold of the same step that this hint helps with."),
    )
    position = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["step", "position", "id"]
        constraints = [
            models.UniqueConstraint(fields=["step", "key"], name="hint_key_in_step"),
        ]

    def __str__(self) -> str:
        return self.key


class Asset(models.Model):
    """A picture of a course. Kept in the database, so that an import is whole or not at all."""

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    course = models.ForeignKey(Course, on_delete=models.CASCADE, related_name="assets")
    key = models.CharField(max_length=200)
    media_type = models.CharField(max_length=60)
    sha256 = models.CharField(max_length=64)
    data = models.BinaryField()
    is_retired = models.BooleanField(
        default=False, help_text=_("No text shows it now; earlier revisions may.")
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["course", "key"], name="asset_key_in_course"),
        ]

    def __str__(self) -> str:
        return self.key


class CourseVersion(models.Model):
    """A course as an import left it: the canonical bundle, so that one call can bring it back."""

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    course = models.ForeignKey(Course, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    checksum = models.CharField(max_length=64)
    counts = models.JSONField(default=dict)
    bundle_gz = models.BinaryField(help_text=_("The canonical bundle, gzipped."))

    class Meta:
        ordering = ["course", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["course", "number"], name="course_version_once"),
        ]

    def __str__(self) -> str:
        return f"{self.course_id} v{self.number}"
