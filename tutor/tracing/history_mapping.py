"""What a log's ids stand for here: learners are accounts, items steps, skills skills."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import QuerySet
from django.db.models.functions import Lower
from django.utils.translation import gettext as _

from tutor.accounts.models import Role, User
from tutor.common.errors import TutorError
from tutor.content.errors import RowError, value_shown

PARTS = ("learners", "items", "skills")
ROWS_MOST = 100


@dataclass(frozen=True, slots=True)
class IdMapping:
    """By the log's ids: the username of a learner, the id of a step, the id of a skill."""

    learners: Mapping[str, str] = field(default_factory=dict)
    items: Mapping[str, str] = field(default_factory=dict)
    skills: Mapping[str, str] = field(default_factory=dict)

    def unused(
        self, learners: Iterable[str], items: Iterable[str], skills: Iterable[str]
    ) -> list[str]:
        """Say which ids the log does not have."""
        notes = []
        for name, part, there in (
            ("learners", self.learners, learners),
            ("items", self.items, items),
            ("skills", self.skills, skills),
        ):
            unused = sorted(part.keys() - set(map(str, there)))
            if unused:
                notes.append(
                    _(
                        "The mapping of {part} names {count} ids that the log does not have, such "
                        "as '{example}'."
                    ).format(part=name, count=f"{len(unused):,}", example=unused[0])
                )
        return notes

    def as_dict(self) -> dict[str, dict[str, str]]:
        """Return the mapping as JSON has it."""
        return {name: dict(getattr(self, name)) for name in PARTS}


NO_MAPPING = IdMapping()


class MappingRefusedError(TutorError):
    """A mapping that cannot be used; `rows` lists what is wrong, by JSON pointer."""

    code = "mapping_refused"

    def __init__(self, rows: list[RowError]) -> None:
        self.rows = tuple(rows)
        super().__init__(_("The mapping of ids cannot be used: {why}").format(why=rows[0].message))


def mapping_read(document: object) -> IdMapping:
    """Read `{"learners": {"8": "ada"}, "items": {...}, "skills": {...}}`; each part may be absent.

    Raises:
        MappingRefusedError: with every place that is wrong.
    """
    if not isinstance(document, Mapping):
        raise MappingRefusedError([_row("", document, "an object with learners, items or skills")])
    wrong = [
        _row(f"/{name}", value, f"one of {', '.join(PARTS)}")
        for name, value in document.items()
        if name not in PARTS
    ]
    parts: dict[str, dict[str, str]] = {}
    for name in PARTS:
        part = document.get(name, {})
        if not isinstance(part, Mapping):
            wrong.append(_row(f"/{name}", part, "an object from the log's ids to ours"))
            continue
        parts[name] = {}
        for key, value in part.items():
            if isinstance(value, str) and value and _is_kept(value) and _is_kept(str(key)):
                parts[name][str(key)] = value
            else:
                wrong.append(_row(f"/{name}/{key}", value, "a text, the id here"))
    if wrong:
        raise MappingRefusedError(wrong[:ROWS_MOST])
    return IdMapping(**parts)


def _is_kept(text: str) -> bool:
    """Whether a database keeps a text: no null character, no half of a character."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\x00" not in text


def mapping_parse(text: str) -> IdMapping:
    """Read a mapping from JSON. Raises: MappingRefusedError."""
    try:
        document: Any = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise MappingRefusedError([_row("", text, f"JSON ({error})")]) from error
    return mapping_read(document)


def learners_resolve(mapping: IdMapping, *, within: QuerySet[User]) -> dict[str, User]:
    """Return the accounts of a mapping's learners, by the log's ids.

    Raises:
        MappingRefusedError: for names that are no learner's, or no learner's of `within`.
    """
    if not mapping.learners:
        return {}
    wanted = {name.lower() for name in mapping.learners.values()}
    found = {
        user.username.lower(): user
        for user in within.filter(role=Role.LEARNER)
        .annotate(name=Lower("username"))
        .filter(name__in=wanted)
    }
    missing = [
        _row(f"/learners/{text}", name, "the username of a learner of yours")
        for text, name in mapping.learners.items()
        if name.lower() not in found
    ]
    if missing:
        raise MappingRefusedError(missing[:ROWS_MOST])
    return {text: found[name.lower()] for text, name in mapping.learners.items()}


def _row(pointer: str, value: object, expected: str) -> RowError:
    # Half a character cannot be sent back as it came.
    pointer = pointer.encode(errors="backslashreplace").decode()
    shown = value_shown(value).encode(errors="backslashreplace").decode()
    return RowError(
        pointer=f"mapping:{pointer or '/'}",
        field=pointer.rpartition("/")[2],
        value=shown,
        expected=expected,
        message=_("{place} is '{value}', expected {expected}.").format(
            place=pointer or "/", value=shown[:80], expected=expected
        ),
    )
