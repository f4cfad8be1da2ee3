"""Skills and items as the page lists them and the CSV exports them: one list, so they agree."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import Http404, QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tutor.common.tables import Cell
from tutor.content.graph import CourseGraph
from tutor.content.models import Step
from tutor.dashboards.item_facts import Facts, Interval, ItemFlag
from tutor.dashboards.item_measuring import Measurement

PAGE_ROWS = 100

FLAG_WORDS = {
    ItemFlag.EQUIVALENT: gettext_lazy("a wrong answer says what the key says"),
    ItemFlag.WRONG_KEY: gettext_lazy("good learners agree on another answer"),
    ItemFlag.NEGATIVE: gettext_lazy("better learners do worse on it"),
    ItemFlag.NOBODY: gettext_lazy("nearly nobody right, though the skill is known"),
}


class Level(StrEnum):
    """What is listed."""

    SKILLS = "skills"
    ITEMS = "items"


class Scope(StrEnum):
    """Whose answers are counted."""

    CLASS = "class"
    COURSE = "course"


class Sort(StrEnum):
    """By what the rows are sorted."""

    ORDER = "order"
    RIGHT = "right"
    DISCRIMINATION = "discrimination"
    ATTEMPTS = "attempts"
    HELP = "help"
    SECONDS = "seconds"


_VALUES: dict[Sort, Callable[[Facts], float | None]] = {
    Sort.RIGHT: lambda facts: facts.right.value if facts.right else None,
    Sort.DISCRIMINATION: lambda facts: facts.discrimination.value if facts.discrimination else None,
    Sort.ATTEMPTS: lambda facts: float(facts.attempts),
    Sort.HELP: lambda facts: facts.help_share,
    Sort.SECONDS: lambda facts: facts.median_seconds,
}


@dataclass(frozen=True, slots=True)
class Choice:
    """What the address asks for."""

    level: Level = Level.SKILLS
    scope: Scope = Scope.COURSE
    sort: Sort = Sort.ORDER
    is_down: bool = False
    lesson: UUID | None = None
    skill: UUID | None = None
    is_flagged: bool = False
    page: int = 1

    def query(self, **changed: Any) -> str:
        """Return the address's query with something changed; another list begins at its top."""
        wanted = (
            replace(self, page=1, **changed) if "page" not in changed else replace(self, **changed)
        )
        pairs = [("level", wanted.level.value), ("of", wanted.scope.value)]
        if wanted.sort is not Sort.ORDER:
            pairs.append(("sort", ("-" if wanted.is_down else "") + wanted.sort.value))
        for name in ("lesson", "skill"):
            if (uuid := getattr(wanted, name)) is not None:
                pairs.append((name, str(uuid)))
        if wanted.is_flagged:
            pairs.append(("flagged", "1"))
        if wanted.page > 1:
            pairs.append(("page", str(wanted.page)))
        return "?" + urlencode(pairs)


def choice_read(query: QueryDict) -> Choice:
    """Read the choice from an address. Raises: Http404 for what cannot be meant."""
    sort = query.get("sort", Sort.ORDER.value)
    lesson, skill = query.get("lesson"), query.get("skill")
    try:
        return Choice(
            level=Level(query.get("level", Level.SKILLS.value)),
            scope=Scope(query.get("of", Scope.COURSE.value)),
            sort=Sort(sort.removeprefix("-")),
            is_down=sort.startswith("-"),
            lesson=UUID(lesson) if lesson else None,
            skill=UUID(skill) if skill else None,
            is_flagged="flagged" in query,
            page=max(int(query.get("page", "1")), 1),
        )
    except ValueError as error:
        raise Http404 from error


@dataclass(frozen=True, slots=True)
class Row:
    """A skill or an item with what is known of it; None where nobody answered yet."""

    uuid: UUID
    key: str
    title: str
    under: str
    facts: Facts | None

    @property
    def flag_words(self) -> list[str]:
        """Why it looks broken."""
        return [str(FLAG_WORDS[flag]) for flag in self.facts.flags] if self.facts else []


@dataclass(frozen=True, slots=True)
class Listing:
    """The rows of a choice: all of them, and the page that is shown."""

    rows: tuple[Row, ...]
    shown: tuple[Row, ...]
    page: int
    n_pages: int
    n_flagged: int


def listing(graph: CourseGraph, measured: Measurement, choice: Choice) -> Listing:
    """Return the skills or items of a choice in its order (one query for items, none for skills).

    Raises: Http404 for a lesson or skill that the course does not have.
    """
    n_flagged = sum(bool(facts.flags) for facts in measured.items.values())
    skill_ids = _skills_wanted(graph, choice)
    if choice.level is Level.SKILLS:
        rows = [
            Row(
                uuid=skill.uuid,
                key=skill.key,
                title=skill.title,
                under=_lesson_title(graph, skill.id),
                facts=measured.skills.get(skill.id),
            )
            for skill in graph.skills
            if skill.id in skill_ids
        ]
    else:
        rows = _items(graph, measured, skill_ids, is_flagged=choice.is_flagged)
    rows = _sorted(rows, choice)
    n_pages = max(-(-len(rows) // PAGE_ROWS), 1)
    page = min(choice.page, n_pages)
    return Listing(
        rows=tuple(rows),
        shown=tuple(rows[(page - 1) * PAGE_ROWS : page * PAGE_ROWS]),
        page=page,
        n_pages=n_pages,
        n_flagged=n_flagged,
    )


def _skills_wanted(graph: CourseGraph, choice: Choice) -> frozenset[int]:
    wanted = set(graph.skill_ids)
    if choice.skill is not None:
        wanted = {skill.id for skill in graph.skills if skill.uuid == choice.skill}
        if not wanted:
            raise Http404
    if choice.lesson is not None:
        taught = {
            skill_id
            for skill_id, lessons in graph.lessons_by_skill.items()
            if any(lesson.uuid == choice.lesson for lesson in lessons)
        }
        if not taught:
            raise Http404
        wanted &= taught
    return frozenset(wanted)


def _items(
    graph: CourseGraph, measured: Measurement, skill_ids: frozenset[int], *, is_flagged: bool
) -> list[Row]:
    refs = {
        step.step_id: step
        for skill in graph.skills
        if skill.id in skill_ids
        for step in graph.steps_by_skill[skill.id]
    }
    if is_flagged:
        refs = {
            step_id: step
            for step_id, step in refs.items()
            if (facts := measured.items.get(step_id)) and facts.flags
        }
    named = {
        step_id: (uuid, title)
        for step_id, uuid, title in Step.objects.filter(
            course=graph.course_id, is_retired=False
        ).values_list("id", "uuid", "problem__title")
        if step_id in refs
    }
    return [
        Row(
            uuid=named[step_id][0],
            key=step.key,
            title=named[step_id][1] or step.key,
            under=", ".join(graph.skill_of[skill_id].title for skill_id in step.skill_ids),
            facts=measured.items.get(step_id),
        )
        for step_id, step in refs.items()
        if step_id in named
    ]


def _lesson_title(graph: CourseGraph, skill_id: int) -> str:
    lessons = graph.lessons_by_skill[skill_id]
    return lessons[0].title if lessons else ""


def _sorted(rows: list[Row], choice: Choice) -> list[Row]:
    if choice.sort is Sort.ORDER:
        return rows[::-1] if choice.is_down else rows
    value_of, sign = _VALUES[choice.sort], -1.0 if choice.is_down else 1.0

    def key(row: Row) -> tuple[bool, float]:
        value = value_of(row.facts) if row.facts else None
        # What nothing is known of stands last, whichever way the others are sorted.
        return value is None, sign * (value or 0.0)

    return sorted(rows, key=key)


def whole(share: float | None) -> int | None:
    """Return a share in whole per cent as it is shown, halves rounded up."""
    return None if share is None else int(100 * share + 0.5)


def hundredths(value: float | None) -> float | None:
    """Return a correlation as it is shown: two decimals."""
    return None if value is None else round(value, 2)


def table_header(level: Level) -> list[str]:
    """Return the CSV's header."""
    return [
        _("Skill") if level is Level.SKILLS else _("Item"),
        _("Key"),
        _("Lesson") if level is Level.SKILLS else _("Skills"),
        _("Learners"),
        _("Right %"),
        _("Right, low %"),
        _("Right, high %"),
        _("Discrimination"),
        _("Discrimination, low"),
        _("Discrimination, high"),
        _("Discrimination, learners"),
        _("First answers"),
        _("Help first %"),
        _("Median seconds"),
        _("Common wrong answers"),
        _("Looks broken"),
    ]


def table_rows(rows: Sequence[Row]) -> Iterator[list[Cell]]:
    """Return the CSV's rows: the page's numbers in the page's order."""
    for row in rows:
        facts = row.facts
        right = facts.right if facts else None
        discrimination = facts.discrimination if facts else None
        yield [
            row.title,
            row.key,
            row.under,
            right.n if right else 0,
            *(whole(value) for value in _ends(right)),
            *(hundredths(value) for value in _ends(discrimination)),
            discrimination.n if discrimination else 0,
            facts.attempts if facts else 0,
            whole(facts.help_share) if facts else None,
            round(facts.median_seconds) if facts and facts.median_seconds is not None else None,
            "; ".join(f"{wrong.text} ({wrong.n})" for wrong in facts.wrong) if facts else "",
            "; ".join(row.flag_words),
        ]


def _ends(interval: Interval | None) -> tuple[float | None, float | None, float | None]:
    if interval is None:
        return None, None, None
    return interval.value, interval.lower, interval.upper
