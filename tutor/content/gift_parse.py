"""GIFT's text taken apart: questions with their lines, and answers with weights and feedback.

Grammar: a question is a paragraph; `::name::`, `[format]`, the text, and answers in braces. The
characters `~ = # { } :` and the backslash are written with a backslash where they are meant.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from tutor.content.quizzes import Unsupported

_COMMENT_ID = re.compile(r"\[id:\s*((?:\\.|[^\]\\])+)\]")
_COMMENT_TAG = re.compile(r"\[tag:\s*([^\]]+)\]")
_FORMAT = re.compile(r"\s*\[(html|moodle|plain|markdown)\]", re.IGNORECASE)
_WEIGHT = re.compile(r"\s*%(-?\d+(?:\.\d*)?)%")
_ESCAPED = re.compile(r"\\([~=#{}:\\n])")
_ROOTS = frozenset({"$course$", "$system$", "$module$", "$cat1$", "top", ""})


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Lines of one question without its comments. `ident` and `tags` stood in comments."""

    line: int
    text: str
    ident: str
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Category:
    """A line `$CATEGORY: path`."""

    line: int
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Stem:
    """A question before its answers are looked at; `body` is None where there are no braces."""

    name: str
    text_format: str
    before: str
    body: str | None
    after: str


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: its mark (`=`, `~` or nothing), weight in percent, raw text and raw feedback."""

    mark: str
    weight: float | None
    text: str
    feedback: str


def paragraphs(lines: list[str]) -> Iterator[Paragraph | Category]:
    """Give the paragraphs and categories of a file in order."""
    start, held = 0, list[str]()
    ident, tags = "", list[str]()
    for number, line in enumerate([*lines, ""], start=1):
        bare = line.strip()
        if bare.startswith("//"):
            found = _COMMENT_ID.search(bare)
            ident = unescape(found[1]).strip() if found else ident
            tags += [tag.strip() for tag in _COMMENT_TAG.findall(bare)]
            continue
        is_category = bare.upper().startswith("$CATEGORY:")
        if bare and not is_category:
            start = start if held else number
            held.append(line)
            continue
        if held:
            yield Paragraph(start, "\n".join(held), ident, tuple(tags))
            held, ident, tags = [], "", []
        if is_category:
            yield Category(number, _category_path(bare[len("$CATEGORY:") :]))


def _category_path(text: str) -> tuple[str, ...]:
    # A doubled slash stands for one that is part of a name.
    parts = [part.replace("//", "/").strip() for part in re.split(r"(?<!/)/(?!/)", text)]
    return tuple(part for part in parts if part not in _ROOTS)


def stem_parse(text: str) -> Stem:
    """Take a question apart.

    Raises:
        Unsupported: when its name or its braces do not close, or there are several blocks.
    """
    rest, name = text.strip(), ""
    if rest.startswith("::"):
        end = _find(rest, "::", 2)
        if end < 0:
            raise Unsupported("its name, which '::' opens, is not closed by another '::'")
        name, rest = unescape(rest[2:end]).strip(), rest[end + 2 :]
    text_format, rest = format_split(rest, "moodle")
    opened = _find(rest, "{", 0)
    if opened < 0:
        if _find(rest, "}", 0) >= 0:
            raise Unsupported("it has a '}' without a '{'; write \\} for a brace in the text")
        return Stem(name, text_format, rest.strip(), None, "")
    closed = _find(rest, "}", opened)
    if closed < 0:
        raise Unsupported("its answers, which '{' opens, are not closed by '}' before a blank line")
    before, body, after = rest[:opened], rest[opened + 1 : closed], rest[closed + 1 :]
    if any(_find(part, brace, 0) >= 0 for part in (before, body, after) for brace in "{}"):
        raise Unsupported("it has several blocks of answers; expected one in braces")
    return Stem(name, text_format, before.strip(), body, after.strip())


def format_split(text: str, given: str) -> tuple[str, str]:
    """Take a `[format]` off a text; without one it has the format given."""
    found = _FORMAT.match(text)
    return (found[1].lower(), text[found.end() :]) if found else (given, text)


def feedback_split(body: str) -> tuple[str, str]:
    """Take the general feedback (`####`) off the answers."""
    at = _find(body, "####", 0)
    return (body, "") if at < 0 else (body[:at], body[at + 4 :])


def answers_parse(body: str) -> list[Answer]:
    """Take answers apart at their marks; the first may have none."""
    starts = [at for at in range(len(body)) if body[at] in "=~" and not _is_escaped(body, at)]
    answers = []
    head = body[: starts[0]] if starts else body
    if head.strip():
        answers.append(_answer("", head))
    for at, end in pairwise([*starts, len(body)]):
        answers.append(_answer(body[at], body[at + 1 : end]))
    return answers


def _answer(mark: str, text: str) -> Answer:
    found = _WEIGHT.match(text)
    weight = float(found[1]) if found else None
    text = text[found.end() :] if found else text
    at = _find(text, "#", 0)
    feedback = "" if at < 0 else text[at + 1 :]
    return Answer(mark, weight, (text if at < 0 else text[:at]).strip(), feedback.strip())


def pair_split(text: str) -> tuple[str, str] | None:
    """Take a pair `left -> right` apart."""
    left, arrow, right = text.partition("->")
    return (left.strip(), right.strip()) if arrow else None


def unescape(text: str) -> str:
    """Undo GIFT's backslashes; other backslashes, such as LaTeX's, stay."""
    return _ESCAPED.sub(lambda found: "\n" if found[1] == "n" else found[1], text)


def _find(text: str, wanted: str, start: int) -> int:
    """Where a mark stands that no backslash escapes, or -1."""
    at = text.find(wanted, start)
    while at >= 0 and _is_escaped(text, at):
        at = text.find(wanted, at + 1)
    return at


def _is_escaped(text: str, at: int) -> bool:
    before = at
    while before > 0 and text[before - 1] == "\\":
        before -= 1
    return (at - before) % 2 == 1
