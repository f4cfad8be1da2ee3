"""A small bundle that passes every check, to be broken in one place by each test."""

import base64
import copy
from typing import Any

GIF = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")

BUNDLE: dict[str, Any] = {
    "format": "stepwise-bundle",
    "format_version": 1,
    "course": {"id": "adding", "title": "Sums", "licence": "CC BY 4.0"},
    "skills": [
        {"id": "add", "title": "Add"},
        {"id": "carry", "title": "Carry"},
        {"id": "times", "title": "Times"},
    ],
    "prerequisites": [
        {"from": "add", "to": "carry"},
        {"from": "carry", "to": "times", "weight": 0.5, "reason": "Long sums come up."},
        {"from": "add", "to": "times", "kind": "encompassing", "weight": 0.3},
    ],
    "lessons": [
        {"id": "l-add", "title": "Adding", "skills": ["add", "carry"], "body": "Read $1 + 1$."},
        {
            "id": "l-times",
            "title": "Times",
            "skills": ["times"],
            "worked_examples": [{"title": "One", "body": "$2 \\times 3$", "steps": ["Six."]}],
        },
    ],
    "problems": [
        {
            "id": "p-add",
            "lesson": "l-add",
            "title": "Add them",
            "variables": {
                "a": {"kind": "integer", "min": 1, "max": 9},
                "b": {"kind": "integer", "min": 1, "max": 9},
                "total": {"kind": "computed", "expression": "a + b"},
            },
            "constraints": ["a != b"],
            "steps": [
                {
                    "id": "p-add-a",
                    "prompt": "How much is $@{a} + @{b}$?",
                    "skills": ["add"],
                    "answer": {"kind": "number", "value": "@{total}"},
                    "feedback": [{"answer": "@{a * b + 100}", "text": "You multiplied."}],
                    "hints": [
                        {"id": "h1", "text": "Count on from @{a}."},
                        {
                            "id": "s1",
                            "kind": "scaffold",
                            "text": "What comes after @{a}?",
                            "answer": {"kind": "number", "value": "@{a + 1}"},
                            "depends_on": ["h1"],
                        },
                        {"id": "s1-1", "text": "Count.", "depends_on": ["s1"], "parent": "s1"},
                    ],
                    "solution": "$@{a} + @{b} = @{total}$",
                }
            ],
        },
        {
            "id": "p-carry",
            "lesson": "l-add",
            "body": "Look: ![a dot](asset:dot.gif)",
            "steps": [
                {
                    "id": "p-carry-a",
                    "prompt": "Which carries?",
                    "skills": ["carry", "add"],
                    "answer": {"kind": "choice", "correct": "y"},
                    "choices": [
                        {"id": "x", "text": "$1 + 1$", "feedback": "No.", "misconception": "any"},
                        {"id": "y", "text": "$9 + 9$"},
                    ],
                }
            ],
        },
        {
            "id": "p-times",
            "lesson": "l-times",
            "steps": [
                {
                    "id": "p-times-a",
                    "prompt": "How much is $2 \\times 3$?",
                    "skills": ["times"],
                    "answer": {"kind": "number", "value": 6},
                }
            ],
        },
    ],
    "assets": [
        {"id": "dot.gif", "media_type": "image/gif", "data": base64.b64encode(GIF).decode()}
    ],
}


def bundle_make() -> dict[str, Any]:
    """A fresh copy."""
    return copy.deepcopy(BUNDLE)


def at(document: Any, pointer: str) -> Any:
    """What stands at a JSON pointer."""
    for part in pointer.split("/")[1:]:
        document = document[int(part)] if isinstance(document, list) else document[part]
    return document


def put(document: Any, pointer: str, value: Any) -> None:
    """Write at a JSON pointer; `...` deletes."""
    parent, _, last = pointer.rpartition("/")
    holder = at(document, parent)
    key = int(last) if isinstance(holder, list) else last
    if value is ...:
        del holder[key]
    elif isinstance(holder, list) and key == len(holder):
        holder.append(value)
    else:
        holder[key] = value
