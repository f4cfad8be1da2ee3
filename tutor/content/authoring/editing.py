"""The editor of a problem: its form, and what its buttons do to the document."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from tutor.content.authoring.answer_boxes import answer_boxes, choice_groups
from tutor.content.authoring.boxes import Box, Choice, Group, Maker, Said, Tool, options
from tutor.content.authoring.posted import shown, value_shown
from tutor.content.bundles import Document


def problem_form(
    document: Document,
    *,
    lessons: Sequence[tuple[str, str]],
    skills: Sequence[tuple[str, str]],
    skills_of_lesson: Sequence[str],
    said: Said,
) -> tuple[Group, ...]:
    """Lay out a problem: what it is, its variables, and a group for each step."""
    make = Maker("", said)
    basics = Group(
        "problem",
        _("Problem"),
        boxes=(
            make.box("title", _("Title"), document["title"]),
            make.box(
                "lesson",
                _("Lesson"),
                kind="select",
                choices=options(lessons, document["lesson"]),
                does_rebuild=True,
            ),
            make.box(
                "body",
                _("Situation"),
                document["body"],
                kind="text",
                rows=4,
                help=_("What all steps are about. Markdown, formulas between $ signs."),
            ),
        ),
    )
    source = Group(
        "source",
        _("Place and licence"),
        is_folded=True,
        boxes=(
            make.box(
                "order", _("Place"), str(document["order"]), help=_("Smaller numbers come first.")
            ),
            make.box("licence", _("Licence"), document["licence"]),
            make.box("attribution", _("Attribution"), document["attribution"], kind="text", rows=2),
        ),
    )
    steps = [
        _step_group(
            make.at(f"steps.{at}"),
            step,
            at=at,
            n_steps=len(document["steps"]),
            skills=skills,
            offered=skills_of_lesson,
        )
        for at, step in enumerate(document["steps"])
    ]
    section = Group(
        "steps",
        _("Steps"),
        groups=tuple(steps),
        adders=(Tool("add:steps", _("Add a step")),),
        errors=said.errors.get("steps", ()),
    )
    return basics, _variables_group(make, document), section, source


def _variables_group(make: Maker, document: Document) -> Group:
    groups = []
    for at, (name, variable) in enumerate(document["variables"].items()):
        below = make.at(f"variables.{at}")
        kind = str(variable.get("kind", "integer"))
        boxes = [
            below.box("name", _("Name"), name),
            below.box(
                "kind",
                _("Kind"),
                kind="select",
                choices=options(_kinds_of_variables(), kind),
                does_rebuild=True,
            ),
            *_variable_boxes(below, kind, variable),
        ]
        told = (
            message
            for place, messages in make.said.errors.items()
            if place == f"variables.{name}" or place.startswith(f"variables.{name}.")
            for message in messages
        )
        tool = Tool(f"remove:variables.{at}", _("Remove"), name)
        groups.append(
            Group(below.prefix, name, boxes=tuple(boxes), tools=(tool,), errors=tuple(told))
        )
    boxes_below: tuple[Box, ...] = ()
    if groups:
        boxes_below = (
            make.box(
                "constraints",
                _("Conditions"),
                "\n".join(document["constraints"]),
                kind="text",
                rows=2,
                help=_("One a line, such as a != b. Draws that break one are not used."),
                is_code=True,
            ),
        )
    return Group(
        "variables",
        _("Variables"),
        boxes=boxes_below,
        groups=tuple(groups),
        adders=(Tool("add:variables", _("Add a variable")),),
        note=_("They make one problem into many: write @{a} where the value belongs."),
        is_folded=not groups,
        errors=make.said.errors.get("variables", ()),
    )


def _kinds_of_variables() -> Sequence[tuple[str, str]]:
    return (
        ("integer", _("a whole number")),
        ("choice", _("one of a list")),
        ("computed", _("computed from others")),
    )


def _variable_boxes(make: Maker, kind: str, variable: Mapping[str, Any]) -> Sequence[Box]:
    if kind == "integer":
        return (
            make.box("min", _("From"), shown(variable.get("min", ""))),
            make.box("max", _("To"), shown(variable.get("max", ""))),
            make.box("step", _("In steps of"), shown(variable.get("step", ""))),
            make.box(
                "exclude",
                _("But not"),
                " ".join(str(part) for part in variable.get("exclude", ())),
                help=_("Numbers with spaces between."),
            ),
        )
    if kind == "choice":
        text = "\n".join(value_shown(value) for value in variable.get("values", ()))
        note = _("One a line. A text that looks like a number goes in quotes.")
        return (make.box("values", _("Values"), text, kind="text", help=note, is_code=True),)
    expression = shown(variable.get("expression", ""))
    return (make.box("expression", _("Expression"), expression, is_code=True),)


def _step_group(
    make: Maker,
    step: Document,
    *,
    at: int,
    n_steps: int,
    skills: Sequence[tuple[str, str]],
    offered: Sequence[str],
) -> Group:
    titles = dict(skills)
    keys = list(dict.fromkeys([*offered, *step["skills"]]))
    ticks = [Choice(key, titles.get(key, key), key in step["skills"]) for key in keys]
    others = [(key, title) for key, title in skills if key not in keys]
    boxes = [
        make.box("id", kind="hidden", value=step["id"]),
        make.box(
            "prompt", _("Question"), step["prompt"], kind="text", rows=3, help=_("What is asked.")
        ),
        make.box("skills", _("Skills that it practises"), kind="ticks", choices=ticks),
        make.box(
            "skill_more",
            _("Another skill"),
            kind="select",
            choices=options(others, "", empty="–"),
            does_rebuild=True,
        ),
        *answer_boxes(make, step),
    ]
    groups = [
        *choice_groups(make, step, title=_("Choices")),
        _feedback_section(make, step),
        _hints_section(make, step),
        Group(
            make.name("after"),
            _("Worked solution"),
            boxes=(
                make.box(
                    "solution",
                    _("Shown when the step is over"),
                    step["solution"],
                    kind="text",
                    help=_("Left blank, the hints stand in for it."),
                ),
            ),
            is_folded=not step["solution"],
        ),
    ]
    return Group(
        make.prefix,
        _("Step {number}").format(number=at + 1),
        boxes=tuple(boxes),
        groups=tuple(groups),
        tools=_tools("steps", at, n_steps) if n_steps > 1 else (),
        is_part=True,
        note=step["id"],
        errors=make.errors(),
    )


def _feedback_section(make: Maker, step: Document) -> Group:
    rows = step["feedback"]
    groups = []
    for at, entry in enumerate(rows):
        below = make.at(f"feedback.{at}")
        groups.append(
            Group(
                below.prefix,
                _("Feedback {number}").format(number=at + 1),
                boxes=(
                    below.box("answer", _("To the answer"), shown(entry["answer"]), is_code=True),
                    below.box("text", _("say"), entry["text"], kind="text", rows=2),
                    below.box(
                        "misconception",
                        _("Misconception (an id)"),
                        entry.get("misconception", ""),
                    ),
                ),
                tools=_tools(make.name("feedback"), at, len(rows)),
            )
        )
    return Group(
        make.name("feedback"),
        _("Feedback on known mistakes"),
        groups=tuple(groups),
        adders=(Tool(f"add:{make.name('feedback')}", _("Add feedback")),),
        is_folded=not groups,
    )


def _hints_section(make: Maker, step: Document) -> Group:
    hints = step["hints"]
    name = make.name("hints")
    return Group(
        name,
        _("Hints, in the order they are given"),
        groups=tuple(
            _hint_group(make.at(f"hints.{at}"), name, hint, at=at, n_hints=len(hints))
            for at, hint in enumerate(hints)
        ),
        adders=(
            Tool(f"add:{name}", _("Add a hint")),
            Tool(f"scaffold:{name}", _("Add a helping question")),
        ),
        errors=make.said.errors.get(name, ()),
        is_folded=not hints,
    )


def _hint_group(make: Maker, section: str, hint: Document, *, at: int, n_hints: int) -> Group:
    is_scaffold = hint["kind"] == "scaffold"
    label = _("Question") if is_scaffold else _("Text")
    boxes: list[Box] = [
        make.box("id", kind="hidden", value=hint["id"]),
        make.box("kind", kind="hidden", value=hint["kind"]),
        make.box("title", _("Title"), hint["title"]),
        make.box("text", label, hint["text"], kind="text", rows=2),
    ]
    groups: list[Group] = []
    if is_scaffold:
        boxes += answer_boxes(make, hint)
        groups += choice_groups(make, hint, title=_("Choices"))
    more = Group(
        make.name("more"),
        _("Order"),
        is_folded=True,
        boxes=(
            make.box(
                "depends_on",
                _("Opens after (ids of hints)"),
                " ".join(hint["depends_on"]),
                is_code=True,
            ),
            make.box(
                "parent",
                _("Helps with the helping question (its id)"),
                hint.get("parent", ""),
                is_code=True,
            ),
        ),
    )
    kind = _("Helping question {id}") if is_scaffold else _("Hint {id}")
    return Group(
        make.prefix,
        kind.format(id=hint["id"]),
        boxes=tuple(boxes),
        groups=(*groups, more),
        tools=_tools(section, at, n_hints),
        errors=make.errors(),
    )


def _tools(section: str, at: int, n_rows: int) -> tuple[Tool, ...]:
    said = str(at + 1)
    found = [Tool(f"remove:{section}.{at}", _("Remove"), said)]
    if at + 1 < n_rows:
        found.insert(0, Tool(f"down:{section}.{at}", _("Down"), said))
    if at:
        found.insert(0, Tool(f"up:{section}.{at}", _("Up"), said))
    return tuple(found)


def document_json(document: Document) -> str:
    """Write a document for who edits it as text."""
    return json.dumps(document, ensure_ascii=False, indent=2)
