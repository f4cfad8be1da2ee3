"""Writing many new problems ahead, where nobody sees them, so that showing them takes a moment.

On SQLite a learner's answer waits while anything is written, and ten thousand problems with their
steps and hints take seconds. So what is new goes, a few problems at a time, into a course of its
own that no page knows. In the transaction that makes the import true it becomes the new course, or
its rows move to the course that was there. What a killed worker left is swept up.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from django.db import models, transaction

from tutor.common.giving_way import short_turn
from tutor.content.applying import chunks_of, problems_write
from tutor.content.bundles import Document
from tutor.content.findings import Progress
from tutor.content.models import Course, Lesson, Problem, Skill, Step
from tutor.content.planning import Action, Plan

logger = logging.getLogger(__name__)

# Fewer are written as fast as they would be moved.
LEAST_PROBLEMS = 200
TURN_PROBLEMS = 40
# Longer than any import may run.
LEFT_AFTER = timedelta(hours=2)
STAGED_KEY = "~"


@dataclass(frozen=True)
class Stage:
    """What waits out of sight: a course, and the ids of its problems."""

    course: Course | None
    problems: frozenset[str]

    def become(self, key: str, *, now: datetime) -> Course:
        """Make what waits the new course of an id; in the transaction that shows it."""
        if self.course is None:
            return Course.objects.create(key=key, created_at=now)
        self.course.key, self.course.staged_at = key, None
        self.course.save(update_fields=["key", "staged_at"])
        return self.course

    def move(self, course: Course) -> None:
        """Move what waits to a course that was there; in the transaction that shows it."""
        if self.course is not None:
            for model in _MOVED:
                model._default_manager.filter(course=self.course).update(course=course)


_MOVED: tuple[type[models.Model], ...] = (Skill, Lesson, Problem, Step)
_NOTHING = Stage(None, frozenset())


@contextmanager
def staged(plan: Plan, *, now: datetime, progress: Progress) -> Iterator[Stage]:
    """Write ahead what a plan adds, where it is much; clear away what was not taken over."""
    problems = _problems_new(plan)
    if len(problems) < LEAST_PROBLEMS:
        yield _NOTHING
        return
    course = Course.every.create(
        key=f"{STAGED_KEY}{uuid4()}",
        title=plan.target["course"]["title"],
        created_at=now,
        staged_at=now,
    )
    try:
        _write(plan, course, problems, now=now, progress=progress)
        yield Stage(course, frozenset(problem["id"] for problem in problems))
    finally:
        stage_clear(course)


def _problems_new(plan: Plan) -> list[Document]:
    """The problems that no row of the course stands in the way of."""
    created = [p for p in plan.target["problems"] if plan.problems[p["id"]] is Action.CREATED]
    if plan.course is None or not created:
        return created
    # A step may have come with a history, or move from one problem to another.
    there = set(Step.objects.filter(course=plan.course).values_list("key", flat=True))
    return [p for p in created if there.isdisjoint(step["id"] for step in p["steps"])]


def _write(
    plan: Plan, course: Course, problems: list[Document], *, now: datetime, progress: Progress
) -> None:
    with short_turn():
        skills = _rows_new(Skill, plan, course, plan.skills)
        lessons = _rows_new(Lesson, plan, course, plan.lessons)
    n_written = 0
    for few in chunks_of(problems, TURN_PROBLEMS):
        with short_turn():
            problems_write(few, course, skills, lessons, stored={}, now=now)
        n_written += len(few)
        progress(n_written / len(problems), "preparing")


def _rows_new(
    model: type[Skill] | type[Lesson], plan: Plan, course: Course, actions: Mapping[str, Action]
) -> dict[str, int]:
    """Make bare rows for what the plan adds, to be filled in when it is applied; give all rows."""
    rows: Any = model._default_manager
    there = dict(rows.filter(course=plan.course).values_list("key", "pk")) if plan.course else {}
    new = [key for key, action in actions.items() if action is Action.CREATED]
    made = rows.bulk_create([model(course=course, key=key) for key in new])
    return there | {row.key: row.pk for row in made}


def stage_clear(course: Course) -> None:
    """Delete what is still staged of a course; one that was taken over stays."""
    left = Course.every.filter(pk=course.pk).exclude(staged_at=None)
    if not left.exists():
        return
    while True:
        few = list(
            Problem.objects.filter(course=course).values_list("pk", flat=True)[:TURN_PROBLEMS]
        )
        if not few:
            break
        with short_turn():
            some = Problem.objects.filter(pk__in=few)
            # A problem and the revision that it shows hold each other.
            some.update(revision=None)
            some.delete()
    with transaction.atomic():
        left.delete()


def stages_clear(*, now: datetime) -> int:
    """Clear away what killed workers left staged; return how many courses that were."""
    left = list(Course.every.filter(staged_at__lt=now - LEFT_AFTER))
    for course in left:
        stage_clear(course)
        logger.info("what an import left staged since %s is cleared away", course.staged_at)
    return len(left)
