"""The tables of a bundle as CSV files: their columns, and how a cell is written and read back.

One table a kind of thing, a row each; a row names the thing that it belongs to. Lists of ids stand
in one cell with spaces between. What no cell can say plainly is JSON.
"""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tutor.content.bundles import Document
from tutor.content.decoding import json_read
from tutor.content.errors import ContentUnreadableError

ASSETS_FOLDER = "assets/"
# Above the longest text that the schema takes, written as JSON with every character escaped.
MAX_CELL = 1024 * 1024
# Answers that are one text, and those whose texts stand a line each.
ANSWER_TEXT = {
    **dict.fromkeys(("number", "fraction", "expression", "interval"), "value"),
    "choice": "correct",
}
ANSWER_LINES = {"text": "accepted", "list": "values", "tuple": "values"}
ANSWER_IDS = {"multiple_choice": "correct", "ordering": "correct"}


class CellError(Exception):
    """A cell that cannot be read; the text says what was expected."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column: how a value becomes a cell, and a cell a value. Raises: CellError."""

    name: str
    read: Callable[[str], Any]
    write: Callable[[Any], str]
    is_required: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """One CSV file."""

    name: str
    columns: tuple[Column, ...]

    @property
    def file(self) -> str:
        """The file's name."""
        return f"{self.name}.csv"


def _text(name: str) -> Column:
    return Column(name, str, str)


def _id(name: str) -> Column:
    return Column(name, str.strip, str, is_required=True)


def _ids(name: str) -> Column:
    return Column(name, str.split, " ".join)


def _number(name: str, kind: Callable[[str], int | float], expected: str) -> Column:
    def read(cell: str) -> int | float:
        try:
            number = kind(cell.strip())
        except ValueError:
            raise CellError(expected) from None
        if not math.isfinite(number):
            raise CellError(expected)
        return number

    return Column(name, read, _json_cell)


def _json(name: str) -> Column:
    def read(cell: str) -> Any:
        try:
            return json_read(cell.encode(), name="the cell")
        except ContentUnreadableError as error:
            raise CellError(f"JSON ({error.message})") from None

    return Column(name, read, _json_cell)


def _json_cell(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, allow_nan=False)


_ANSWER = (_text("answer_kind"), _text("answer"), _json("answer_more"))
TABLES = {
    table.name: table
    for table in (
        Table(
            "course",
            (
                _number("format_version", int, "a whole number"),
                *(_id("id"), _text("title"), _text("description")),
                *(_text("language"), _text("licence"), _text("attribution")),
            ),
        ),
        Table("skills", (_id("id"), _text("title"), _text("description"))),
        Table(
            "prerequisites",
            (
                *(_id("from"), _id("to"), _text("kind"), _number("weight", float, "a number")),
                *(_text("source"), _text("reason"), _json("via")),
            ),
        ),
        Table(
            "lessons",
            (
                *(_id("id"), _text("title"), _ids("skills")),
                *(_number("order", int, "a whole number"), _text("body")),
            ),
        ),
        Table(
            "examples",
            (
                *(_id("lesson"), _text("title"), _text("body"), _json("steps")),
                *(_json("gaps"), _text("closing")),
            ),
        ),
        Table(
            "problems",
            (
                *(_id("id"), _text("lesson"), _text("title")),
                *(_number("order", int, "a whole number"), _text("body"), _text("licence")),
                *(_text("attribution"), _json("variables"), _json("constraints")),
            ),
        ),
        Table(
            "steps",
            (
                *(_id("id"), _id("problem"), _text("prompt"), _ids("skills"), *_ANSWER),
                _text("solution"),
            ),
        ),
        Table(
            "hints",
            (
                *(_id("id"), _id("step"), _text("kind"), _text("title"), _text("text")),
                *(_ids("depends_on"), _text("parent"), *_ANSWER),
            ),
        ),
        Table(
            "choices",
            (
                *(_id("id"), _id("step"), _text("hint"), _text("text"), _text("feedback")),
                _text("misconception"),
            ),
        ),
        Table(
            "feedback",
            (
                *(_id("step"), _text("answer"), _json("answer_more"), _text("text")),
                _text("misconception"),
            ),
        ),
        Table("assets", (_id("id"), _text("media_type"), _text("sha256"))),
    )
}


def answer_cells(answer: Mapping[str, Any]) -> Document:
    """Write an answer into its three cells."""
    rest = {key: value for key, value in answer.items() if key != "kind"}
    kind, plain = str(answer.get("kind", "")), ""
    key = (ANSWER_TEXT | ANSWER_LINES | ANSWER_IDS).get(kind, "")
    value = rest.get(key)
    if kind in ANSWER_TEXT and isinstance(value, str):
        plain = value
    elif kind in ANSWER_LINES and _are_lines(value):
        plain = "\n".join(value or [])
    elif kind in ANSWER_IDS and _are_ids(value):
        plain = " ".join(value or [])
    if plain:
        del rest[key]
    return {"answer_kind": kind, "answer": plain} | ({"answer_more": rest} if rest else {})


def answer_from(kind: str, plain: str, more: Any) -> Document:
    """Read an answer from its three cells; what they do not say is left to the bundle's checks."""
    answer: Document = {"kind": kind}
    key = (ANSWER_TEXT | ANSWER_LINES | ANSWER_IDS).get(kind, "value")
    if plain and kind in ANSWER_LINES:
        answer[key] = plain.split("\n")
    elif plain and kind in ANSWER_IDS:
        answer[key] = plain.split()
    elif plain:
        answer[key] = plain
    if more is not None and not isinstance(more, dict):
        raise CellError("a JSON object with the answer's other keys")
    twice = answer.keys() & (more or {}).keys()
    if twice:
        raise CellError(f"no key that stands in another cell already ({', '.join(sorted(twice))})")
    return answer | (more or {})


def _are_lines(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(text, str) and text and "\n" not in text for text in value
    )


def _are_ids(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(key, str) and len(key.split()) == 1 and key == key.strip() for key in value
    )
