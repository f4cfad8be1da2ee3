"""Classes: who teaches, who learns, and how one joins."""

import secrets
from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from tutor.content.models import Course

# No letter or digit that is easily taken for another.
JOIN_CODE_ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
JOIN_CODE_LENGTH = 8


def join_code_make() -> str:
    """Return a new random join code."""
    return "".join(secrets.choice(JOIN_CODE_ALPHABET) for _ in range(JOIN_CODE_LENGTH))


class Classroom(models.Model):
    """A class of learners on one course."""

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    name = models.CharField(max_length=120)
    course = models.ForeignKey(Course, on_delete=models.PROTECT, related_name="classrooms")
    teachers = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="classrooms_taught")
    join_code = models.CharField(max_length=12, unique=True, default=join_code_make)
    is_joinable = models.BooleanField(
        default=True, help_text=_("Whether the join code lets learners in.")
    )
    is_archived = models.BooleanField(default=False)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Enrolment(models.Model):
    """A learner's place in a class, from joining to leaving."""

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    classroom = models.ForeignKey(Classroom, on_delete=models.CASCADE, related_name="enrolments")
    learner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="enrolments"
    )
    joined_at = models.DateTimeField()
    left_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["classroom", "learner"],
                condition=Q(left_at__isnull=True),
                name="enrolment_current_once",
            ),
        ]
        indexes = [models.Index(fields=["learner", "left_at"], name="enrolment_by_learner")]

    def __str__(self) -> str:
        return _("{learner} in {classroom}").format(
            learner=self.learner_id, classroom=self.classroom_id
        )


class TeacherNote(models.Model):
    """What a teacher writes down about a learner; only the class's teachers read it."""

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    classroom = models.ForeignKey(Classroom, on_delete=models.CASCADE, related_name="notes")
    learner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notes_about"
    )
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="notes_written"
    )
    text = models.TextField(max_length=2000)
    written_at = models.DateTimeField()
    edited_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-written_at", "-id"]
        constraints = [models.CheckConstraint(condition=~Q(text=""), name="note_not_empty")]

    def __str__(self) -> str:
        return f"note {self.uuid}"
