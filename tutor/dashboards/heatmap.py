"""The mastery heatmap: learners x skills, with lessons that fold their skills into one column.

Page and CSV are written from the same `Heatmap`, so that they cannot differ.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from tutor.accounts.models import User
from tutor.content.graph import CourseGraph, LessonRef, SkillNode
from tutor.dashboards.words import Said
from tutor.tracing.models import ModelVersion
from tutor.tracing.selectors import EVIDENCE_MIN, ClassBeliefs

# Up to this many skills all are shown at first; of more, the lessons.
OPEN_SKILLS = 40
# A lesson's column is hatched while fewer than this share of its skills have enough evidence.
LESSON_EVIDENCE_SHARE = 0.5


class Order(StrEnum):
    """How the rows are sorted."""

    NAME = "name"
    NAME_DOWN = "-name"
    MEAN = "mean"
    MEAN_DOWN = "-mean"


@dataclass(frozen=True, slots=True)
class Group:
    """A lesson with the skills that are learned in it first; `uuid` is None for the rest."""

    uuid: UUID | None
    title: str
    skills: tuple[SkillNode, ...]
    is_open: bool

    @property
    def span(self) -> int:
        """How many columns it takes."""
        return len(self.skills) if self.is_open else 1


@dataclass(frozen=True, slots=True)
class Column:
    """A skill, or a folded lesson (without a `skill`) with the places of its skills."""

    title: str
    places: tuple[int, ...]
    skill: SkillNode | None

    @property
    def is_lesson(self) -> bool:
        """Whether it stands for a folded lesson."""
        return self.skill is None


@dataclass(frozen=True, eq=False)
class Heatmap:
    """What the page and the CSV show; arrays (n_learners, n_columns) unless said otherwise.

    `correct` is P(next answer right) of a skill, or the mean of it over a lesson's skills: the
    number in a cell; `low` and `high` are its 80 % interval (NaN for lessons). `mastery` is
    P(mastery), likewise, as whole per cent (see `mastery_percent`): the colour. `mean`
    (n_learners,) is the mean of `correct` in per cent over the course's skills with enough
    evidence, NaN where none has it; `known` how many have it. `class_percent` and `class_known`
    (n_columns,) are over the learners with enough evidence. `said` are the teachers' words in force
    by row and column.
    """

    version: ModelVersion
    groups: tuple[Group, ...]
    columns: tuple[Column, ...]
    learners: tuple[User, ...]
    mastery: NDArray[np.int64]
    correct: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    n: NDArray[np.int64]
    is_few: NDArray[np.bool_]
    last_at_days: NDArray[np.float64]
    mean: NDArray[np.float64]
    known: NDArray[np.int64]
    class_percent: NDArray[np.float64]
    class_known: NDArray[np.int64]
    n_skills: int
    said: Mapping[tuple[int, int], tuple[Said, ...]]

    @property
    def is_fitted(self) -> bool:
        """Whether the model has learned from answers of this course, or has only its defaults."""
        return self.version.is_fitted


def mastery_percent(shares: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return P(mastery) as whole per cent, rounded down.

    Down, because statuses turn at whole per cents: a skill that shows 95 % has reached 95 %. The
    smallest float below such a threshold counts as on it.
    """
    return np.floor(100 * shares + 1e-9).astype(np.int64)


def groups_of(graph: CourseGraph, *, opened: Collection[UUID] | None = None) -> tuple[Group, ...]:
    """Put each skill under the first lesson that teaches it, in the course's order.

    `opened` names the lessons whose skills are shown; None opens all of a small course.
    """
    lessons: dict[int, LessonRef] = {}
    members: dict[int | None, list[SkillNode]] = {}
    for skill in graph.skills:
        taught = graph.lessons_by_skill[skill.id]
        lesson = taught[0] if taught else None
        if lesson:
            lessons[lesson.id] = lesson
        members.setdefault(lesson.id if lesson else None, []).append(skill)
    all_open = opened is None and len(graph.skills) <= OPEN_SKILLS
    groups = []
    for key, skills in members.items():
        uuid = lessons[key].uuid if key is not None else None
        title = lessons[key].title if key is not None else ""
        # A lesson of one skill has nothing to fold.
        is_open = all_open or len(skills) == 1 or uuid is None or uuid in (opened or ())
        groups.append(Group(uuid=uuid, title=title, skills=tuple(skills), is_open=is_open))
    return tuple(groups)


def heatmap_build(
    learners: Sequence[User],
    beliefs: ClassBeliefs,
    groups: Sequence[Group],
    *,
    order: Order = Order.NAME,
    said: Mapping[tuple[int, int], Said] = MappingProxyType({}),
) -> Heatmap:
    """Lay out beliefs as rows and columns. `learners` stand in the order of the beliefs.

    `said` are teachers' words by learner and skill id.
    """
    place = {skill_id: row for row, skill_id in enumerate(beliefs.skill_ids)}
    columns = tuple(_columns(groups, place))
    enough = beliefs.n_observations >= EVIDENCE_MIN
    mean, known = _means(beliefs.p_correct, enough, axis=1)
    rows = _row_order(learners, mean, order)
    parts = [_column_values(beliefs, enough, column) for column in columns]
    stacked = [
        np.stack([part[layer] for part in parts], axis=1)[rows]
        if parts
        else np.zeros((len(rows), 0))
        for layer in range(6)
    ]
    mastery, correct, low, high, n, last = stacked
    is_few = (
        np.stack([part[6] for part in parts], axis=1)[rows].astype(bool)
        if parts
        else np.zeros((len(rows), 0), dtype=bool)
    )
    class_mean, class_known = _means(correct, ~is_few, axis=0)
    return Heatmap(
        version=beliefs.version,
        groups=tuple(groups),
        columns=columns,
        learners=tuple(learners[row] for row in rows),
        mastery=mastery_percent(mastery),
        correct=correct,
        low=low,
        high=high,
        n=n.astype(np.int64),
        is_few=is_few,
        last_at_days=last,
        mean=100 * mean[rows],
        known=known[rows],
        class_percent=100 * class_mean,
        class_known=class_known,
        n_skills=len(place),
        said=_said_of_cells(beliefs, columns, rows, said),
    )


def _said_of_cells(
    beliefs: ClassBeliefs,
    columns: Sequence[Column],
    rows: Sequence[int],
    said: Mapping[tuple[int, int], Said],
) -> dict[tuple[int, int], tuple[Said, ...]]:
    """Put words into cells: the columns of a skill, and the rows in the order shown."""
    if not said:
        return {}
    row_of = {beliefs.learner_ids[row]: place for place, row in enumerate(rows)}
    cells: dict[tuple[int, int], tuple[Said, ...]] = {}
    skills = {skill for _learner, skill in said}
    shown = [
        (place, beliefs.skill_ids[skill])
        for place, column in enumerate(columns)
        for skill in column.places
        if beliefs.skill_ids[skill] in skills
    ]
    for learner, row in row_of.items():
        for place, skill in shown:
            if (learner, skill) in said:
                cells[row, place] = (*cells.get((row, place), ()), said[learner, skill])
    return cells


def _columns(groups: Sequence[Group], place: dict[int, int]) -> list[Column]:
    columns = []
    for group in groups:
        if group.is_open:
            columns += [
                Column(title=skill.title, places=(place[skill.id],), skill=skill)
                for skill in group.skills
            ]
        else:
            places = tuple(place[skill.id] for skill in group.skills)
            columns.append(Column(title=group.title, places=places, skill=None))
    return columns


def _column_values(
    beliefs: ClassBeliefs, enough: NDArray[np.bool_], column: Column
) -> tuple[NDArray[np.generic], ...]:
    """Return mastery, correct, low, high, n, last, is_few of a column, each (n_learners,)."""
    places = list(column.places)
    n = beliefs.n_observations[:, places].sum(axis=1)
    last = beliefs.last_at_days[:, places]
    # -inf stands in for "never", so that a lesson of unseen skills raises no warning.
    latest = np.where(np.isnan(last), -np.inf, last).max(axis=1)
    latest = np.where(np.isinf(latest), np.nan, latest)
    mastery = beliefs.p_mastery[:, places].mean(axis=1)
    correct = beliefs.p_correct[:, places].mean(axis=1)
    is_few = enough[:, places].mean(axis=1) < (LESSON_EVIDENCE_SHARE if column.is_lesson else 1)
    if column.is_lesson:
        nothing = np.full(n.shape, np.nan)
        return mastery, correct, nothing, nothing, n, latest, is_few
    low, high = beliefs.lower[:, places[0]], beliefs.upper[:, places[0]]
    return mastery, correct, low, high, n, latest, is_few


def _means(
    values: NDArray[np.float64], counted: NDArray[np.bool_], *, axis: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the mean of what is counted (NaN of nothing) and how much is counted."""
    known = counted.sum(axis=axis)
    total = np.where(counted, values, 0.0).sum(axis=axis)
    return np.where(known > 0, total / np.maximum(known, 1), np.nan), known.astype(np.int64)


def _row_order(learners: Sequence[User], mean: NDArray[np.float64], order: Order) -> list[int]:
    by_name = sorted(range(len(learners)), key=lambda row: (str(learners[row]).casefold(), row))
    if order in {Order.NAME, Order.NAME_DOWN}:
        return by_name if order == Order.NAME else by_name[::-1]
    sign = 1.0 if order == Order.MEAN else -1.0
    # Learners of whom nothing is known stand last, whichever way the others are sorted.
    return sorted(
        by_name,
        key=lambda row: (np.isnan(mean[row]), 0.0 if np.isnan(mean[row]) else sign * mean[row]),
    )
