"""The editor of a lesson: its form, and how it looks."""

from collections.abc import Sequence

from django.utils.translation import gettext as _

from tutor.content.authoring.boxes import Choice, Group, Maker, Said, Tool, options
from tutor.content.bundles import Document
from tutor.content.lessons import LessonText, lesson_text
from tutor.content.models import Course, Lesson


def lesson_form(
    document: Document, *, skills: Sequence[tuple[str, str]], said: Said
) -> tuple[Group, ...]:
    """Lay out a lesson: what it explains, its text, and a group for each worked example."""
    make = Maker("", said)
    titles = dict(skills)
    ticks = [Choice(key, titles.get(key, key), True) for key in document["skills"]]
    others = [(key, title) for key, title in skills if key not in document["skills"]]
    basics = Group(
        "lesson",
        _("Lesson"),
        boxes=(
            make.box("title", _("Title"), document["title"]),
            make.box("skills", _("Skills that it explains"), kind="ticks", choices=ticks),
            make.box(
                "skill_more",
                _("Another skill"),
                kind="select",
                choices=options(others, "", empty="–"),
                does_rebuild=True,
            ),
            make.box(
                "body",
                _("Text"),
                document["body"],
                kind="text",
                rows=12,
                help=_("Markdown, formulas between $ signs, figures and pictures."),
            ),
            make.box(
                "order", _("Place"), str(document["order"]), help=_("Smaller numbers come first.")
            ),
        ),
    )
    examples = [
        _example_group(make.at(f"worked_examples.{at}"), example, at)
        for at, example in enumerate(document["worked_examples"])
    ]
    section = Group(
        "worked_examples",
        _("Worked examples"),
        groups=tuple(examples),
        adders=(Tool("add:worked_examples", _("Add a worked example")),),
    )
    return basics, section


def _example_group(make: Maker, example: Document, at: int) -> Group:
    steps = [
        make.at(f"steps.{number}").box(
            "text", _("Step {number}").format(number=number + 1), text, kind="text", rows=2
        )
        for number, text in enumerate(example["steps"])
    ]
    steps_name = make.name("steps")
    adders = [Tool(f"add:{steps_name}", _("Add a step"))]
    if steps:
        last = Tool(f"remove:{steps_name}.{len(steps) - 1}", _("Remove the last step"))
        adders.append(last)
    return Group(
        make.prefix,
        _("Worked example {number}").format(number=at + 1),
        boxes=(
            make.box("title", _("Title"), example["title"]),
            make.box("body", _("Question"), example["body"], kind="text"),
            *steps,
            make.box(
                "gaps",
                _("Gaps to fill in"),
                "\n".join(example.get("gaps", ())),
                kind="text",
                rows=2,
                help=_("What belongs in each \\square of the steps, in order, one a line."),
                is_code=True,
            ),
            make.box(
                "closing",
                _("Said after the last gap"),
                example.get("closing", ""),
                kind="text",
                rows=2,
            ),
        ),
        tools=(Tool(f"remove:{make.prefix}", _("Remove"), str(at + 1)),),
        adders=tuple(adders),
    )


def lesson_shown(course: Course, document: Document) -> LessonText:
    """Render a lesson as its learners will read it."""
    lesson = Lesson(
        course=course,
        key=document["id"],
        title=document["title"],
        body=document["body"],
        worked_examples=document["worked_examples"],
    )
    return lesson_text(lesson, course)
