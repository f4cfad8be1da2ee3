"""Reading the log for what answers say of items; large logs are measured by a worker and kept.

At most the newest `MOST_READ` first answers are read, so that a measurement costs the same however
long the history. Nothing here holds a learner's name.
"""

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.core.cache import cache
from django.db import transaction
from django.db.models import QuerySet

from tutor.common.outbox import REPLAY_QUEUE, handler, outbox_add
from tutor.content.graph import CourseGraph, course_graph
from tutor.content.models import Course, Step
from tutor.dashboards.item_facts import (
    Facts,
    ItemLog,
    Written,
    WrongAnswer,
    facts_by,
    item_flags,
    levels,
    on_one_line,
    wrong_answers,
)
from tutor.dashboards.item_keys import is_same_as_key
from tutor.responses.models import Response, ResponseKind
from tutor.responses.selectors import effective_correctness
from tutor.roster.models import Classroom, Enrolment

logger = logging.getLogger(__name__)

TOPIC = "items-measure"
MOST_READ = 200_000
# A log up to this is measured while the page is asked for, and so is always new.
AT_ONCE = 4_000
FRESH_FOR = timedelta(minutes=15)
KEPT_SECONDS = 60 * 86_400
# Part of the key of what is kept: raise it when the fields of `Measurement` or `Facts` change.
SHAPE = 1
ASKED_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Measurement:
    """What a reading of the log found: facts by step id and by skill id."""

    at: datetime
    n_read: int
    is_all: bool
    level_of: Mapping[int, float]
    items: Mapping[int, Facts]
    skills: Mapping[int, Facts]

    @classmethod
    def nothing(cls, at: datetime) -> "Measurement":
        """Return a measurement that knows nothing yet."""
        return cls(at=at, n_read=0, is_all=False, level_of={}, items={}, skills={})

    @property
    def n_learners(self) -> int:
        """How many learners gave the answers that were read."""
        return len(self.level_of)


def items_measurement(
    course: Course, classroom: Classroom | None, *, now: datetime
) -> Measurement | None:
    """Return what is known of the items: of a class's answers, or of everybody's on the course.

    None while a worker measures a large log for the first time; what is older than a quarter of an
    hour is measured anew behind the page that shows it.
    """
    kept: Measurement | None = cache.get(_key(course.pk, classroom))
    if kept is not None and now - kept.at < FRESH_FOR:
        return kept
    n = len(_log(course, classroom).values_list("pk")[: AT_ONCE + 1])
    if n <= AT_ONCE:
        return items_measure(course, classroom, now=now)
    if cache.add(f"{_key(course.pk, classroom)}:asked", 1, ASKED_SECONDS):
        with transaction.atomic():
            outbox_add(
                TOPIC,
                {"course_id": course.pk, "classroom_id": classroom.pk if classroom else None},
                now=now,
            )
    return kept


@handler(TOPIC, queue=REPLAY_QUEUE)
def _items_handler(payload: Mapping[str, Any], *, now: datetime) -> None:
    course = Course.objects.filter(pk=payload["course_id"]).first()
    classroom = Classroom.objects.filter(pk=payload["classroom_id"]).first()
    if course is None or (payload["classroom_id"] is not None and classroom is None):
        return
    measured = items_measure(course, classroom, now=now)
    cache.set(_key(course.pk, classroom), measured, KEPT_SECONDS)


def items_measure(course: Course, classroom: Classroom | None, *, now: datetime) -> Measurement:
    """Read the log and work everything out (three queries)."""
    graph = course_graph(course)
    rows = list(
        _log(course, classroom)
        .order_by("-id")
        .values_list(
            "learner_id",
            "step_id",
            "skill_ids",
            effective_correctness(),
            "kind",
            "hints_opened",
            "elapsed_ms",
            "raw_answer",
            "misconception",
        )[: MOST_READ + 1]
    )
    is_all = len(rows) <= MOST_READ
    rows = [row for row in reversed(rows[:MOST_READ]) if row[2]]
    log = ItemLog(
        learner=np.array([row[0] for row in rows], dtype=np.int64),
        item=np.array([row[1] for row in rows], dtype=np.int64),
        # A step of several skills counts for the first: the one it was written for.
        skill=np.array([row[2][0] for row in rows], dtype=np.int64),
        is_right=np.array([row[3] for row in rows], dtype=np.bool_),
        is_help=np.array(
            [row[4] in {ResponseKind.HINT, ResponseKind.DONT_KNOW} or row[5] > 0 for row in rows],
            dtype=np.bool_,
        ),
        elapsed_ms=np.array(
            [np.nan if row[6] is None else row[6] for row in rows], dtype=np.float64
        ),
    )
    wrong: defaultdict[int, list[Written]] = defaultdict(list)
    for learner, step, _skills, is_right, kind, _hints, _ms, raw, misconception in rows:
        if not is_right and kind == ResponseKind.ANSWER and raw:
            wrong[step].append(Written(learner=learner, text=raw, misconception=misconception))
    return Measurement(
        at=now,
        n_read=len(rows),
        is_all=is_all,
        level_of=levels(log),
        items=_items(graph, log, wrong),
        skills=facts_by(log, log.skill),
    )


def _items(
    graph: CourseGraph, log: ItemLog, wrong: Mapping[int, Sequence[Written]]
) -> dict[int, Facts]:
    found = facts_by(log, log.item)
    level_of = levels(log)
    answerers: defaultdict[int, set[int]] = defaultdict(set)
    for learner, item in zip(log.learner.tolist(), log.item.tolist(), strict=True):
        answerers[item].add(learner)
    keys = {step.pk: step for step in Step.objects.filter(course=graph.course_id)}
    varied = {
        step.step_id for steps in graph.steps_by_skill.values() for step in steps if step.is_varied
    }
    made = {}
    for item, facts in found.items():
        written = wrong.get(item, ())
        common = wrong_answers(written)
        if item in keys and item not in varied:
            common = tuple(_judged(keys[item], one) for one in common)
        facts = replace(facts, wrong=common, n_wrong=len(written))
        gave = {
            one.learner
            for one in written
            if common and on_one_line(one.text).casefold() == common[0].text.casefold()
        }
        flags = item_flags(
            facts,
            level_of_commonest=_mean([level_of[learner] for learner in gave]),
            level=_mean([level_of[learner] for learner in answerers[item]]),
        )
        made[item] = replace(facts, flags=flags)
    return made


def _judged(step: Step, wrong: WrongAnswer) -> WrongAnswer:
    return replace(wrong, is_equivalent=is_same_as_key(step, wrong.text))


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _log(course: Course, classroom: Classroom | None) -> "QuerySet[Response]":
    rows = Response.objects.filter(course=course, is_observation=True, learner__isnull=False)
    if classroom is not None:
        members = Enrolment.objects.filter(classroom=classroom, left_at=None)
        rows = rows.filter(learner_id__in=members.values("learner_id"))
    return rows


def _key(course_id: int, classroom: Classroom | None) -> str:
    return f"items:{SHAPE}:{course_id}:{classroom.pk if classroom else 'all'}"
