"""The editor's form as data: boxes to fill in, in groups. Names are those that `posted` reads."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from tutor.content.errors import RowError, Severity


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of a select, or one tick."""

    value: str
    label: str
    is_picked: bool = False


@dataclass(frozen=True, slots=True)
class Box:
    """One input with its label. `kind` is line, text, select, ticks, tick, radio or hidden."""

    name: str
    label: str = ""
    value: str = ""
    kind: str = "line"
    help: str = ""
    rows: int = 3
    choices: tuple[Choice, ...] = ()
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    is_code: bool = False
    does_rebuild: bool = False

    @property
    def id(self) -> str:
        """The id of its input."""
        return id_of(self.name)


@dataclass(frozen=True, slots=True)
class Tool:
    """A button that changes the form: `op` says what, such as `add:steps.0.hints`."""

    op: str
    label: str
    said: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Boxes that belong together, groups within them, and what can be done with them."""

    name: str
    title: str
    boxes: tuple[Box, ...] = ()
    groups: tuple["Group", ...] = ()
    tools: tuple[Tool, ...] = ()
    adders: tuple[Tool, ...] = ()
    note: str = ""
    is_folded: bool = False
    errors: tuple[str, ...] = ()
    is_part: bool = False

    @property
    def id(self) -> str:
        """The id of its element."""
        return id_of(self.name)

    @property
    def is_section(self) -> bool:
        """Whether it holds things of one kind rather than being one of them."""
        return not self.tools and not self.is_part


def id_of(name: str) -> str:
    """Give the id that an element of this name has."""
    return "f-" + name.replace(".", "-")


def name_of(pointer: str) -> str:
    """Give the name of the input that a JSON pointer (of the document itself) means."""
    return pointer.strip("/").replace("/", ".")


@dataclass(frozen=True)
class Said:
    """What the checks said, by the input that it concerns."""

    errors: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    warnings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: Iterable[RowError]) -> "Said":
        """Sort findings whose pointers begin at the document."""
        errors: dict[str, tuple[str, ...]] = {}
        warnings: dict[str, tuple[str, ...]] = {}
        for row in rows:
            kept = errors if row.severity == Severity.ERROR else warnings
            name = name_of(row.pointer)
            kept[name] = (*kept.get(name, ()), row.message)
        return cls(errors, warnings)


@dataclass(frozen=True)
class Maker:
    """Makes boxes below one place of the document, with what was said of each."""

    prefix: str
    said: Said

    def at(self, part: str) -> "Maker":
        """Go below."""
        return Maker(self.name(part), self.said)

    def name(self, part: str) -> str:
        """Give the name of a part of this place."""
        return f"{self.prefix}.{part}" if self.prefix else part

    def box(
        self,
        part: str,
        label: str = "",
        value: str = "",
        *,
        kind: str = "line",
        help: str = "",  # noqa: A002 - the word of forms
        rows: int = 3,
        choices: Sequence[Choice] = (),
        is_code: bool = False,
        does_rebuild: bool = False,
    ) -> Box:
        """Make one box."""
        name = self.name(part)
        below = f"{name}."
        # What is said of a list's entry, or of an answer's part that has no input, is told here.
        deep = kind in {"ticks", "text", "line"}
        return Box(
            name=name,
            label=label,
            value=value,
            kind=kind,
            help=help,
            rows=rows,
            choices=tuple(choices),
            errors=_told(self.said.errors, name, below if deep else ""),
            warnings=_told(self.said.warnings, name, below if deep else ""),
            is_code=is_code,
            does_rebuild=does_rebuild,
        )

    def errors(self) -> tuple[str, ...]:
        """What is said of this place itself."""
        return self.said.errors.get(self.prefix, ())


def _told(said: Mapping[str, tuple[str, ...]], name: str, below: str) -> tuple[str, ...]:
    return tuple(
        message
        for place, messages in said.items()
        if place == name or (below and place.startswith(below))
        for message in messages
    )


def options(
    values: Iterable[tuple[str, str]], picked: str, *, empty: str | None = None
) -> tuple[Choice, ...]:
    """Make the choices of a select; a value that is no choice stands there too."""
    found = [Choice(value, label, value == picked) for value, label in values]
    if picked and not any(choice.is_picked for choice in found):
        found.append(Choice(picked, _("{value} (unknown)").format(value=picked), True))
    return (Choice("", empty, not picked), *found) if empty is not None else tuple(found)
