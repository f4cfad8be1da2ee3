"""The people and the course of the tests' small world."""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from tutor.accounts.models import Role, User
from tutor.accounts.services import account_create
from tutor.content.models import (
    Course,
    Hint,
    Lesson,
    Prerequisite,
    Problem,
    ProblemRevision,
    Skill,
    Step,
)
from tutor.roster.models import Classroom
from tutor.roster.services import classroom_create, classroom_join

PASSWORD = "correct horse battery"
# The moment at which tests happen.
NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
SKILLS = ("a", "b", "c")


@dataclass
class World:
    """ada and ben learn in tess's class; zed learns in zoe's; root runs the site."""

    course: Course
    skills: dict[str, Skill]
    classroom: Classroom
    ada: User
    ben: User
    tess: User
    zoe: User
    zed: User
    root: User


def problem_document(skill: str, number: int) -> dict[str, Any]:
    """A problem whose answer is 7: two typed steps for number 1, a single one otherwise."""
    steps = [
        {
            "id": f"{skill}{number}{letter}",
            "prompt": f"How much is $3 + 4$? ({skill}{number}{letter})",
            "skills": [skill],
            "answer": {"kind": "number", "value": "7"},
            "feedback": [
                {"answer": "12", "text": "You multiplied.", "misconception": "multiplies"}
            ],
            "hints": [
                {"id": "h1", "kind": "hint", "text": "Count on from 4.", "depends_on": []},
                {
                    "id": "s1",
                    "kind": "scaffold",
                    "text": "What comes after 6?",
                    "answer": {"kind": "number", "value": "7"},
                    "depends_on": ["h1"],
                },
            ],
            "solution": "$3 + 4 = 7$.",
        }
        for letter in ("ab" if number == 1 else "a")
    ]
    return {
        "id": f"p-{skill}{number}",
        "lesson": f"l-{skill}",
        "title": f"Sums {skill}{number}",
        "body": "Add.",
        "order": number,
        "steps": steps,
    }


def course_make(*, now: datetime, key: str = "sums", skills: tuple[str, ...] = SKILLS) -> Course:
    """A chain of skills, each with a lesson and two problems."""
    course = Course.objects.create(
        key=key, title=key.title(), licence="CC BY 4.0", version_number=1, created_at=now
    )
    rows = [
        Skill.objects.create(course=course, key=skill, title=f"Skill {skill}", position=place)
        for place, skill in enumerate(skills)
    ]
    for parent, child in pairwise(rows):
        Prerequisite.objects.create(course=course, from_skill=parent, to_skill=child)
    for place, skill in enumerate(rows):
        lesson = Lesson.objects.create(
            course=course,
            key=f"l-{skill.key}",
            title=f"Lesson {skill.key}",
            body="Read this.",
            worked_examples=[{"title": "One", "body": "$1 + 1 = 2$", "steps": ["Count."]}],
            order=place,
        )
        lesson.skills.set([skill])
        for number in (1, 2):
            _problem_make(course, lesson, skill, problem_document(skill.key, number), now=now)
    return course


def _problem_make(
    course: Course, lesson: Lesson, skill: Skill, document: dict[str, Any], *, now: datetime
) -> None:
    problem = Problem.objects.create(
        course=course,
        lesson=lesson,
        key=document["id"],
        title=document["title"],
        body=document["body"],
        order=document["order"],
    )
    checksum = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
    problem.revision = ProblemRevision.objects.create(
        problem=problem, number=1, document=document, checksum=checksum, created_at=now
    )
    problem.save()
    for position, part in enumerate(document["steps"]):
        step = Step.objects.create(
            course=course,
            problem=problem,
            key=part["id"],
            prompt=part["prompt"],
            answer=part["answer"],
            answer_kind=part["answer"]["kind"],
            feedback=part["feedback"],
            solution=part["solution"],
            position=position,
        )
        step.skills.set([skill])
        for place, hint in enumerate(part["hints"]):
            Hint.objects.create(
                step=step,
                key=hint["id"],
                kind=hint["kind"],
                text=hint["text"],
                answer=hint.get("answer"),
                depends_on=hint["depends_on"],
                position=place,
            )


def world_make(*, now: datetime) -> World:
    """Make the course, its two classes and everybody in them."""
    course = course_make(now=now)

    def person(name: str, role: str = Role.LEARNER) -> User:
        return account_create(
            username=name, display_name=name.title(), role=role, password=PASSWORD
        )

    ada, ben, zed = person("ada"), person("ben"), person("zed")
    tess, zoe = person("tess", Role.TEACHER), person("zoe", Role.TEACHER)
    root = person("root", Role.ADMINISTRATOR)
    classroom = classroom_create(name="Class 6b", course=course, teachers=[tess], now=now)
    other = classroom_create(name="Class 7a", course=course, teachers=[zoe], now=now)
    for learner in (ada, ben):
        classroom_join(learner, join_code=classroom.join_code, now=now)
    classroom_join(zed, join_code=other.join_code, now=now)
    return World(
        course=course,
        skills={skill.key: skill for skill in course.skills.all()},
        classroom=classroom,
        ada=ada,
        ben=ben,
        tess=tess,
        zoe=zoe,
        zed=zed,
        root=root,
    )
