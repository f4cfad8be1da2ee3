"""What a browser would post of the editor's form, from its boxes."""

from collections.abc import Iterable, Iterator

from tutor.content.authoring.boxes import Box, Group, Said
from tutor.content.authoring.editing import problem_form
from tutor.content.authoring.lesson_editing import lesson_form
from tutor.content.authoring.posted import lesson_posted, problem_posted, tree_of
from tutor.content.bundles import Document

Posted = dict[str, list[str]]


def boxes_of(groups: Iterable[Group]) -> Iterator[Box]:
    for group in groups:
        yield from group.boxes
        yield from boxes_of(group.groups)


def form_posted(groups: Iterable[Group]) -> Posted:
    posted: Posted = {}
    for box in boxes_of(groups):
        if box.kind in {"ticks", "radio", "select"}:
            values = [choice.value for choice in box.choices if choice.is_picked]
        elif box.kind == "tick":
            values = ["1"] if box.value else []
        else:
            # As browsers send lines.
            values = [box.value.replace("\n", "\r\n")]
        if values:
            assert box.name not in posted, f"{box.name} stands twice in the form"
            posted[box.name] = values
    return posted


def problem_boxes(document: Document, said: Said | None = None) -> tuple[Group, ...]:
    skills = sorted({skill for step in document["steps"] for skill in step["skills"]} | {"other"})
    return problem_form(
        document,
        lessons=[(document["lesson"], "Lesson"), ("l-other", "Other")],
        skills=[(key, key.title()) for key in skills],
        skills_of_lesson=skills[:1],
        said=said or Said(),
    )


def problem_sent(document: Document, **changes: list[str]) -> Document:
    """Open a problem in the editor, change some fields, and give what comes back."""
    posted = form_posted(problem_boxes(document)) | changes
    return problem_posted(tree_of(posted), document)


def lesson_sent(document: Document, **changes: list[str]) -> Document:
    groups = lesson_form(document, skills=[(key, key) for key in document["skills"]], said=Said())
    return lesson_posted(tree_of(form_posted(groups) | changes), document)
