"""How courses look from outside: UUIDs in addresses, the authors' ids as `key`."""

from typing import Any

from rest_framework import serializers

from tutor.content.models import Course, Lesson, Prerequisite, Problem, Skill


class CourseSerializer(serializers.ModelSerializer[Course]):
    """A course."""

    n_skills = serializers.IntegerField(read_only=True)
    n_problems = serializers.IntegerField(read_only=True)

    class Meta:
        model = Course
        fields = (
            "uuid",
            "key",
            "title",
            "description",
            "language",
            "licence",
            "attribution",
            "version_number",
            "n_skills",
            "n_problems",
            "created_at",
        )


class SkillSerializer(serializers.ModelSerializer[Skill]):
    """A skill, in the course's order."""

    class Meta:
        model = Skill
        fields = ("uuid", "key", "title", "description", "position", "is_retired")


class PrerequisiteSerializer(serializers.ModelSerializer[Prerequisite]):
    """An edge of the skill graph, by the keys of its skills."""

    from_skill = serializers.CharField(source="from_skill.key")
    to_skill = serializers.CharField(source="to_skill.key")

    class Meta:
        model = Prerequisite
        fields = ("from_skill", "to_skill", "kind", "weight", "source", "reason", "via")


class LessonSerializer(serializers.ModelSerializer[Lesson]):
    """A lesson with its text and worked examples as they were written."""

    skills: Any = serializers.SlugRelatedField(slug_field="key", many=True, read_only=True)
    worked_examples = serializers.ListField(child=serializers.DictField())

    class Meta:
        model = Lesson
        fields = (
            "uuid",
            "key",
            "title",
            "body",
            "worked_examples",
            "order",
            "skills",
            "is_retired",
        )


class ProblemSerializer(serializers.ModelSerializer[Problem]):
    """A problem without its steps, as lists have it."""

    lesson = serializers.CharField(source="lesson.key")
    revision = serializers.IntegerField(source="revision.number", default=None, allow_null=True)
    n_steps = serializers.IntegerField(read_only=True)

    class Meta:
        model = Problem
        fields = ("uuid", "key", "title", "lesson", "order", "revision", "n_steps", "is_retired")


class ProblemDetailSerializer(ProblemSerializer):
    """A problem with the document that learners are shown, in the bundle format."""

    document = serializers.DictField(source="revision.document", default=None, allow_null=True)

    class Meta(ProblemSerializer.Meta):
        fields = (*ProblemSerializer.Meta.fields, "document")  # type: ignore[assignment]
