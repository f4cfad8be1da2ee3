"""Django admin of decisions, standings, goals and what teachers said."""

from django.contrib import admin

from tutor.scheduling.models import (
    Assignment,
    EdgeDecision,
    Goal,
    Override,
    Placement,
    Plan,
    SkillStanding,
)


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


@admin.register(Goal)
class GoalAdmin(admin.ModelAdmin[Goal]):
    """Learners' own goals."""

    list_display = ["learner", "course", "due_at", "created_at", "ended_at"]
    list_filter = ["course"]
    list_select_related = ["learner", "course"]
    raw_id_fields = ["learner", "skills"]


@admin.register(Assignment)
class AssignmentAdmin(admin.ModelAdmin[Assignment]):
    """Goals that teachers set."""

    list_display = ["title", "classroom", "due_at", "created_by", "withdrawn_at"]
    list_select_related = ["classroom", "created_by"]
    raw_id_fields = ["classroom", "skills", "learners", "created_by"]


@admin.register(Override)
class OverrideAdmin(admin.ModelAdmin[Override]):
    """What teachers said of a skill, apart from the model."""

    list_display = ["learner", "skill", "says", "created_at", "created_by", "lifted_at"]
    list_filter = ["says"]
    list_select_related = ["learner", "skill", "created_by"]
    raw_id_fields = ["learner", "skill", "created_by"]


@admin.register(EdgeDecision)
class EdgeDecisionAdmin(admin.ModelAdmin[EdgeDecision]):
    """Decisions on the graph, to read: a change must go through the graph's service."""

    list_display = ["course", "from_skill", "to_skill", "verdict", "decided_at", "undone_at"]
    list_filter = ["verdict", "course"]
    list_select_related = ["course", "from_skill", "to_skill"]
    fields = readonly_fields = (
        "uuid",
        "course",
        "from_skill",
        "to_skill",
        "verdict",
        "evidence",
        "removed",
        "decided_at",
        "decided_by",
        "undone_at",
    )


@admin.register(Placement)
class PlacementAdmin(admin.ModelAdmin[Placement]):
    """Placements, to read."""

    list_display = ["learner", "course", "started_at", "ended_at", "is_complete"]
    list_filter = ["course", "is_complete"]
    list_select_related = ["learner", "course"]
    fields = readonly_fields = (
        "uuid",
        "learner",
        "course",
        "seed",
        "answers",
        "p_known",
        "started_at",
        "ended_at",
        "is_complete",
    )
