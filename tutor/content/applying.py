"""Writing a plan to the database: bulk statements only, inside the caller's transactions."""

import base64
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar
from uuid import uuid4

from django.db.models import Max, OuterRef, QuerySet, Subquery

from tutor.content.bulk import rows_write
from tutor.content.bundles import Document, problem_checksum
from tutor.content.edges import topological
from tutor.content.models import (
    Asset,
    Course,
    EdgeKind,
    Hint,
    Lesson,
    Prerequisite,
    Problem,
    ProblemRevision,
    Skill,
    Step,
)
from tutor.content.planning import Action, Plan, course_document

CHUNK = 500
Item = TypeVar("Item")
Stored = tuple[str | None, bool]

_WRITTEN = {Action.CREATED, Action.CHANGED}


def plan_apply(plan: Plan, course: Course, *, now: datetime, written: Container[str] = ()) -> None:
    """Write every part of a plan that differs, but for the problems that are `written` already.

    The course's own row is left for the caller to save.
    """
    _course_write(plan.target["course"], course)
    skills = _skills_write(plan, course)
    _edges_write(plan, course, skills)
    lessons = _lessons_write(plan, course, skills)
    _problems_write(plan, course, skills, lessons, now=now, done=written)
    _assets_write(plan, course)


def _course_write(document: Document, course: Course) -> None:
    if course_document(course) != document:
        for name in ("title", "description", "language", "licence", "attribution"):
            setattr(course, name, document[name])


def chunks_of(items: Iterable[Item], size: int = CHUNK) -> Iterator[list[Item]]:
    """Yield the items, so many at a time."""
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk


def _retire(plan_part: Mapping[str, Action]) -> Iterator[list[str]]:
    return chunks_of(key for key, action in plan_part.items() if action is Action.RETIRED)


def _skills_write(plan: Plan, course: Course) -> dict[str, int]:
    needed = [
        (edge["from"], edge["to"])
        for edge in plan.target["prerequisites"]
        if edge["kind"] == EdgeKind.PREREQUISITE.value
    ]
    keys = [skill["id"] for skill in plan.target["skills"]]
    position = {key: at for at, key in enumerate(topological(keys, needed))}
    stored = dict(Skill.objects.filter(course=course).values_list("key", "position"))
    Skill.objects.bulk_create(
        [
            Skill(
                course=course,
                key=skill["id"],
                title=skill["title"],
                description=skill["description"],
                order=at,
                position=position[skill["id"]],
                is_retired=False,
            )
            for at, skill in enumerate(plan.target["skills"])
            if plan.skills[skill["id"]] in _WRITTEN
            or stored.get(skill["id"]) != position[skill["id"]]
        ],
        update_conflicts=True,
        unique_fields=["course", "key"],
        update_fields=["title", "description", "order", "position", "is_retired"],
    )
    for retired in _retire(plan.skills):
        Skill.objects.filter(course=course, key__in=retired).update(is_retired=True)
    return dict(Skill.objects.filter(course=course).values_list("key", "id"))


def _edges_write(plan: Plan, course: Course, skills: Mapping[str, int]) -> None:
    for (source, target, kind), action in plan.edges.items():
        if action is Action.RETIRED:
            Prerequisite.objects.filter(
                course=course,
                from_skill_id=skills[source],
                to_skill_id=skills[target],
                kind=kind,
            ).delete()
    Prerequisite.objects.bulk_create(
        [
            Prerequisite(
                course=course,
                from_skill_id=skills[edge["from"]],
                to_skill_id=skills[edge["to"]],
                kind=edge["kind"],
                weight=edge["weight"],
                source=edge["source"],
                reason=edge["reason"],
                via=edge["via"],
            )
            for edge in plan.target["prerequisites"]
            if plan.edges[edge["from"], edge["to"], edge["kind"]] in _WRITTEN
        ],
        update_conflicts=True,
        unique_fields=["from_skill", "to_skill", "kind"],
        update_fields=["weight", "source", "reason", "via"],
    )


def _lessons_write(plan: Plan, course: Course, skills: Mapping[str, int]) -> dict[str, int]:
    written = [x for x in plan.target["lessons"] if plan.lessons[x["id"]] in _WRITTEN]
    rows = Lesson.objects.bulk_create(
        [
            Lesson(
                course=course,
                key=lesson["id"],
                title=lesson["title"],
                body=lesson["body"],
                worked_examples=lesson["worked_examples"],
                order=lesson["order"],
                is_retired=False,
            )
            for lesson in written
        ],
        update_conflicts=True,
        unique_fields=["course", "key"],
        update_fields=["title", "body", "worked_examples", "order", "is_retired"],
    )
    through = Lesson.skills.through
    for chunk in chunks_of(row.pk for row in rows):
        through.objects.filter(lesson_id__in=chunk).delete()
    through.objects.bulk_create(
        [
            through(lesson_id=row.pk, skill_id=skills[key])
            for row, lesson in zip(rows, written, strict=True)
            for key in lesson["skills"]
        ]
    )
    for retired in _retire(plan.lessons):
        Lesson.objects.filter(course=course, key__in=retired).update(is_retired=True)
    return dict(Lesson.objects.filter(course=course).values_list("key", "id"))


def _problems_write(
    plan: Plan,
    course: Course,
    skills: Mapping[str, int],
    lessons: Mapping[str, int],
    *,
    now: datetime,
    done: Container[str],
) -> None:
    asked = plan.target["problems"]
    written = [p for p in asked if plan.problems[p["id"]] in _WRITTEN and p["id"] not in done]
    stored: dict[str, Stored] = {}
    if written:
        stored = {
            key: (digest, is_retired)
            for key, digest, is_retired in Problem.objects.filter(course=course).values_list(
                "key", "revision__checksum", "is_retired"
            )
        }
    for chunk in chunks_of(written):
        problems_write(chunk, course, skills, lessons, stored=stored, now=now)
    for retired in _retire(plan.problems):
        Problem.objects.filter(course=course, key__in=retired).update(is_retired=True)
    if set(plan.problems.values()) - {Action.CREATED, Action.UNCHANGED}:
        _steps_retire(course, {step["id"] for problem in asked for step in problem["steps"]})


def problems_write(
    problems: Sequence[Document],
    course: Course,
    skills: Mapping[str, int],
    lessons: Mapping[str, int],
    *,
    stored: Mapping[str, Stored],
    now: datetime,
) -> None:
    """Write problems with their revisions, steps and hints.

    `stored` has the checksum of those that the course has, and whether they are retired; `skills`
    and `lessons` have row numbers by id.
    """
    rows = _problem_rows_write(problems, course, lessons)
    digests = [problem_checksum(problem) for problem in problems]
    revised = [
        (row, problem, digest)
        for row, problem, digest in zip(rows, problems, digests, strict=True)
        if stored.get(problem["id"], (None, False))[0] != digest
    ]
    _revisions_write(revised, now=now)
    restored = [
        (row, problem, digest)
        for row, problem, digest in zip(rows, problems, digests, strict=True)
        if stored.get(problem["id"], (None, False)) == (digest, True)
    ]
    _steps_write([(row, problem) for row, problem, _ in revised + restored], course, skills)


def _steps_retire(course: Course, asked: Container[str]) -> None:
    gone = [
        pk
        for pk, key in Step.objects.filter(course=course, is_retired=False).values_list("pk", "key")
        if key not in asked
    ]
    for chunk in chunks_of(gone):
        Step.objects.filter(pk__in=chunk).update(is_retired=True)


def _problem_rows_write(
    problems: Sequence[Document], course: Course, lessons: Mapping[str, int]
) -> list[int]:
    """Write problems and give their row numbers."""
    fields = ("title", "body", "variables", "constraints", "licence", "attribution", "order")
    rows_write(
        Problem,
        ["course", "uuid", "key", "lesson", "is_retired", *fields],
        (
            (
                *(course.pk, uuid4(), problem["id"], lessons[problem["lesson"]], False),
                *(problem[name] for name in fields),
            )
            for problem in problems
        ),
        unique=["course", "key"],
        update=["lesson", "is_retired", *fields],
    )
    return _ids(Problem.objects.filter(course=course), [problem["id"] for problem in problems])


def _ids(rows: QuerySet[Any], keys: Sequence[str]) -> list[int]:
    """Row numbers of keys, in their order."""
    found: dict[str, int] = {}
    for chunk in chunks_of(keys):
        found.update(rows.filter(key__in=chunk).values_list("key", "id"))
    return [found[key] for key in keys]


def _revisions_write(revised: Sequence[tuple[int, Document, str]], *, now: datetime) -> None:
    ids = [problem_id for problem_id, _, _ in revised]
    newest: dict[int, int] = {
        row["problem_id"]: row["number"]
        for row in ProblemRevision.objects.filter(problem_id__in=ids)
        .values("problem_id")
        .annotate(number=Max("number"))
    }
    rows_write(
        ProblemRevision,
        ["problem", "number", "document", "checksum", "created_at"],
        (
            (problem_id, newest.get(problem_id, 0) + 1, document, digest, now)
            for problem_id, document, digest in revised
        ),
    )
    of_problem = ProblemRevision.objects.filter(problem=OuterRef("pk")).order_by("-number")
    Problem.objects.filter(pk__in=ids).update(revision=Subquery(of_problem.values("pk")[:1]))


def _steps_write(
    touched: Sequence[tuple[int, Document]], course: Course, skills: Mapping[str, int]
) -> None:
    """Write the steps of problems whose content is new, with their skills and hints."""
    steps = [(row, at, step) for row, document in touched for at, step in _placed(document)]
    fields = ("prompt", "answer", "choices", "feedback", "solution")
    rows_write(
        Step,
        ["course", "uuid", "key", "problem", "position", "is_retired", "answer_kind", *fields],
        (
            (
                *(course.pk, uuid4(), step["id"], problem_id, at, False, step["answer"]["kind"]),
                *(step[name] for name in fields),
            )
            for problem_id, at, step in steps
        ),
        unique=["course", "key"],
        update=["problem", "position", "is_retired", "answer_kind", *fields],
    )
    ids = _ids(Step.objects.filter(course=course), [step["id"] for _, _, step in steps])
    through = Step.skills.through
    for chunk in chunks_of(ids):
        through.objects.filter(step_id__in=chunk).delete()
        Hint.objects.filter(step_id__in=chunk).delete()
    written = [(step_id, step) for step_id, (_, _, step) in zip(ids, steps, strict=True)]
    rows_write(
        through,
        ["step", "skill"],
        ((step_id, skills[key]) for step_id, step in written for key in step["skills"]),
    )
    names = ("kind", "title", "text", "choices", "depends_on")
    rows_write(
        Hint,
        ["step", "key", "position", "answer", "parent_key", *names],
        (
            (
                *(step_id, hint["id"], at, hint.get("answer"), hint.get("parent", "")),
                *(hint[name] for name in names),
            )
            for step_id, step in written
            for at, hint in enumerate(step["hints"])
        ),
    )


def _placed(problem: Document) -> Iterable[tuple[int, Document]]:
    return enumerate(problem["steps"])


def _assets_write(plan: Plan, course: Course) -> None:
    Asset.objects.bulk_create(
        [
            Asset(
                course=course,
                key=asset["id"],
                media_type=asset["media_type"],
                sha256=asset["sha256"],
                data=base64.b64decode(asset["data"]),
                is_retired=False,
            )
            for asset in plan.target["assets"]
            if plan.assets[asset["id"]] in _WRITTEN
        ],
        batch_size=50,
        update_conflicts=True,
        unique_fields=["course", "key"],
        update_fields=["media_type", "sha256", "data", "is_retired"],
    )
    for retired in _retire(plan.assets):
        Asset.objects.filter(course=course, key__in=retired).update(is_retired=True)
