"""What an import would change: a course as it stands beside a course as it is asked for.

Reads only, and compares problems by checksum, so that a large course is never held twice.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from tutor.content.bundles import Document, canonical_edge, edge_key, problem_checksum
from tutor.content.findings import Progress, progress_ignored
from tutor.content.models import (
    Asset,
    Course,
    EdgeSource,
    Lesson,
    Prerequisite,
    Problem,
    ProblemRevision,
    Skill,
)

MAX_CHANGES = 500
KINDS = (
    *("course", "skill", "prerequisite", "lesson", "problem", "step", "hint", "sub_hint"),
    "asset",
)
PLURALS = {kind: f"{kind}s" for kind in KINDS} | {"course": "course"}
Counts = dict[str, dict[str, int]]


class Action(StrEnum):
    """What happens to one thing."""

    CREATED = "created"
    CHANGED = "changed"
    RETIRED = "retired"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that changes, with each field's value before and after."""

    kind: str
    key: str
    action: Action
    fields: dict[str, tuple[Any, Any]] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Give the change as it is kept with an import job."""
        return {
            "kind": self.kind,
            "id": self.key,
            "action": self.action.value,
            "fields": [
                {"field": name, "before": before, "after": after}
                for name, (before, after) in self.fields.items()
            ],
        }


@dataclass(frozen=True)
class Plan:
    """The target in canonical form, and which of its parts differ from what stands."""

    target: Document
    course: Course | None
    base_version: int
    skills: Mapping[str, Action]
    edges: Mapping[tuple[str, str, str], Action]
    lessons: Mapping[str, Action]
    problems: Mapping[str, Action]
    assets: Mapping[str, Action]
    changes: tuple[Change, ...]
    counts: Counts

    @property
    def is_empty(self) -> bool:
        """Whether nothing would change."""
        return self.course is not None and not any(
            row[action]
            for row in self.counts.values()
            for action in Action
            if action != "unchanged"
        )


def edges_kept(course: Course) -> list[Document]:
    """Edges that a full bundle leaves alone: imported with a graph, or learned and accepted."""
    return [edge for edge in edges_of(course) if edge["source"] != EdgeSource.AUTHORED.value]


def edges_of(course: Course) -> list[Document]:
    """Every edge among unretired skills, in canonical form and order."""
    rows = (
        Prerequisite.objects.filter(
            course=course, from_skill__is_retired=False, to_skill__is_retired=False
        )
        .values("kind", "weight", "source", "reason", "via", "from_skill__key", "to_skill__key")
        .iterator()
    )
    edges = (
        canonical_edge(row | {"from": row["from_skill__key"], "to": row["to_skill__key"]})
        for row in rows
    )
    return sorted(edges, key=edge_key)


def skill_document(skill: Skill) -> Document:
    """A skill in the bundle format."""
    return {"id": skill.key, "title": skill.title, "description": skill.description}


def course_document(course: Course) -> Document:
    """A course's own fields in the bundle format."""
    return {
        "id": course.key,
        "title": course.title,
        "description": course.description,
        "language": course.language,
        "licence": course.licence,
        "attribution": course.attribution,
    }


def lesson_document(lesson: Lesson) -> Document:
    """A lesson in the bundle format; its skills must be prefetched."""
    return {
        "id": lesson.key,
        "title": lesson.title,
        "skills": sorted(skill.key for skill in lesson.skills.all()),
        "order": lesson.order,
        "body": lesson.body,
        "worked_examples": lesson.worked_examples,
    }


def plan_make(
    target: Document, course: Course | None, *, progress: Progress = progress_ignored
) -> Plan:
    """Compare a canonical bundle, its kept edges merged in, with the course as it stands."""
    comparison = _Comparison()
    if course is None:
        comparison.note("course", target["course"]["id"], Action.CREATED)
    else:
        comparison.compare("course", course.key, course_document(course), target["course"])
    skills = comparison.section("skill", _skills_now(course), _skills_asked(target))
    edges = comparison.section("prerequisite", _edges_now(course), _edges_asked(target))
    lessons = comparison.section("lesson", _lessons_now(course), _lessons_asked(target))
    problems = _problems_compare(comparison, course, target, progress)
    assets = comparison.section("asset", _assets_now(course), _assets_asked(target))
    return Plan(
        target=target,
        course=course,
        base_version=course.version_number if course else 0,
        skills=skills,
        edges=edges,
        lessons=lessons,
        problems=problems,
        assets=assets,
        changes=tuple(comparison.changes),
        counts={
            PLURALS[kind]: {action.value: comparison.counter[kind, action] for action in Action}
            for kind in KINDS
        },
    )


class _Comparison:
    """Collects actions, counts them, and keeps the first changes in full."""

    def __init__(self) -> None:
        self.counter: Counter[tuple[str, Action]] = Counter()
        self.changes: list[Change] = []

    def note(
        self, kind: str, key: str, action: Action, fields: dict[str, tuple[Any, Any]] | None = None
    ) -> Action:
        self.counter[kind, action] += 1
        if action is not Action.UNCHANGED and len(self.changes) < MAX_CHANGES:
            self.changes.append(Change(kind, key, action, fields or {}))
        return action

    def compare(self, kind: str, key: str, before: Document, after: Document) -> Action:
        fields = {
            name: (before.get(name), after.get(name))
            for name in dict.fromkeys([*before, *after])
            if before.get(name) != after.get(name)
        }
        return self.note(kind, key, Action.CHANGED if fields else Action.UNCHANGED, fields)

    def section(
        self,
        kind: str,
        now: Mapping[Any, Document],
        asked: Mapping[Any, Document],
    ) -> dict[Any, Action]:
        actions = {}
        for key, document in asked.items():
            if key in now:
                actions[key] = self.compare(kind, _shown(key), now[key], document)
            else:
                actions[key] = self.note(kind, _shown(key), Action.CREATED)
        for key, document in now.items():
            # What is retired already and still not asked for stays as it is, uncounted.
            if key not in asked and not document.get("is_retired"):
                actions[key] = self.note(kind, _shown(key), Action.RETIRED)
        return actions


def _shown(key: object) -> str:
    return f"{key[0]} -> {key[1]} ({key[2]})" if isinstance(key, tuple) else str(key)


def _asked(documents: Iterable[Document]) -> dict[str, Document]:
    return {document["id"]: document | {"is_retired": False} for document in documents}


def _skills_now(course: Course | None) -> dict[str, Document]:
    return {
        skill.key: skill_document(skill) | {"order": skill.order, "is_retired": skill.is_retired}
        for skill in Skill.objects.filter(course=course)
    }


def _skills_asked(target: Document) -> dict[str, Document]:
    return {
        skill["id"]: skill | {"order": at, "is_retired": False}
        for at, skill in enumerate(target["skills"])
    }


def _edges_now(course: Course | None) -> dict[tuple[str, str, str], Document]:
    return {edge_key(edge): edge for edge in edges_of(course)} if course else {}


def _edges_asked(target: Document) -> dict[tuple[str, str, str], Document]:
    return {edge_key(edge): edge for edge in target["prerequisites"]}


def _lessons_now(course: Course | None) -> dict[str, Document]:
    lessons = Lesson.objects.filter(course=course).prefetch_related("skills")
    return {
        lesson.key: lesson_document(lesson) | {"is_retired": lesson.is_retired}
        for lesson in lessons
    }


def _lessons_asked(target: Document) -> dict[str, Document]:
    return _asked(target["lessons"])


def _assets_now(course: Course | None) -> dict[str, Document]:
    return {
        row["key"]: {
            "id": row["key"],
            "media_type": row["media_type"],
            "sha256": row["sha256"],
            "is_retired": row["is_retired"],
        }
        for row in Asset.objects.filter(course=course).values(
            "key", "media_type", "sha256", "is_retired"
        )
    }


def _assets_asked(target: Document) -> dict[str, Document]:
    return _asked({k: v for k, v in asset.items() if k != "data"} for asset in target["assets"])


def _problems_compare(
    comparison: _Comparison, course: Course | None, target: Document, progress: Progress
) -> dict[str, Action]:
    now = {
        row["key"]: row
        for row in Problem.objects.filter(course=course).values(
            "key", "order", "is_retired", "lesson__key", "revision_id", "revision__checksum"
        )
    }
    actions: dict[str, Action] = {}
    for at, problem in enumerate(target["problems"]):
        if at % 200 == 0:
            progress(at / len(target["problems"]), "comparing")
        key = problem["id"]
        row = now.get(key)
        if row is None:
            actions[key] = comparison.note("problem", key, Action.CREATED)
            _parts_note(comparison, Action.CREATED, problem)
            continue
        before = {"lesson": row["lesson__key"], "order": row["order"]}
        after = {"lesson": problem["lesson"], "order": problem["order"]}
        if row["is_retired"]:
            before["is_retired"], after["is_retired"] = True, False
        if row["revision__checksum"] == problem_checksum(problem):
            _parts_note(comparison, Action.UNCHANGED, problem)
        else:
            document = _revision_document(row["revision_id"])
            before |= {k: v for k, v in document.items() if k not in before and k != "steps"}
            after |= {k: v for k, v in problem.items() if k not in after and k != "steps"}
            before["steps"] = [step["id"] for step in document.get("steps", [])]
            after["steps"] = [step["id"] for step in problem["steps"]]
            _steps_compare(comparison, document, problem)
            before["revision"], after["revision"] = "the one before", "a new one"
        actions[key] = comparison.compare("problem", key, before, after)
    for key, row in now.items():
        if key not in actions and not row["is_retired"]:
            actions[key] = comparison.note("problem", key, Action.RETIRED)
            _parts_note(comparison, Action.RETIRED, _revision_document(row["revision_id"]))
    return actions


def _revision_document(revision_id: int | None) -> Document:
    if revision_id is None:
        return {"steps": []}
    document: Document = ProblemRevision.objects.get(pk=revision_id).document
    return document


def _parts_note(comparison: _Comparison, action: Action, problem: Document) -> None:
    for step in problem["steps"]:
        comparison.counter["step", action] += 1
        _hints_note(comparison, action, step)


def _hints_note(comparison: _Comparison, action: Action, step: Document) -> None:
    for hint in step["hints"]:
        comparison.counter[_hint_kind(hint), action] += 1


def _hints_of(step: Document, kind: str) -> dict[str, Document]:
    return {hint["id"]: hint for hint in step["hints"] if _hint_kind(hint) == kind}


def _hint_kind(hint: Document) -> str:
    return "sub_hint" if "parent" in hint else "hint"


def _steps_compare(comparison: _Comparison, before: Document, after: Document) -> None:
    steps_before = {step["id"]: step for step in before.get("steps", [])}
    for step in after["steps"]:
        earlier = steps_before.pop(step["id"], None)
        if earlier is None:
            comparison.note("step", step["id"], Action.CREATED)
            _hints_note(comparison, Action.CREATED, step)
            continue
        comparison.compare(
            "step",
            step["id"],
            earlier | {"hints": [hint["id"] for hint in earlier["hints"]]},
            step | {"hints": [hint["id"] for hint in step["hints"]]},
        )
        for kind in ("hint", "sub_hint"):
            comparison.section(kind, _hints_of(earlier, kind), _hints_of(step, kind))
    for key, step in steps_before.items():
        comparison.note("step", key, Action.RETIRED)
        _hints_note(comparison, Action.RETIRED, step)
