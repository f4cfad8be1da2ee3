"""Writing a plan to the database: bulk statements only, inside the caller's transaction."""

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar

from django.db.models import Max, OuterRef, Subquery

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

_WRITTEN = {Action.CREATED, Action.CHANGED}


def plan_apply(plan: Plan, course: Course, *, now: datetime) -> None:
    """Write every part of a plan that differs; the course row itself is saved too."""
    _course_write(plan.target["course"], course)
    skills = _skills_write(plan, course)
    _edges_write(plan, course, skills)
    lessons = _lessons_write(plan, course, skills)
    _problems_write(plan, course, skills, lessons, now=now)
    _assets_write(plan, course)


def _course_write(document: Document, course: Course) -> None:
    if course_document(course) != document:
        for name in ("title", "description", "language", "licence", "attribution"):
            setattr(course, name, document[name])


def _chunks(items: Iterable[Item]) -> Iterator[list[Item]]:
    rest = iter(items)
    while chunk := list(islice(rest, CHUNK)):
        yield chunk


def _retire(plan_part: Mapping[str, Action]) -> Iterator[list[str]]:
    return _chunks(key for key, action in plan_part.items() if action is Action.RETIRED)


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
    for chunk in _chunks(row.pk for row in rows):
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
) -> None:
    stored: dict[str, tuple[str | None, bool]] = {
        key: (digest, is_retired)
        for key, digest, is_retired in Problem.objects.filter(course=course).values_list(
            "key", "revision__checksum", "is_retired"
        )
    }
    asked_steps = {step["id"] for p in plan.target["problems"] for step in p["steps"]}
    written = [p for p in plan.target["problems"] if plan.problems[p["id"]] in _WRITTEN]
    for chunk in _chunks(written):
        rows = _problem_rows_write(chunk, course, lessons)
        digests = [problem_checksum(problem) for problem in chunk]
        revised = [
            (row, problem, digest)
            for row, problem, digest in zip(rows, chunk, digests, strict=True)
            if stored.get(row.key, (None, False))[0] != digest
        ]
        _revisions_write(revised, now=now)
        restored = [
            (row, problem, digest)
            for row, problem, digest in zip(rows, chunk, digests, strict=True)
            if stored.get(row.key, (None, False)) == (digest, True)
        ]
        _steps_write([(row, problem) for row, problem, _ in revised + restored], course, skills)
    for retired in _retire(plan.problems):
        Problem.objects.filter(course=course, key__in=retired).update(is_retired=True)
    gone = [
        pk
        for pk, key in Step.objects.filter(course=course, is_retired=False).values_list("pk", "key")
        if key not in asked_steps
    ]
    for chunk_of_ids in _chunks(gone):
        Step.objects.filter(pk__in=chunk_of_ids).update(is_retired=True)


def _problem_rows_write(
    problems: Sequence[Document], course: Course, lessons: Mapping[str, int]
) -> list[Problem]:
    fields = ("title", "body", "variables", "constraints", "licence", "attribution", "order")
    return Problem.objects.bulk_create(
        [
            Problem(
                course=course,
                lesson_id=lessons[problem["lesson"]],
                key=problem["id"],
                is_retired=False,
                **{name: problem[name] for name in fields},
            )
            for problem in problems
        ],
        update_conflicts=True,
        unique_fields=["course", "key"],
        update_fields=["lesson", "is_retired", *fields],
    )


def _revisions_write(revised: Sequence[tuple[Problem, Document, str]], *, now: datetime) -> None:
    ids = [row.pk for row, _, _ in revised]
    newest: dict[int, int] = {
        row["problem_id"]: row["number"]
        for row in ProblemRevision.objects.filter(problem_id__in=ids)
        .values("problem_id")
        .annotate(number=Max("number"))
    }
    ProblemRevision.objects.bulk_create(
        [
            ProblemRevision(
                problem_id=row.pk,
                number=newest.get(row.pk, 0) + 1,
                document=problem,
                checksum=digest,
                created_at=now,
            )
            for row, problem, digest in revised
        ]
    )
    of_problem = ProblemRevision.objects.filter(problem=OuterRef("pk")).order_by("-number")
    Problem.objects.filter(pk__in=ids).update(revision=Subquery(of_problem.values("pk")[:1]))


def _steps_write(
    touched: Sequence[tuple[Problem, Document]], course: Course, skills: Mapping[str, int]
) -> None:
    """Write the steps of problems whose content is new, with their skills and hints."""
    documents = [
        (row, at, step) for row, problem in touched for at, step in enumerate(problem["steps"])
    ]
    rows = Step.objects.bulk_create(
        [
            Step(
                course=course,
                problem=row,
                key=step["id"],
                prompt=step["prompt"],
                answer=step["answer"],
                answer_kind=step["answer"]["kind"],
                choices=step["choices"],
                feedback=step["feedback"],
                solution=step["solution"],
                position=at,
                is_retired=False,
            )
            for row, at, step in documents
        ],
        update_conflicts=True,
        unique_fields=["course", "key"],
        update_fields=[
            *("problem", "prompt", "answer", "answer_kind", "choices", "feedback", "solution"),
            *("position", "is_retired"),
        ],
    )
    through = Step.skills.through
    for chunk in _chunks(row.pk for row in rows):
        through.objects.filter(step_id__in=chunk).delete()
        Hint.objects.filter(step_id__in=chunk).delete()
    steps = [(row, step) for row, (_, _, step) in zip(rows, documents, strict=True)]
    through.objects.bulk_create(
        [
            through(step_id=row.pk, skill_id=skills[key])
            for row, step in steps
            for key in step["skills"]
        ]
    )
    Hint.objects.bulk_create(
        [_hint_row(row, hint, at) for row, step in steps for at, hint in enumerate(step["hints"])]
    )


def _hint_row(step: Step, hint: Mapping[str, Any], position: int) -> Hint:
    return Hint(
        step=step,
        key=hint["id"],
        kind=hint["kind"],
        title=hint["title"],
        text=hint["text"],
        answer=hint.get("answer"),
        choices=hint["choices"],
        depends_on=hint["depends_on"],
        parent_key=hint.get("parent", ""),
        position=position,
    )


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
