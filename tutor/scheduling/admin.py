"""Django admin of decisions and standings."""

from django.contrib import admin

from tutor.scheduling.models import Plan, SkillStanding


@admin.register(Plan)
class PlanAdmin(admin.ModelAdmin[Plan]):
    """Every decision, to read."""

    list_display = ["created_at", "learner", "course", "policy", "skill", "propensity"]
    list_filter = ["policy", "course"]
    list_select_related = ["learner", "course", "skill"]
    fields = readonly_fields = (
        "uuid",
        "learner",
        "course",
        "session_uuid",
        "created_at",
        "policy",
        "model_version_uuid",
        "rng_seed",
        "candidates",
        "chosen",
        "taken",
        "skill",
        "step",
        "propensity",
        "response",
    )


@admin.register(SkillStanding)
class SkillStandingAdmin(admin.ModelAdmin[SkillStanding]):
    """When skills opened, were mastered, and fall due."""

    list_display = ["learner", "skill", "opened_at", "is_mastered", "mastered_at", "review_due_at"]
    list_filter = ["is_mastered"]
    list_select_related = ["learner", "skill"]
    raw_id_fields = ["learner", "skill"]
