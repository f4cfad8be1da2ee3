"""A course on a real graph of 1,351 skills, each with a lesson and two problems of one step."""

import json
from datetime import datetime
from pathlib import Path

import pytest

from tests.world import problem_document
from tutor.content.models import (
    Course,
    Lesson,
    Prerequisite,
    Problem,
    ProblemRevision,
    Skill,
    Step,
)

N_SKILLS = 1351


def khan_course_make(data_dir: Path, *, now: datetime) -> Course:
    """Make the course from the graph; skips where the environment does not offer it."""
    path = data_dir / "content" / "graphs" / "khan-2014-07.json"
    if not path.exists():
        pytest.skip(f"no {path}")
    graph = json.loads(path.read_text())
    course = Course.objects.create(
        key="khan", title="A large course", version_number=1, created_at=now
    )
    skills = {
        skill.key: skill
        for skill in Skill.objects.bulk_create(
            Skill(course=course, key=node["id"], title=node["title"], position=at)
            for at, node in enumerate(graph["nodes"])
        )
    }
    Prerequisite.objects.bulk_create(
        Prerequisite(course=course, from_skill=skills[edge["from"]], to_skill=skills[edge["to"]])
        for edge in graph["edges"]
    )
    lessons = Lesson.objects.bulk_create(
        Lesson(course=course, key=f"l-{key}", title=skill.title, body="Read this.", order=at)
        for at, (key, skill) in enumerate(skills.items())
    )
    Lesson.skills.through.objects.bulk_create(
        Lesson.skills.through(lesson_id=lesson.pk, skill_id=skill.pk)
        for lesson, skill in zip(lessons, skills.values(), strict=True)
    )
    _problems_make(course, list(skills.values()), lessons, now=now)
    return course


def _problems_make(
    course: Course, skills: list[Skill], lessons: list[Lesson], *, now: datetime
) -> None:
    rows = [
        (skill, lesson, number, problem_document(f"{skill.key}-", number))
        for skill, lesson in zip(skills, lessons, strict=True)
        for number in (2, 3)
    ]
    problems = Problem.objects.bulk_create(
        Problem(course=course, lesson=lesson, key=document["id"], title=skill.title, order=number)
        for skill, lesson, number, document in rows
    )
    revisions = ProblemRevision.objects.bulk_create(
        ProblemRevision(
            problem=problem, number=1, document=row[3], checksum=problem.key[:64], created_at=now
        )
        for problem, row in zip(problems, rows, strict=True)
    )
    for problem, revision in zip(problems, revisions, strict=True):
        problem.revision = revision
    Problem.objects.bulk_update(problems, ["revision"], batch_size=500)
    steps = Step.objects.bulk_create(
        Step(
            course=course,
            problem=problem,
            key=row[3]["steps"][0]["id"],
            answer=row[3]["steps"][0]["answer"],
            answer_kind="number",
        )
        for problem, row in zip(problems, rows, strict=True)
    )
    Step.skills.through.objects.bulk_create(
        Step.skills.through(step_id=step.pk, skill_id=row[0].pk)
        for step, row in zip(steps, rows, strict=True)
    )
