"""What the editor's buttons do: add, remove and move parts of a document. Nothing is written."""

import copy
from collections.abc import Callable, Iterable, Mapping
from string import ascii_lowercase
from typing import Any

from tutor.content.bundles import Document

MOST = 100


def document_change(document: Document, op: str) -> tuple[Document, str]:
    """Carry out `add:steps`, `remove:steps.0.hints.1`, `up:...`, `down:...`, `scaffold:...`.

    Gives the new document and the name of the part to look at. What names no part of the document
    changes nothing: the page was old, or the form was not ours.
    """
    verb, _, name = op.partition(":")
    changed = copy.deepcopy(document)
    try:
        if verb in {"add", "scaffold"}:
            return changed, _add(changed, name, is_scaffold=verb == "scaffold")
        section, _, place = name.rpartition(".")
        at = int(place)
        return changed, _move(changed, section, at, verb)
    except (KeyError, IndexError, ValueError, TypeError):
        return document, ""


def _add(document: Document, name: str, *, is_scaffold: bool) -> str:
    if name == "variables":
        variable = {"kind": "integer", "min": 1, "max": 9}
        document["variables"][_free(ascii_lowercase, document["variables"])] = variable
        return f"variables.{len(document['variables']) - 1}"
    parent, _, kind = name.rpartition(".")
    holder = _at(document, parent)
    rows = holder.setdefault(kind, [])
    if not isinstance(rows, list) or len(rows) >= MOST:
        raise ValueError(name)
    rows.append(_scaffold(rows) if is_scaffold else _NEW[kind](rows, document))
    if kind == "choices" and holder["answer"]["kind"] == "ordering":
        holder["answer"].setdefault("correct", []).append(rows[-1]["id"])
    return f"{name}.{len(rows) - 1}"


def _move(document: Document, section: str, at: int, verb: str) -> str:
    if section == "variables":
        if verb != "remove":
            raise ValueError(verb)
        del document["variables"][list(document["variables"])[at]]
        return section
    rows = _at(document, section)
    if not isinstance(rows, list) or not 0 <= at < len(rows):
        raise IndexError(at)
    if verb == "remove":
        gone = rows.pop(at)
        _forget(document, section, gone)
        return section
    to = at + {"up": -1, "down": 1}[verb]
    if not 0 <= to < len(rows):
        raise IndexError(to)
    rows[at], rows[to] = rows[to], rows[at]
    return f"{section}.{to}"


def _forget(document: Document, section: str, gone: Any) -> None:
    """Take what was removed out of what names it."""
    key = gone.get("id") if isinstance(gone, Mapping) else None
    holder = _at(document, section.rpartition(".")[0])
    kind = section.rpartition(".")[2]
    if kind == "hints":
        for hint in holder["hints"]:
            hint["depends_on"] = [other for other in hint["depends_on"] if other != key]
            if hint.get("parent") == key:
                del hint["parent"]
    if kind == "choices":
        correct = holder["answer"].get("correct")
        if isinstance(correct, list):
            holder["answer"]["correct"] = [other for other in correct if other != key]
        elif isinstance(correct, dict):
            pairs = {left: other for left, other in correct.items() if other != key}
            holder["answer"]["correct"] = pairs
        elif correct == key:
            holder["answer"]["correct"] = ""
    if kind == "left":
        holder.get("correct", {}).pop(key, None)


def _at(document: Document, name: str) -> Any:
    node: Any = document
    for part in filter(None, name.split(".")):
        node = node[int(part)] if isinstance(node, list) else node[part]
    return node


def _free(names: Iterable[str], taken: Iterable[str]) -> str:
    used = set(taken)
    return next(name for name in names if name not in used)


def _ids(rows: Iterable[Mapping[str, Any]]) -> set[str]:
    return {str(row.get("id")) for row in rows}


def step_new(rows: list[Document], document: Document) -> Document:
    """Make a blank step of a problem, with an id that follows from the problem's."""
    letters = (*ascii_lowercase, *map(str, range(27, 300)))
    key = _free((f"{document['id']}-{letter}" for letter in letters), _ids(rows))
    return {
        "id": key,
        "prompt": "",
        "skills": rows[-1]["skills"] if rows else [],
        "answer": {"kind": "number", "value": ""},
        "choices": [],
        "feedback": [],
        "hints": [],
        "solution": "",
    }


def _hint(rows: list[Document], _document: Document) -> Document:
    key = _free((f"h{number}" for number in range(1, 300)), _ids(rows))
    return {"id": key, "kind": "hint", "title": "", "text": "", "depends_on": [], "choices": []}


def _scaffold(rows: list[Document]) -> Document:
    key = _free((f"s{number}" for number in range(1, 300)), _ids(rows))
    answer = {"kind": "number", "value": ""}
    blank = {"id": key, "kind": "scaffold", "title": "", "text": "", "depends_on": []}
    return blank | {"choices": [], "answer": answer}


def _choice(rows: list[Document], _document: Document) -> Document:
    letters = (*ascii_lowercase, *(f"c{number}" for number in range(27, 300)))
    return {"id": _free(letters, _ids(rows)), "text": "", "feedback": ""}


def _left(rows: list[Document], _document: Document) -> Document:
    return {"id": _free((f"l{n}" for n in range(1, 300)), _ids(rows)), "text": ""}


_NEW: Mapping[str, Callable[[list[Document], Document], Any]] = {
    "steps": step_new,
    "hints": _hint,
    "choices": _choice,
    "left": _left,
    "feedback": lambda _rows, _document: {"answer": "", "text": ""},
    "worked_examples": lambda _rows, _document: {"title": "", "body": "", "steps": [""]},
}
