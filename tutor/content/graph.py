"""The skill graph of a course with what practises each skill, read once and kept in process.

Every answer and every page asks the graph; it changes only with an import (or an accepted edge),
which raises the course's `version_number`. So the graph is kept per (course, version number).
"""

from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from types import MappingProxyType
from typing import TypeVar
from uuid import UUID

from tutor.content.models import Course, EdgeKind, Lesson, Prerequisite, Skill, Step

GRAPHS_KEPT = 16
READ_TRIES = 5

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class SkillNode:
    """A skill of the graph."""

    id: int
    uuid: UUID
    key: str
    title: str


@dataclass(frozen=True, slots=True)
class StepRef:
    """A step that learners may be given; `skill_ids` in the course's order.

    `is_varied` says that its problem has variables, so that seeds give different variants.
    """

    step_id: int
    key: str
    problem_id: int
    revision_id: int
    skill_ids: tuple[int, ...]
    position: int
    is_varied: bool


@dataclass(frozen=True, slots=True)
class LessonRef:
    """A lesson that explains a skill; `skill_ids` in the course's order."""

    id: int
    uuid: UUID
    key: str
    title: str
    skill_ids: tuple[int, ...]


@dataclass(frozen=True)
class CourseGraph:
    """A course's unretired skills in order, their edges, and the steps and lessons of each.

    Every mapping has a key for every skill. `encompassed[skill_id]` holds (easier skill, weight):
    practising `skill_id` also practises those.
    """

    course_id: int
    version_number: int
    skills: tuple[SkillNode, ...]
    parents: Mapping[int, tuple[int, ...]]
    children: Mapping[int, tuple[int, ...]]
    encompassed: Mapping[int, tuple[tuple[int, float], ...]]
    steps_by_skill: Mapping[int, tuple[StepRef, ...]]
    lessons_by_skill: Mapping[int, tuple[LessonRef, ...]]

    @cached_property
    def skill_ids(self) -> tuple[int, ...]:
        """The skills' ids in the course's order."""
        return tuple(skill.id for skill in self.skills)

    @cached_property
    def skill_of(self) -> Mapping[int, SkillNode]:
        """Each skill by its id."""
        return MappingProxyType({skill.id: skill for skill in self.skills})

    @cached_property
    def step_of_key(self) -> Mapping[str, StepRef]:
        """Each step that learners may be given, by its key."""
        return MappingProxyType(
            {step.key: step for steps in self.steps_by_skill.values() for step in steps}
        )

    @cached_property
    def practisable(self) -> frozenset[int]:
        """The skills that have a step; the others cannot be measured."""
        return frozenset(skill for skill, steps in self.steps_by_skill.items() if steps)

    @cached_property
    def gates(self) -> Mapping[int, tuple[int, ...]]:
        """Each skill's nearest measurable prerequisites, seen through those that have no steps."""
        return MappingProxyType({skill: self._gates_of(skill) for skill in self.parents})

    def _gates_of(self, skill_id: int) -> tuple[int, ...]:
        found: dict[int, None] = {}
        waiting, seen = list(self.parents[skill_id]), set[int]()
        while waiting:
            parent = waiting.pop(0)
            if parent in seen:
                continue
            seen.add(parent)
            if parent in self.practisable:
                found[parent] = None
            else:
                waiting.extend(self.parents[parent])
        return tuple(found)

    @cached_property
    def _ancestors(self) -> Mapping[int, frozenset[int]]:
        return MappingProxyType({skill: _reachable(skill, self.parents) for skill in self.parents})

    def ancestors(self, skill_id: int) -> frozenset[int]:
        """Every skill needed before `skill_id`, at any distance."""
        return self._ancestors[skill_id]


# The uuid too: a database that was replaced (tests, restores) may give a number again.
_kept: OrderedDict[tuple[int, UUID, int], CourseGraph] = OrderedDict()
_lock = Lock()


def course_graph(course: Course) -> CourseGraph:
    """Give the graph of `course` at the version that `course` carries.

    Costs no query while that version is kept, six otherwise (seven without lessons).
    """
    key = (course.pk, course.uuid, course.version_number)
    with _lock:
        graph = _kept.get(key)
        if graph is not None:
            _kept.move_to_end(key)
            return graph
    graph = _graph_read_whole(course)
    with _lock:
        _kept[key] = graph
        while len(_kept) > GRAPHS_KEPT:
            _kept.popitem(last=False)
    return graph


def course_graphs_forget() -> None:
    """Drop every kept graph, for code that changes a course's rows without a new version."""
    with _lock:
        _kept.clear()


def _graph_read_whole(course: Course) -> CourseGraph:
    """Read a graph that is of one version: anew when an import was written in the middle.

    Not in a transaction: on SQLite it would wait for the write lock, which an import holds for
    seconds, and at PostgreSQL's usual isolation each statement would still see its own moment.
    """
    before: int | None = course.version_number
    for _try in range(READ_TRIES):
        graph, after = _graph_read(course)
        if after == before:
            break
        before = after
    return graph


def _graph_read(course: Course) -> tuple[CourseGraph, int | None]:
    """Read a graph, and the version that the course had by the last statement."""
    skills = tuple(
        SkillNode(*row)
        for row in Skill.objects.filter(course=course, is_retired=False)
        .order_by("position", "id")
        .values_list("id", "uuid", "key", "title")
    )
    rank = {skill.id: place for place, skill in enumerate(skills)}
    edges = [
        edge
        for edge in Prerequisite.objects.filter(course=course)
        .order_by("id")
        .values_list("from_skill_id", "to_skill_id", "kind", "weight")
        if edge[0] in rank and edge[1] in rank
    ]
    needed = [(source, target) for source, target, kind, _ in edges if _is_needed(kind)]
    steps = _steps_by_skill(course, rank)
    lessons, version = _lessons_by_skill(course, rank)
    graph = CourseGraph(
        course_id=course.pk,
        version_number=course.version_number,
        skills=skills,
        parents=_grouped(rank, ((target, source) for source, target in needed)),
        children=_grouped(rank, needed),
        encompassed=_filled(
            rank,
            ((target, (source, w)) for source, target, kind, w in edges if not _is_needed(kind)),
        ),
        steps_by_skill=steps,
        lessons_by_skill=lessons,
    )
    return graph, version


def _is_needed(kind: str) -> bool:
    return kind == EdgeKind.PREREQUISITE


def _grouped(
    rank: Mapping[int, int], pairs: Iterable[tuple[int, int]]
) -> Mapping[int, tuple[int, ...]]:
    return _filled(rank, sorted(pairs, key=lambda pair: rank[pair[1]]))


def _filled(
    rank: Mapping[int, int], pairs: Iterable[tuple[int, Value]]
) -> Mapping[int, tuple[Value, ...]]:
    found: dict[int, list[Value]] = {skill: [] for skill in rank}
    for key, value in pairs:
        found[key].append(value)
    return MappingProxyType({key: tuple(values) for key, values in found.items()})


def _skills_of(
    through: Iterable[tuple[int, int]], rank: Mapping[int, int]
) -> dict[int, tuple[int, ...]]:
    found: defaultdict[int, list[int]] = defaultdict(list)
    for owner, skill in through:
        if skill in rank:
            found[owner].append(skill)
    return {owner: tuple(sorted(skills, key=rank.__getitem__)) for owner, skills in found.items()}


def _steps_by_skill(course: Course, rank: Mapping[int, int]) -> Mapping[int, tuple[StepRef, ...]]:
    """Steps in teaching order: by lesson, problem and place; only what learners may be shown."""
    skills_of = _skills_of(
        Step.skills.through.objects.filter(step__course=course).values_list("step_id", "skill_id"),
        rank,
    )
    rows = (
        Step.objects.filter(
            course=course,
            is_retired=False,
            problem__is_retired=False,
            problem__revision__isnull=False,
        )
        .order_by(
            "problem__lesson__order",
            "problem__lesson_id",
            "problem__order",
            "problem_id",
            "position",
            "id",
        )
        .values_list(
            "id", "key", "problem_id", "problem__revision_id", "position", "problem__variables"
        )
    )
    pairs: list[tuple[int, StepRef]] = []
    for step_id, key, problem_id, revision_id, position, variables in rows:
        ref = StepRef(
            step_id=step_id,
            key=key,
            problem_id=problem_id,
            revision_id=revision_id,
            skill_ids=skills_of.get(step_id, ()),
            position=position,
            is_varied=bool(variables),
        )
        pairs.extend((skill, ref) for skill in ref.skill_ids)
    return _filled(rank, pairs)


def _lessons_by_skill(
    course: Course, rank: Mapping[int, int]
) -> tuple[Mapping[int, tuple[LessonRef, ...]], int | None]:
    """Lessons of each skill, and the course's version, which costs a query where none is there."""
    lessons = Lesson.objects.filter(course=course, is_retired=False).order_by("order", "id")
    skills_of = _skills_of(
        Lesson.skills.through.objects.filter(lesson__in=lessons.values("id")).values_list(
            "lesson_id", "skill_id"
        ),
        rank,
    )
    pairs: list[tuple[int, LessonRef]] = []
    version: int | None = None
    names = ("id", "uuid", "key", "title", "course__version_number")
    for lesson_id, uuid, key, title, number in lessons.values_list(*names):
        version = number
        ref = LessonRef(
            id=lesson_id, uuid=uuid, key=key, title=title, skill_ids=skills_of.get(lesson_id, ())
        )
        pairs.extend((skill, ref) for skill in ref.skill_ids)
    if version is None:
        versions = Course.objects.filter(pk=course.pk).values_list("version_number", flat=True)
        version = versions.first()
    return _filled(rank, pairs), version


def _reachable(start: int, edges: Mapping[int, tuple[int, ...]]) -> frozenset[int]:
    seen: set[int] = set()
    waiting = list(edges[start])
    while waiting:
        skill = waiting.pop()
        if skill not in seen:
            seen.add(skill)
            waiting.extend(edges[skill])
    return frozenset(seen)
