"""What is under way: imports as jobs, and drafts that are not published yet."""

from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

KEY_LENGTH = 120


class ImportStatus(models.TextChoices):
    """Where an import stands."""

    QUEUED = "queued", _("waiting")
    RUNNING = "running", _("running")
    DONE = "done", _("done")
    REFUSED = "refused", _("refused")
    FAILED = "failed", _("failed")


class ImportFormat(models.TextChoices):
    """What a file is read as."""

    AUTO = "auto", _("recognise by content")
    BUNDLE = "bundle", _("Stepwise bundle")
    OATUTOR = "oatutor", _("OATutor content pool")
    GRAPH = "graph", _("prerequisite graph")
    QTI = "qti", _("QTI 1.2 or Common Cartridge")
    GIFT = "gift", _("GIFT")
    AIKEN = "aiken", _("Aiken")


class UploadJob(models.Model):
    """A file that a worker imports, from upload to result.

    Claimed by lease, so that a killed one is taken up again (`job_running` does both). A dry run is
    applied by a job of its own on the same file, which `dry_run_of` ties to it.
    """

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField()
    is_dry_run = models.BooleanField(default=True)
    dry_run_of = models.ForeignKey(
        "self", null=True, blank=True, editable=False, on_delete=models.SET_NULL, related_name="+"
    )
    filename = models.CharField(max_length=255, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    status = models.CharField(
        max_length=10, choices=ImportStatus.choices, default=ImportStatus.QUEUED
    )
    stage = models.CharField(max_length=80, blank=True)
    progress = models.FloatField(default=0.0, help_text=_("From 0 to 1."))
    attempts = models.PositiveSmallIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    result = models.JSONField(default=dict, help_text=_("Counts and differences."))
    errors = models.JSONField(default=list)
    notes = models.JSONField(default=list, help_text=_("What was repaired or skipped."))

    # Of the files' own rooms.
    file: models.FileField

    class Meta:
        abstract = True
        constraints = [
            # Two quick clicks must not set two workers to one file.
            models.UniqueConstraint(
                fields=["dry_run_of"],
                condition=Q(dry_run_of__isnull=False, status__in=["queued", "running"]),
                name="%(class)s_applied_once_at_a_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.filename} ({self.status})"


class ImportJob(UploadJob):
    """One import of content."""

    format = models.CharField(
        max_length=20, choices=ImportFormat.choices, default=ImportFormat.AUTO
    )
    course = models.ForeignKey(
        "content.Course",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="imports",
        help_text=_("The course that a graph goes to; set by the import for a bundle."),
    )
    is_partial = models.BooleanField(
        default=False, help_text=_("Problems with errors are left out and listed.")
    )
    roll_back_to = models.PositiveIntegerField(
        null=True, blank=True, help_text=_("The version to bring back, where no file came.")
    )
    file = models.FileField(upload_to="imports/", blank=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            *UploadJob.Meta.constraints,
            models.CheckConstraint(
                condition=Q(roll_back_to__isnull=True) | Q(file=""),
                name="roll_back_has_no_file",
            ),
        ]


class DraftKind(models.TextChoices):
    """What is being written."""

    PROBLEM = "problem", _("problem")
    LESSON = "lesson", _("lesson")


class Draft(models.Model):
    """What one author has written and not yet published; nobody else sees it.

    `base` is what stood there when the writing began, so that a change by somebody else meanwhile
    is noticed; it is blank for something new.
    """

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    course = models.ForeignKey("content.Course", on_delete=models.CASCADE, related_name="drafts")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="drafts"
    )
    kind = models.CharField(max_length=10, choices=DraftKind.choices)
    key = models.CharField(
        max_length=KEY_LENGTH, blank=True, help_text=_("The id of what is changed; blank for new.")
    )
    base = models.CharField(max_length=64, blank=True, help_text=_("Its checksum at the start."))
    document = models.JSONField()
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        ordering = ["-updated_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["course", "author", "kind", "key"],
                condition=~Q(key=""),
                name="draft_once_of_a_thing",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key or self.uuid}"
