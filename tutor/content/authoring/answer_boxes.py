"""The editor's inputs for an answer, of a step or of a helping question alike."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from tutor.content.authoring.boxes import Box, Choice, Group, Maker, Tool, options
from tutor.content.authoring.posted import ELEMENT_KINDS, FORMS, shown
from tutor.content.bundles import Document

CHOICE_KINDS = ("choice", "multiple_choice", "ordering", "matching")


def kind_labels() -> tuple[tuple[str, str], ...]:
    """Every kind of answer, in words."""
    return (
        ("number", _("a number")),
        ("fraction", _("a fraction")),
        ("expression", _("an expression or equation")),
        ("choice", _("one of several choices")),
        ("multiple_choice", _("all that fit of several choices")),
        ("text", _("words")),
        ("ordering", _("things put in order")),
        ("matching", _("pairs")),
        ("interval", _("an interval")),
        ("list", _("several values, in any order")),
        ("tuple", _("values in order, such as a point")),
    )


def answer_boxes(make: Maker, asked: Document) -> list[Box]:
    """Inputs for an answer: its kind, and what that kind has."""
    answer: Mapping[str, Any] = asked.get("answer", {"kind": "number"})
    kind = str(answer.get("kind", "number"))
    below = make.at("answer")
    picked = below.box(
        "kind",
        _("The answer is"),
        kind="select",
        choices=options(kind_labels(), kind),
        does_rebuild=True,
    )
    return [picked, *_of_kind(below, kind, answer, asked)]


def _of_kind(make: Maker, kind: str, answer: Mapping[str, Any], asked: Document) -> Sequence[Box]:
    match kind:
        case "choice" | "multiple_choice":
            return (_right_box(make, kind, answer, asked),)
        case "ordering":
            return ()
        case "matching":
            return _pairs(make, answer, asked)
        case "text":
            accepted = "\n".join(shown(text) for text in answer.get("accepted", ()))
            note = _("One a line; each of them is right. Spaces and accents do not matter.")
            return (
                make.box("accepted", _("Right answers"), accepted, kind="text", rows=2, help=note),
                make.box(
                    "case_sensitive",
                    _("Capital letters matter"),
                    "1" if answer.get("case_sensitive") else "",
                    kind="tick",
                ),
            )
        case "list" | "tuple":
            return _collection(make, kind, answer)
    return _valued(make, kind, answer)


def _valued(make: Maker, kind: str, answer: Mapping[str, Any]) -> Sequence[Box]:
    note = _("As a learner would type it; @{…} takes a variable.")
    value = make.box(
        "value", _("Right answer"), shown(answer.get("value", "")), help=note, is_code=True
    )
    if kind in FORMS:
        labels = {
            "any": _("any form"),
            "lowest": _("lowest terms"),
            "improper": _("no mixed number"),
            "mixed": _("a mixed number"),
            "expanded": _("multiplied out"),
            "factored": _("factored"),
            "solved": _("solved for the letter"),
            "unsolved": _("the equation, not its solution alone"),
            "sides": _("the equation with these two sides"),
        }
        forms = [(form, labels[form]) for form in FORMS[kind]]
        picked = str(answer.get("form", "any"))
        return value, make.box("form", _("Form"), kind="select", choices=options(forms, picked))
    if kind != "number":
        return (value,)
    return (
        value,
        make.box(
            "tolerance",
            _("May be off by"),
            shown(answer.get("tolerance", "")),
            help=_("Blank: exactly right."),
        ),
        make.box(
            "relative_tolerance",
            _("or by this share"),
            shown(answer.get("relative_tolerance", "")),
            help=_("0.01 is one per cent."),
        ),
        make.box(
            "units",
            _("Units"),
            "\n".join(answer.get("units", ())),
            kind="text",
            rows=2,
            help=_("One a line; one must follow the number. A blank line: it may be left out."),
        ),
    )


def _collection(make: Maker, kind: str, answer: Mapping[str, Any]) -> Sequence[Box]:
    element = answer.get("element") or {}
    values = "\n".join(shown(value) for value in answer.get("values", ()))
    more = {key: value for key, value in element.items() if key != "kind"}
    labels = {name: label for name, label in kind_labels() if name in ELEMENT_KINDS}
    boxes = [
        make.box("values", _("Values"), values, kind="text", help=_("One a line."), is_code=True),
        make.box(
            "element",
            _("Each of them is"),
            kind="select",
            choices=options(labels.items(), str(element.get("kind", "")), empty=_("a number")),
        ),
    ]
    if more:
        kept = json.dumps(more | {"kind": element.get("kind", "number")}, ensure_ascii=False)
        boxes.append(make.box("element_more", kind="hidden", value=kept))
    if kind == "list":
        ordered = "1" if answer.get("ordered") else ""
        boxes.append(make.box("ordered", _("The order matters"), ordered, kind="tick"))
    return boxes


def _right_box(make: Maker, kind: str, answer: Mapping[str, Any], asked: Document) -> Box:
    correct = answer.get("correct", "")
    picked = {correct} if isinstance(correct, str) else {str(key) for key in correct or ()}
    ticks = [
        Choice(choice["id"], _label(choice), choice["id"] in picked)
        for choice in asked.get("choices", ())
    ]
    label = _("Right choice") if kind == "choice" else _("Right choices")
    return make.box("correct", label, kind="radio" if kind == "choice" else "ticks", choices=ticks)


def _label(choice: Mapping[str, Any]) -> str:
    text = " ".join(str(choice.get("text", "")).split())
    return f"{choice['id']}: {text[:60]}" if text else str(choice["id"])


def _pairs(make: Maker, answer: Mapping[str, Any], asked: Document) -> Sequence[Box]:
    choices = [(choice["id"], _label(choice)) for choice in asked.get("choices", ())]
    correct = answer.get("correct") or {}
    boxes: list[Box] = []
    for at, side in enumerate(answer.get("left", ())):
        below = make.at(f"left.{at}")
        partner = str(correct.get(side["id"], "")) if isinstance(correct, Mapping) else ""
        boxes += [
            below.box("id", kind="hidden", value=side["id"]),
            below.box("text", _("Left {number}").format(number=at + 1), side["text"]),
            below.box(
                "partner",
                _("Partner of left {number}").format(number=at + 1),
                kind="select",
                choices=options(choices, partner, empty="–"),
            ),
        ]
    return boxes


def choice_groups(make: Maker, asked: Document, *, title: str) -> list[Group]:
    """The choices of an answer that is picked, and the left sides of pairs."""
    kind = asked.get("answer", {}).get("kind")
    choices = asked.get("choices", [])
    if kind not in CHOICE_KINDS and not choices:
        return []
    name = make.name("choices")
    correct = asked.get("answer", {}).get("correct")
    order = correct if kind == "ordering" and isinstance(correct, list) else []
    groups = []
    for at, choice in enumerate(choices):
        below = make.at(f"choices.{at}")
        boxes = [
            below.box("id", kind="hidden", value=choice["id"]),
            below.box("text", _("Text"), choice["text"], kind="text", rows=2),
        ]
        if kind == "ordering":
            place = order.index(choice["id"]) + 1 if choice["id"] in order else len(choices)
            boxes.append(below.box("place", _("Its right place"), str(place)))
        if kind in {"choice", "multiple_choice"}:
            boxes += [
                below.box(
                    "feedback", _("Said to who picks it"), choice["feedback"], kind="text", rows=2
                ),
                below.box(
                    "misconception", _("Misconception (an id)"), choice.get("misconception", "")
                ),
            ]
        else:
            boxes += [
                below.box(part, kind="hidden", value=choice.get(part, ""))
                for part in ("feedback", "misconception")
            ]
        groups.append(
            Group(
                below.prefix,
                _("Choice {id}").format(id=choice["id"]),
                boxes=tuple(boxes),
                tools=(Tool(f"remove:{name}.{at}", _("Remove"), choice["id"]),),
                errors=below.errors(),
            )
        )
    adders = [Tool(f"add:{name}", _("Add a choice"))]
    if kind == "matching":
        left = make.name("answer.left")
        adders.insert(0, Tool(f"add:{left}", _("Add a left side")))
        if asked["answer"].get("left"):
            last = len(asked["answer"]["left"]) - 1
            adders.insert(1, Tool(f"remove:{left}.{last}", _("Remove the last left side")))
    return [Group(name, title, groups=tuple(groups), adders=tuple(adders))]
