"""Lessons as pages show them: explanation and worked examples, rendered."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tutor.content.gaps import steps_filled
from tutor.content.graph import course_graph
from tutor.content.models import Course, Lesson
from tutor.content.text import text_inline, text_render


@dataclass(frozen=True, slots=True)
class ExampleStep:
    """A line of a worked example, rendered; `filled` is what a line with gaps says without them."""

    text: str
    filled: str = ""
    closing: str = ""


@dataclass(frozen=True, slots=True)
class WorkedExample:
    """A worked example, rendered."""

    title: str
    body: str
    steps: tuple[ExampleStep, ...]


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
                steps=_example_steps(example, course),
            )
            for example in lesson.worked_examples
        ),
    )


def _example_steps(example: Mapping[str, Any], course: Course) -> tuple[ExampleStep, ...]:
    """The lines of an example. What comes after the last gap hides with it."""
    steps, gaps = example.get("steps", []), example.get("gaps", [])
    filled = steps_filled(steps, gaps) if gaps else ("",) * len(steps)
    last = max((at for at, text in enumerate(filled) if text), default=-1)
    closing = example.get("closing", "")
    return tuple(
        ExampleStep(
            text=text_inline(step, course_uuid=course.uuid),
            filled=text_inline(filled[at], course_uuid=course.uuid) if filled[at] else "",
            closing=text_inline(closing, course_uuid=course.uuid) if at == last else "",
        )
        for at, step in enumerate(steps)
    )


def lessons_of_skill(course: Course, skill_id: int) -> tuple[LessonText, ...]:
    """Return the lessons that explain a skill, rendered (one query)."""
    refs = course_graph(course).lessons_by_skill.get(skill_id, ())
    lessons = Lesson.objects.filter(pk__in=[ref.id for ref in refs]).order_by("order", "id")
    return tuple(lesson_text(lesson, course) for lesson in lessons)
