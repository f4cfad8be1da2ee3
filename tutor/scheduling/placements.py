"""Placements of learners: begin, resume, answer, end. The questions are chosen by `placement`.

Placement answers are observations, recorded by whoever shows the question; here is only which
question comes next and what the answers say of the graph.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from random import Random

import numpy as np
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from tutor.accounts.models import User
from tutor.common.errors import TutorError
from tutor.content.graph import CourseGraph, StepRef, course_graph
from tutor.content.models import Course
from tutor.responses.models import Response
from tutor.scheduling.graph_arrays import GraphArrays, graph_arrays
from tutor.scheduling.models import Placement, SkillStanding
from tutor.scheduling.placement import (
    PlacementConfig,
    PlacementTest,
    fringe_of,
    opened_by,
)
from tutor.scheduling.placement_kept import lent_test
from tutor.scheduling.services import Target, seed_of

CONFIG = PlacementConfig()
POLICY_NAME = "placement"


@dataclass(frozen=True, slots=True)
class PlacementQuestion:
    """What to ask now: a skill, the step to ask it with, and how far the placement is."""

    skill_id: int
    target: Target
    n_answered: int
    n_most: int


@dataclass(frozen=True, slots=True)
class PlacedSkill:
    """A skill of the starting fringe: P(known) of it and of what it builds on, at the least."""

    skill_id: int
    p_known: float
    p_basis: float


@dataclass(frozen=True, slots=True)
class PlacementResult:
    """Where to begin: a guess that gives way to what is observed, never a label.

    `n_known_expected` is the expected number of skills known, `n_known_sd` its uncertainty when
    the skills' guesses are taken one by one.
    """

    fringe: tuple[PlacedSkill, ...]
    n_questions: int
    n_skills: int
    n_known_expected: float
    n_known_sd: float


def placement_is_offered(learner: User, course: Course) -> bool:
    """Return whether a placement makes sense: nothing answered and none taken (two queries)."""
    if Placement.objects.filter(learner=learner, course=course, ended_at__isnull=False).exists():
        return False
    return not Response.objects.filter(learner=learner, course=course).exists()


def placement_open(learner: User, course: Course) -> Placement | None:
    """Return the learner's placement that is still going on."""
    return Placement.objects.filter(learner=learner, course=course, ended_at=None).first()


def placement_start(learner: User, course: Course, *, now: datetime) -> Placement:
    """Begin a placement, or resume the one that is open.

    Raises:
        TutorError: code `nothing_to_ask` for a course without a step.
    """
    found = placement_open(learner, course)
    if found is not None:
        return found
    if not course_graph(course).practisable:
        raise TutorError(
            _("This course has no questions yet, so there is nothing to place you with."),
            code="nothing_to_ask",
        )
    seed = seed_of(learner.pk, course.pk, int(now.timestamp()))
    try:
        with transaction.atomic():
            return Placement.objects.create(
                learner=learner, course=course, seed=seed, started_at=now
            )
    except IntegrityError:
        # Another click began it first.
        return Placement.objects.get(learner=learner, course=course, ended_at=None)


def placement_question(placement: Placement, course: Course) -> PlacementQuestion | None:
    """Return what to ask now; None when enough is known. The same until it is answered."""
    if placement.ended_at is not None:
        return None
    graph = course_graph(course)
    with _test_of(placement, graph_arrays(graph)) as test:
        row = test.question()
    if row is None:
        return None
    skill_id = graph.skill_ids[row]
    return PlacementQuestion(
        skill_id=skill_id,
        target=_target(placement, graph, skill_id),
        n_answered=len(placement.answers),
        n_most=CONFIG.most_questions,
    )


@transaction.atomic
def placement_answer(
    placement: Placement, course: Course, *, skill_id: int, is_correct: bool, now: datetime
) -> Placement:
    """Take in one observation on the skill that was asked; end the placement when it was enough.

    An answer to a skill that is not in the course any more, or after the end, changes nothing.
    """
    held = Placement.objects.select_for_update().get(pk=placement.pk)
    graph = course_graph(course)
    if held.ended_at is not None or skill_id not in graph.skill_of:
        return held
    held.answers = [*held.answers, [skill_id, is_correct]]
    held.save(update_fields=["answers"])
    if placement_question(held, course) is None:
        return _ended(held, course, is_complete=True, now=now)
    return held


@transaction.atomic
def placement_end(placement: Placement, course: Course, *, now: datetime) -> Placement:
    """End a placement early: what was answered counts, and the course is open to the learner."""
    held = Placement.objects.select_for_update().get(pk=placement.pk)
    if held.ended_at is not None:
        return held
    return _ended(held, course, is_complete=False, now=now)


def placement_result(placement: Placement, course: Course) -> PlacementResult:
    """Return where the placement says to begin, with its uncertainty."""
    graph = course_graph(course)
    arrays = graph_arrays(graph)
    with _test_of(placement, arrays) as test:
        p = test.p_known
    basis = np.ones(arrays.n)
    np.minimum.at(basis, arrays.gate_child, p[arrays.gate_parent])
    rows = np.flatnonzero(fringe_of(arrays, p, config=CONFIG)).tolist()
    p_practisable = p[arrays.is_practisable]
    return PlacementResult(
        fringe=tuple(
            PlacedSkill(
                skill_id=graph.skill_ids[row], p_known=float(p[row]), p_basis=float(basis[row])
            )
            for row in rows
        ),
        n_questions=len(placement.answers),
        n_skills=len(p_practisable),
        n_known_expected=float(p_practisable.sum()),
        n_known_sd=float(np.sqrt((p_practisable * (1 - p_practisable)).sum())),
    )


def _test_of(placement: Placement, arrays: GraphArrays) -> AbstractContextManager[PlacementTest]:
    answers = [
        (arrays.row_of[skill_id], bool(is_right))
        for skill_id, is_right in placement.answers
        if skill_id in arrays.row_of
    ]
    return lent_test(placement.seed, arrays, answers, config=CONFIG)


def _target(placement: Placement, graph: CourseGraph, skill_id: int) -> Target:
    """Return a step that asks the skill: one of a single skill where there is one."""
    n_before = sum(1 for asked, _right in placement.answers if asked == skill_id)
    rng = Random(seed_of(placement.seed, skill_id, n_before))  # noqa: S311
    steps = _whole_problems(graph.steps_by_skill[skill_id])
    single = [step for step in steps if len(step.skill_ids) == 1] or steps
    order = sorted(single, key=lambda step: seed_of(placement.seed, step.step_id))
    step = order[n_before % len(order)]
    return Target(step=step, variant_seed=rng.getrandbits(31) if step.is_varied else 0)


def _whole_problems(steps: tuple[StepRef, ...]) -> list[StepRef]:
    """Return the steps with which their problem begins, or all where none does."""
    return [step for step in steps if step.position == 0] or list(steps)


def _ended(placement: Placement, course: Course, *, is_complete: bool, now: datetime) -> Placement:
    graph = course_graph(course)
    arrays = graph_arrays(graph)
    placement.ended_at, placement.is_complete = now, is_complete
    if placement.answers:
        with _test_of(placement, arrays) as test:
            p = test.p_known
        placement.p_known = {
            str(skill): round(float(value), 4)
            for skill, value in zip(graph.skill_ids, p, strict=True)
        }
        opened = opened_by(arrays, p, config=CONFIG)
        _standings_write(placement, graph, p=p.tolist(), opened=opened.tolist(), now=now)
    placement.save(update_fields=["ended_at", "is_complete", "p_known"])
    return placement


def _standings_write(
    placement: Placement,
    graph: CourseGraph,
    *,
    p: list[float],
    opened: list[bool],
    now: datetime,
) -> None:
    rows = {
        row.skill_id: row
        for row in SkillStanding.objects.filter(
            learner_id=placement.learner_id, skill__course_id=graph.course_id
        )
    }
    new, changed = [], []
    for skill_id, p_known, is_opened in zip(graph.skill_ids, p, opened, strict=True):
        row = rows.get(skill_id)
        if row is None:
            row = SkillStanding(learner_id=placement.learner_id, skill_id=skill_id)
            new.append(row)
        else:
            changed.append(row)
        row.p_placed = round(p_known, 4)
        if is_opened:
            row.opened_at = row.opened_at or now
    SkillStanding.objects.bulk_create(new)
    SkillStanding.objects.bulk_update(changed, ["p_placed", "opened_at"])
