"""People, their API tokens, and the record of who did what."""

from uuid import uuid4

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    """What a person does on the site; decides which pages exist for them."""

    LEARNER = "learner", _("learner")
    TEACHER = "teacher", _("teacher")
    ADMINISTRATOR = "administrator", _("administrator")


class User(AbstractUser):
    """A person. Learners need no e-mail address; simulated ones are labelled everywhere."""

    first_name = None  # type: ignore[assignment]
    last_name = None  # type: ignore[assignment]
    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    display_name = models.CharField(_("name"), max_length=80)
    email = models.EmailField(_("e-mail"), blank=True)
    role = models.CharField(max_length=20, choices=Role.choices, default=Role.LEARNER)
    is_simulated = models.BooleanField(
        default=False, help_text=_("Answers come from a simulator, not from a person.")
    )

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        constraints = [
            models.UniqueConstraint(Lower("username"), name="user_username_any_case"),
        ]

    def __str__(self) -> str:
        return self.display_name or self.username

    @property
    def is_teacher(self) -> bool:
        """Whether teacher pages exist for this person."""
        return self.role in {Role.TEACHER, Role.ADMINISTRATOR}

    @property
    def is_learner(self) -> bool:
        """Whether learner pages exist for this person."""
        return self.role == Role.LEARNER

    @property
    def is_administrator(self) -> bool:
        """Whether the person runs the site."""
        return self.role == Role.ADMINISTRATOR


class Scope(models.TextChoices):
    """What an API token may do."""

    READ = "read", _("read")
    IMPORT = "import", _("import content and responses")
    ROSTER = "roster", _("change classes and accounts")
    ADMIN = "admin", _("everything")


class ApiToken(models.Model):
    """A key to the API. Only its SHA-256 digest is kept: 32 random bytes need no slow hash."""

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=12, help_text="The first characters, to recognise it by.")
    digest = models.CharField(max_length=64, unique=True)
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}...)"

    @property
    def scope_labels(self) -> list[str]:
        """What the token may do, in words."""
        return [str(scope.label) for scope in Scope if scope.value in self.scopes]


class AuditEvent(models.Model):
    """Who did what to what: appended, never edited. Holds ids and counts, no answers or names."""

    actor = models.ForeignKey(
        User, null=True, on_delete=models.SET_NULL, related_name="audit_events"
    )
    action = models.CharField(max_length=60)
    object_kind = models.CharField(max_length=40, blank=True)
    object_id = models.CharField(max_length=64, blank=True)
    detail = models.JSONField(default=dict)
    at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["-at"], name="audit_newest"),
            models.Index(fields=["actor", "-at"], name="audit_of_actor"),
            models.Index(fields=["object_id", "-at"], name="audit_of_object"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.object_kind} {self.object_id}"
