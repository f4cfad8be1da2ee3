"""Content in Django's admin: to look at. Courses are changed by imports, which keep versions."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest

from tutor.content.models import (
    Asset,
    Course,
    CourseVersion,
    Draft,
    Hint,
    ImportJob,
    Lesson,
    Prerequisite,
    Problem,
    ProblemRevision,
    Skill,
    Step,
)

# Django's classes take no type arguments when they run.
if TYPE_CHECKING:
    AnyAdmin = admin.ModelAdmin[Any]
    HintInlineBase = admin.TabularInline[Hint, Step]
else:
    AnyAdmin = admin.ModelAdmin
    HintInlineBase = admin.TabularInline


class ReadOnlyAdmin(AnyAdmin):
    """Rows that imports own: a change here would be in no version and no revision."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Nobody changes."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Nobody deletes."""
        return False


@admin.register(Course)
class CourseAdmin(AnyAdmin):
    """A course; its gate is a setting of the site, the rest comes with imports."""

    list_display = ("title", "key", "version_number", "language", "licence")
    search_fields = ("title", "key")
    readonly_fields = (
        *("uuid", "key", "title", "description", "language", "licence", "attribution"),
        *("version_number", "created_at"),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Courses are made by imports."""
        return False


@admin.register(Skill)
class SkillAdmin(ReadOnlyAdmin):
    """Skills."""

    list_display = ("title", "key", "course", "position", "is_retired")
    list_filter = ("course", "is_retired")
    search_fields = ("title", "key")
    list_select_related = ("course",)


@admin.register(Prerequisite)
class PrerequisiteAdmin(ReadOnlyAdmin):
    """Edges of the skill graph."""

    list_display = ("from_skill", "to_skill", "kind", "weight", "source", "course")
    list_filter = ("course", "kind", "source")
    list_select_related = ("from_skill", "to_skill", "course")


@admin.register(Lesson)
class LessonAdmin(ReadOnlyAdmin):
    """Lessons."""

    list_display = ("title", "key", "course", "order", "is_retired")
    list_filter = ("course", "is_retired")
    search_fields = ("title", "key")
    list_select_related = ("course",)


@admin.register(Problem)
class ProblemAdmin(ReadOnlyAdmin):
    """Problems."""

    list_display = ("key", "title", "lesson", "course", "order", "is_retired")
    list_filter = ("course", "is_retired")
    search_fields = ("title", "key")
    list_select_related = ("course", "lesson")


@admin.register(ProblemRevision)
class ProblemRevisionAdmin(ReadOnlyAdmin):
    """What learners saw."""

    list_display = ("problem", "number", "created_at", "checksum")
    search_fields = ("problem__key",)
    list_select_related = ("problem",)


class HintInline(HintInlineBase):
    """The help on a step."""

    model = Hint
    fields = ("position", "key", "kind", "title", "text")
    can_delete = False
    extra = 0


@admin.register(Step)
class StepAdmin(ReadOnlyAdmin):
    """Steps with their hints."""

    list_display = ("key", "problem", "answer_kind", "course", "is_retired")
    list_filter = ("course", "answer_kind", "is_retired")
    search_fields = ("key", "problem__key")
    list_select_related = ("course", "problem")
    inlines = (HintInline,)


@admin.register(Hint)
class HintAdmin(ReadOnlyAdmin):
    """Hints and scaffolds."""

    list_display = ("key", "step", "kind", "position")
    list_filter = ("kind",)
    search_fields = ("key", "step__key")
    list_select_related = ("step",)


@admin.register(Asset)
class AssetAdmin(ReadOnlyAdmin):
    """Pictures."""

    list_display = ("key", "course", "media_type", "is_retired")
    list_filter = ("course", "is_retired")
    search_fields = ("key",)
    list_select_related = ("course",)
    exclude = ("data",)


@admin.register(CourseVersion)
class CourseVersionAdmin(ReadOnlyAdmin):
    """Versions; they are rolled back on the course's page of versions."""

    list_display = ("course", "number", "created_at", "created_by", "checksum")
    list_filter = ("course",)
    list_select_related = ("course", "created_by")
    exclude = ("bundle_gz",)


@admin.register(ImportJob)
class ImportJobAdmin(ReadOnlyAdmin):
    """Imports, from upload to result."""

    list_display = ("filename", "status", "is_dry_run", "created_at", "created_by", "attempts")
    list_filter = ("status", "is_dry_run", "format")
    search_fields = ("filename", "uuid")
    list_select_related = ("created_by",)


@admin.register(Draft)
class DraftAdmin(ReadOnlyAdmin):
    """What authors write and have not published."""

    list_display = ("__str__", "course", "author", "updated_at")
    list_filter = ("course", "kind")
    list_select_related = ("course", "author")
