"""A problem or lesson from a posted form, whose fields are named by place: `steps.0.prompt`.

What is posted becomes a document whether or not it is right: `three` where a number belongs stays
`three`, so that nothing an author typed is lost and the checks can say what was expected. Whatever
reads as it stood before stays as it stood (6 stays a number, "6" a text).
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tutor.content.bundles import Document
from tutor.grading import kinds_expression, kinds_number
from tutor.grading.specs import posted

Tree = dict[str, Any]
MAX_DEPTH = 8
MAX_INDEX = 200
_WHOLE = re.compile(r"-?\d{1,15}")
_DECIMAL = re.compile(r"-?\d{1,12}\.\d{1,12}")
_LINES = re.compile(r"\r\n?")

FORMS = {"fraction": kinds_number.FORMS, "expression": kinds_expression.FORMS}
ELEMENT_KINDS = ("number", "fraction", "expression", "text")


def tree_of(lists: Mapping[str, Sequence[str]]) -> Tree:
    """Arrange posted fields by their names; numbers in names become places in lists."""
    root: Tree = {}
    for name, values in lists.items():
        parts = name.split(".")
        if len(parts) > MAX_DEPTH or not all(parts):
            continue
        node = root
        for part in parts[:-1]:
            below = node.setdefault(part, {})
            if not isinstance(below, dict):
                break
            node = below
        else:
            node[parts[-1]] = [_LINES.sub("\n", value) for value in values]
    return root


def problem_posted(tree: Tree, before: Document) -> Document:
    """Build a problem; what the form does not hold (its id, its order) stays as `before` has it."""
    document = {
        "id": before["id"],
        "lesson": _line(tree, "lesson") or before["lesson"],
        "title": _line(tree, "title"),
        "order": _whole(_line(tree, "order"), before.get("order", 0)),
        "body": _text(tree, "body"),
        "licence": _line(tree, "licence"),
        "attribution": _text(tree, "attribution"),
        "variables": _variables(tree),
        "constraints": _lines(tree, "constraints"),
        "steps": [_step(step) for step in _rows(tree, "steps")],
    }
    return dict(as_before(document, before))


def lesson_posted(tree: Tree, before: Document) -> Document:
    """Build a lesson; its id stays."""
    document = {
        "id": before["id"],
        "title": _line(tree, "title"),
        "skills": _skills(tree),
        "order": _whole(_line(tree, "order"), before.get("order", 0)),
        "body": _text(tree, "body"),
        "worked_examples": [
            _filled(
                {
                    "title": _line(example, "title"),
                    "body": _text(example, "body"),
                    "steps": [_text(row, "text") for row in _rows(example, "steps")],
                },
                {"gaps": _lines(example, "gaps"), "closing": _text(example, "closing")},
            )
            for example in _rows(tree, "worked_examples")
        ],
    }
    return dict(as_before(document, before))


def as_before(new: Any, old: Any) -> Any:
    """Give what was posted, with the types that stood there before where it says the same."""
    if isinstance(new, dict) and isinstance(old, dict):
        kept = {key: as_before(value, old.get(key)) for key, value in new.items()}
        if "kind" in new and new["kind"] == old.get("kind"):
            # An answer that spells a default out goes on doing so.
            kept |= {k: v for k, v in old.items() if k not in new and (not v or v == "any")}
            kept |= _picks_before(kept, old)
        return kept
    if isinstance(new, list) and isinstance(old, list):
        by_id = {item["id"]: item for item in old if isinstance(item, dict) and "id" in item}
        return [
            as_before(item, by_id.get(item["id"]))
            if isinstance(item, dict) and "id" in item
            else as_before(item, old[at] if at < len(old) else None)
            for at, item in enumerate(new)
        ]
    if isinstance(new, str) and isinstance(old, str):
        return old if _LINES.sub("\n", old).strip() == new.strip() else new
    if isinstance(new, str) and old is not None and not isinstance(old, bool):
        return old if shown(old) == new else new
    return new


def _picks_before(new: Document, old: Document) -> Document:
    """Keep the order of a multiple choice's right answers, which says nothing."""
    picks, before = new.get("correct"), old.get("correct")
    is_same = (
        new["kind"] == "multiple_choice"
        and isinstance(picks, list)
        and isinstance(before, list)
        and sorted(map(str, picks)) == sorted(map(str, before))
    )
    return {"correct": before} if is_same else {}


def shown(value: Any) -> str:
    """Write a value as its input shows it."""
    return posted(value)


def value_shown(value: object) -> str:
    """Write a value among which texts and numbers differ: a text like a number in quotes."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False) if _typed(value) != value else value
    return str(value)


def _step(tree: Tree) -> Document:
    return {
        "id": _line(tree, "id"),
        "prompt": _text(tree, "prompt"),
        "skills": _skills(tree),
        "answer": _answer(tree),
        "choices": _choices(tree),
        "feedback": [
            _filled(
                {"answer": _text(entry, "answer"), "text": _text(entry, "text")},
                {"misconception": _line(entry, "misconception")},
            )
            for entry in _rows(tree, "feedback")
        ],
        "hints": [_hint(hint) for hint in _rows(tree, "hints")],
        "solution": _text(tree, "solution"),
    }


def _hint(tree: Tree) -> Document:
    kind = _line(tree, "kind") or "hint"
    hint = {
        "id": _line(tree, "id"),
        "kind": kind,
        "title": _line(tree, "title"),
        "text": _text(tree, "text"),
        "depends_on": _line(tree, "depends_on").split(),
        "choices": _choices(tree) if kind == "scaffold" else [],
    }
    answer = _answer(tree) if kind == "scaffold" else {}
    return _filled(hint, {"answer": answer, "parent": _line(tree, "parent")})


def _choices(tree: Tree) -> list[Document]:
    return [
        _filled(
            {
                "id": _line(choice, "id"),
                "text": _text(choice, "text"),
                "feedback": _text(choice, "feedback"),
            },
            {"misconception": _line(choice, "misconception")},
        )
        for choice in _rows(tree, "choices")
    ]


def _answer(tree: Tree) -> Document:
    """Build the answer of a step or scaffold from the fields that its kind has."""
    at = tree.get("answer")
    fields: Tree = at if isinstance(at, dict) else {}
    kind = _line(fields, "kind") or "number"
    return {"kind": kind, **_ANSWERS.get(kind, _valued)(fields, tree)}


def _valued(fields: Tree, _tree: Tree) -> Document:
    return {"value": _line(fields, "value")}


def _number_answer(fields: Tree, tree: Tree) -> Document:
    unit_lines = _text(fields, "units")
    extra: Document = {
        "tolerance": _line(fields, "tolerance"),
        "relative_tolerance": _line(fields, "relative_tolerance"),
        "units": [unit.strip() for unit in unit_lines.split("\n")] if unit_lines.strip() else [],
    }
    return _filled(_valued(fields, tree), extra)


def _formed(fields: Tree, tree: Tree) -> Document:
    form = _line(fields, "form")
    return _filled(_valued(fields, tree), {"form": "" if form == "any" else form})


def _text_answer(fields: Tree, _tree: Tree) -> Document:
    return _filled(
        {"accepted": _lines(fields, "accepted")},
        {"case_sensitive": bool(_line(fields, "case_sensitive"))},
    )


def _choice_answer(_fields: Tree, tree: Tree) -> Document:
    right = _ids_ticked(tree)
    return {"correct": right[0] if right else ""}


def _choices_answer(_fields: Tree, tree: Tree) -> Document:
    return {"correct": _ids_ticked(tree)}


def _ids_ticked(tree: Tree) -> list[str]:
    at = tree.get("answer")
    ticked = at.get("correct", []) if isinstance(at, dict) else []
    return [str(key) for key in ticked] if isinstance(ticked, list) else []


def _ordering_answer(_fields: Tree, tree: Tree) -> Document:
    """Order the choices by the places that were given to them."""
    rows = _rows(tree, "choices")
    places = [
        (_whole(_line(row, "place"), MAX_INDEX), at, _line(row, "id"))
        for at, row in enumerate(rows)
    ]
    return {"correct": [key for _place, _at, key in sorted(places)]}


def _matching_answer(fields: Tree, _tree: Tree) -> Document:
    rows = _rows(fields, "left")
    return {
        "left": [{"id": _line(row, "id"), "text": _text(row, "text")} for row in rows],
        "correct": {_line(row, "id"): _line(row, "partner") for row in rows},
    }


def _collection(fields: Tree, _tree: Tree) -> Document:
    kind = _line(fields, "element")
    more = _line(fields, "element_more")
    element: Document = {"kind": kind} if kind else {}
    try:
        kept = json.loads(more) if more else {}
    except ValueError:
        kept = {}
    if isinstance(kept, dict) and kind and kept.get("kind", kind) == kind:
        element = kept | element
    extra = {"element": element, "ordered": bool(_line(fields, "ordered"))}
    return _filled({"values": _lines(fields, "values")}, extra)


_ANSWERS: Mapping[str, Callable[[Tree, Tree], Document]] = {
    "number": _number_answer,
    "fraction": _formed,
    "expression": _formed,
    "interval": _valued,
    "text": _text_answer,
    "choice": _choice_answer,
    "multiple_choice": _choices_answer,
    "ordering": _ordering_answer,
    "matching": _matching_answer,
    "list": _collection,
    "tuple": _collection,
}


def _variables(tree: Tree) -> Document:
    found: Document = {}
    for row in _rows(tree, "variables"):
        kind = _line(row, "kind") or "integer"
        variable: Document = {"kind": kind}
        if kind == "integer":
            numbers = {key: _line(row, key) for key in ("min", "max", "step")}
            variable |= {key: _number(text) for key, text in numbers.items() if text}
            excluded = [_number(part) for part in _line(row, "exclude").split()]
            variable |= {"exclude": excluded} if excluded else {}
        elif kind == "choice":
            variable["values"] = [_typed(line) for line in _lines(row, "values")]
        else:
            variable["expression"] = _line(row, "expression")
        name = _line(row, "name")
        # Two of one name: the second keeps its content until it is renamed.
        while name in found:
            name += "_"
        found[name] = variable
    return found


def _typed(text: str) -> object:
    """Read a value: a number as a number, a text in quotes as what stands between them."""
    if len(text) > 1 and text[0] == text[-1] == '"':
        try:
            quoted = json.loads(text)
        except ValueError:
            return text
        return quoted if isinstance(quoted, str) else text
    return _number(text)


def _number(text: str) -> int | float | str:
    if _WHOLE.fullmatch(text):
        return int(text)
    return float(text) if _DECIMAL.fullmatch(text) else text


def _whole(text: str, default: int) -> int:
    return int(text) if _WHOLE.fullmatch(text) else default


def _skills(tree: Tree) -> list[str]:
    ticked = tree.get("skills", [])
    keys = [str(key) for key in ticked] if isinstance(ticked, list) else []
    more = _line(tree, "skill_more")
    return sorted({*keys, *([more] if more else [])})


def _rows(tree: Tree, name: str) -> list[Tree]:
    rows = tree.get(name)
    if not isinstance(rows, dict):
        return []
    places = sorted(int(key) for key in rows if key.isascii() and key.isdigit() and len(key) < 4)
    found = (rows.get(str(place)) for place in places[:MAX_INDEX])
    return [row for row in found if isinstance(row, dict)]


def _text(tree: Tree, name: str) -> str:
    values = tree.get(name)
    return str(values[-1]) if isinstance(values, list) and values else ""


def _line(tree: Tree, name: str) -> str:
    return _text(tree, name).replace("\n", " ").strip()


def _lines(tree: Tree, name: str) -> list[str]:
    return [line.strip() for line in _text(tree, name).split("\n") if line.strip()]


def _filled(document: Document, extra: Mapping[str, Any]) -> Document:
    """Add what is not empty."""
    return document | {key: value for key, value in extra.items() if value}
