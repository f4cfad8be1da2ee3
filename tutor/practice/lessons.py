"""Lessons as pages show them: explanation and worked examples, rendered."""

from dataclasses import dataclass

from tutor.content.graph import course_graph
from tutor.content.models import Course, Lesson
from tutor.content.text import text_inline, text_render


@dataclass(frozen=True, slots=True)
class WorkedExample:
    """A worked example, rendered."""

    title: str
    body: str
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LessonText:
    """A lesson, rendered."""

    lesson: Lesson
    body: str
    examples: tuple[WorkedExample, ...]


def lesson_text(lesson: Lesson, course: Course) -> LessonText:
    """Render a lesson's text and worked examples."""
    return LessonText(
        lesson=lesson,
        body=text_render(lesson.body, course_uuid=course.uuid),
        examples=tuple(
            WorkedExample(
                title=example.get("title", ""),
                body=text_render(example.get("body", ""), course_uuid=course.uuid),
                steps=tuple(
                    text_inline(step, course_uuid=course.uuid) for step in example.get("steps", [])
                ),
            )
            for example in lesson.worked_examples
        ),
    )


def lessons_of_skill(course: Course, skill_id: int) -> tuple[LessonText, ...]:
    """Return the lessons that explain a skill, rendered (one query)."""
    refs = course_graph(course).lessons_by_skill.get(skill_id, ())
    lessons = Lesson.objects.filter(pk__in=[ref.id for ref in refs]).order_by("order", "id")
    return tuple(lesson_text(lesson, course) for lesson in lessons)
