"""Where a log's items and skills belong: the course's steps and skills, made where there are none.

What is made is a skeleton: skills to trace, and retired steps that hold the history and are never
offered. A later import of the real content takes steps of the same ids over.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from django.utils.translation import gettext as _

from tutor.accounts.models import User
from tutor.common.errors import TutorError
from tutor.common.giving_way import short_turn
from tutor.content.applying import chunks_of
from tutor.content.bulk import rows_write
from tutor.content.bundles import FORMAT, FORMAT_VERSION
from tutor.content.errors import RowError, value_shown
from tutor.content.exporting import course_export
from tutor.content.importing import course_import
from tutor.content.models import KEY_LENGTH, Course, Lesson, Problem, Skill, Step
from tutor.content.oatutor import id_from
from tutor.tracing.history_mapping import NO_MAPPING, IdMapping
from tutor.tracing.history_reading import ANY_ITEM, History

LESSON_KEY = "imported-history"
PROBLEMS_SHOWN = 100
# Written at a time: on SQLite a learner's answer waits meanwhile.
CHUNK = 100
_DIGEST = 16


class HistoryRefusedError(TutorError):
    """An import that wrote nothing; `rows` lists what the course lacks, with row numbers."""

    code = "unknown_content"

    def __init__(self, rows: Sequence[RowError], *, n_problems: int) -> None:
        self.rows = tuple(rows)
        self.problems = tuple(row.message for row in rows)
        super().__init__(
            _(
                "The log has {count} items or skills that the course lacks, so nothing was "
                "imported: {first} Import the content first, or have skeletons made for the "
                "history (--create-content, create_content)."
            ).format(count=f"{n_problems:,}", first=self.problems[0])
        )


@dataclass(frozen=True, slots=True)
class ContentMap:
    """The rows of a log's skills and steps, by their codes; None where the course has none."""

    skill_pks: tuple[int | None, ...]
    step_pks: tuple[int | None, ...]

    @property
    def n_skills_missing(self) -> int:
        """Return how many skills of the log the course lacks."""
        return self.skill_pks.count(None)

    @property
    def n_steps_missing(self) -> int:
        """Return how many items of the log the course lacks."""
        return self.step_pks.count(None)

    @property
    def is_whole(self) -> bool:
        """Return whether the course has everything that the log names."""
        return not (self.n_skills_missing or self.n_steps_missing)


def key_from(text: str) -> str:
    """Make the id of a step or skill from what a log calls it; ids that are ids already stay."""
    key = id_from(text)
    if key and len(text) <= KEY_LENGTH:
        return key
    digest = _digest(text)
    return f"{key[: KEY_LENGTH - _DIGEST - 1]}-{digest}" if key else digest


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGEST]


def content_find(
    course: Course | None, history: History, *, mapping: IdMapping = NO_MAPPING
) -> ContentMap:
    """Look the log's skills and items up in a course: by a mapping, as they stand, as made ids."""
    skills: dict[str, int] = {}
    steps: dict[str, int] = {}
    if course is not None:
        skills = dict(Skill.objects.filter(course=course).values_list("key", "pk"))
        steps = dict(Step.objects.filter(course=course).values_list("key", "pk"))
    return ContentMap(
        skill_pks=tuple(
            _found(str(text), skills, mapping.skills) for text in history.log.data.skills
        ),
        step_pks=tuple(_found(text, steps, mapping.items) for text in history.step_texts),
    )


def _found(text: str, known: dict[str, int], mapped: Mapping[str, str]) -> int | None:
    if text in mapped:
        return known.get(mapped[text])
    return known.get(text, known.get(key_from(text)))


def content_refuse(
    content: ContentMap, history: History, *, mapping: IdMapping = NO_MAPPING
) -> HistoryRefusedError:
    """Say what the course lacks, with the first row that names it."""
    data = history.log.data
    problems: list[RowError] = []
    for code, pk in enumerate(content.step_pks):
        if pk is None and len(problems) < PROBLEMS_SHOWN:
            text = history.step_texts[code]
            row = history.row_of(int(np.argmax(history.step == code)))
            said = (
                _("Row {row} has no item, and the course has no step '{step}'.")
                if text.startswith(ANY_ITEM)
                else _("Row {row} has the item '{item}', and the course has no step '{step}'.")
            )
            wanted = mapping.items.get(text, key_from(text))
            message = said.format(row=row, item=text, step=wanted)
            expected = _("a step of the course")
            problems.append(RowError(f"row {row}", "item", value_shown(text), expected, message))
    for code, pk in enumerate(content.skill_pks):
        if pk is None and len(problems) < 2 * PROBLEMS_SHOWN:
            at = int(np.argmax(data.skill_index == code))
            response = int(np.searchsorted(data.skill_indptr, at, side="right")) - 1
            row, text = history.row_of(response), str(data.skills[code])
            message = _("Row {row} has the skill '{skill}', which the course lacks.").format(
                row=row, skill=text
            )
            expected = _("a skill of the course")
            problems.append(RowError(f"row {row}", "skill", value_shown(text), expected, message))
    return HistoryRefusedError(
        problems, n_problems=content.n_skills_missing + content.n_steps_missing
    )


def content_create(
    course: Course | None,
    history: History,
    content: ContentMap,
    *,
    course_key: str,
    mapping: IdMapping = NO_MAPPING,
    by: User | None,
    now: datetime,
) -> Course:
    """Make what the log names and the course lacks, the course too; skills as a new version of it.

    Raises:
        TutorError: when the course's id cannot be one.
    """
    new_skills = {
        key_from(text): text
        for text, pk in zip(map(str, history.log.data.skills), content.skill_pks, strict=True)
        if pk is None and text not in mapping.skills
    }
    if new_skills or course is None:
        course = _skills_create(course, new_skills, course_key=course_key, by=by, now=now)
    _steps_create(course, history, content, mapping=mapping)
    return course


def _skills_create(
    course: Course | None,
    skills: dict[str, str],
    *,
    course_key: str,
    by: User | None,
    now: datetime,
) -> Course:
    bundle: dict[str, Any] = (
        {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "course": {"id": course_key, "title": course_key},
            "skills": [],
        }
        if course is None
        else course_export(course)
    )
    bundle["skills"] = [
        *bundle["skills"],
        *({"id": key, "title": text[:200]} for key, text in skills.items()),
    ]
    made = course_import(bundle, by=by, now=now, is_dry_run=False).course
    if made is None:
        raise TutorError(f"The course '{course_key}' was not made.", code="course_missing")
    return made


def _steps_create(
    course: Course, history: History, content: ContentMap, *, mapping: IdMapping
) -> None:
    """Make a retired problem of one retired step for every item that the course lacks."""
    key_of = {
        code: key_from(history.step_texts[code])
        for code, pk in enumerate(content.step_pks)
        if pk is None
    }
    if not key_of:
        return
    # Two items may come to one id; they are one step then, named after the first.
    text_of = {key: history.step_texts[code] for code, key in reversed(key_of.items())}
    skills_of = _skills_of_codes(course, history, mapping=mapping)
    codes_of: dict[str, list[int]] = {}
    for code, key in key_of.items():
        codes_of.setdefault(key, []).append(code)
    lesson, _made = Lesson.objects.get_or_create(
        course=course, key=LESSON_KEY, defaults={"title": "Imported history", "is_retired": True}
    )
    for some in chunks_of(text_of.items(), CHUNK):
        with short_turn():
            pk_of = _steps_make(course, lesson, some)
            links = {
                (pk, skill)
                for key, pk in pk_of.items()
                for code in codes_of[key]
                for skill in skills_of.get(code, ())
            }
            rows_write(Step.skills.through, ["step", "skill"], links)


def _steps_make(course: Course, lesson: Lesson, texts: Sequence[tuple[str, str]]) -> dict[str, int]:
    problems = Problem.objects.bulk_create(
        [
            Problem(
                course=course,
                lesson=lesson,
                key=f"imported-{_digest(key)}",
                title=text[:300],
                is_retired=True,
            )
            for key, text in texts
        ]
    )
    steps = Step.objects.bulk_create(
        [
            Step(
                course=course,
                problem=problem,
                key=key,
                prompt=text,
                answer={"kind": "imported"},
                answer_kind="imported",
                is_retired=True,
            )
            for problem, (key, text) in zip(problems, texts, strict=True)
        ]
    )
    return {step.key: step.pk for step in steps}


def _skills_of_codes(
    course: Course, history: History, *, mapping: IdMapping
) -> dict[int, list[int]]:
    """Every skill that the log ever gives an item, as rows, by the item's code."""
    data = history.log.data
    skills = content_find(course, history, mapping=mapping).skill_pks
    of_entry = np.repeat(history.step, np.diff(data.skill_indptr))
    pairs = np.unique(np.stack([of_entry, data.skill_index.astype(np.int64)], axis=1), axis=0)
    found: dict[int, list[int]] = {}
    for code, skill in pairs.tolist():
        pk = skills[skill]
        if pk is not None:
            found.setdefault(code, []).append(pk)
    return found
