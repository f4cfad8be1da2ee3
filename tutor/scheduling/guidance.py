"""Where a learner is to go, and what teachers said: everything a plan has to obey, in one query."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import CharField, DateTimeField, F, FloatField, Q, QuerySet, Value
from django.db.models.functions import Cast

from tutor.accounts.models import User
from tutor.content.models import Course
from tutor.scheduling.graph_arrays import GraphArrays, Mask
from tutor.scheduling.models import Assignment, Goal, Override
from tutor.scheduling.overlay import Word, word_weight

# A plan goes on working towards an assignment for as long after its date.
LATE_FOR = timedelta(days=7)
SECONDS_A_DAY = 86_400.0


AimRow = tuple[int, str, datetime | None, str, str]


@dataclass(frozen=True, slots=True)
class Aim:
    """A set of target skills: the learner's own goal, or an assignment with its teacher's note."""

    uuid: UUID
    title: str
    is_assigned: bool
    skill_ids: tuple[int, ...]
    due_at: datetime | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class OverrideNow:
    """An override that was not lifted."""

    skill_id: int
    says: str
    created_at: datetime
    half_life_days: float


@dataclass(frozen=True, slots=True)
class Guidance:
    """The aims of a learner, the most pressing first, and the overrides that were not lifted."""

    aims: tuple[Aim, ...] = ()
    overrides: tuple[OverrideNow, ...] = ()

    def goal_mask(self, arrays: GraphArrays) -> Mask | None:
        """Return (n,) the closure of every aim; None for the whole course."""
        targets = [skill for aim in self.aims for skill in aim.skill_ids]
        mask = arrays.closure(targets)
        return mask if mask.any() else None

    def words(self, *, now: datetime) -> tuple[Word, ...]:
        """Return what was said, weighed by its age."""
        return tuple(
            Word(
                skill_id=row.skill_id,
                says=row.says,
                weight=word_weight(
                    age_days=(now - row.created_at).total_seconds() / SECONDS_A_DAY,
                    half_life_days=row.half_life_days,
                ),
            )
            for row in self.overrides
        )


NO_GUIDANCE = Guidance()


def guidance_of_learner(learner: User, course: Course, *, now: datetime) -> Guidance:
    """Return what a learner's plans have to obey (one query)."""
    return guidance_of_learners([learner.pk], course, now=now)[learner.pk]


def guidance_of_learners(
    learner_ids: Sequence[int], course: Course, *, now: datetime
) -> dict[int, Guidance]:
    """Return what each learner's plans have to obey (one query however many)."""
    rows = _goals(learner_ids, course).union(
        _assignments(learner_ids, course, now=now), _overrides(learner_ids, course), all=True
    )
    aims: defaultdict[int, dict[UUID, list[AimRow]]] = defaultdict(dict)
    overrides: defaultdict[int, list[OverrideNow]] = defaultdict(list)
    for learner_id, kind, uuid, skill_id, at, text, number, note in rows:
        if kind == "override":
            overrides[learner_id].append(
                OverrideNow(skill_id=skill_id, says=text, created_at=at, half_life_days=number)
            )
        else:
            aims[learner_id].setdefault(uuid, []).append((skill_id, kind, at, text, note))
    return {
        learner_id: Guidance(
            aims=_ordered(aims[learner_id].items()), overrides=tuple(overrides[learner_id])
        )
        for learner_id in learner_ids
    }


def _ordered(
    found: Iterable[tuple[UUID, list[AimRow]]],
) -> tuple[Aim, ...]:
    made = [
        Aim(
            uuid=uuid,
            title=rows[0][3],
            is_assigned=rows[0][1] == "assignment",
            skill_ids=tuple(sorted({row[0] for row in rows})),
            due_at=rows[0][2],
            note=rows[0][4],
        )
        for uuid, rows in found
    ]

    def pressing(aim: Aim) -> tuple[bool, float, str]:
        return aim.due_at is None, aim.due_at.timestamp() if aim.due_at else 0.0, str(aim.uuid)

    return tuple(sorted(made, key=pressing))


Row = tuple[int, str, UUID, int, datetime, str, float, str]


def _goals(learner_ids: Sequence[int], course: Course) -> "QuerySet[Goal, Row]":
    return (
        Goal.objects.filter(learner_id__in=learner_ids, course=course, ended_at=None)
        .order_by()
        .values_list(
            F("learner_id"),
            Value("goal", output_field=CharField()),
            F("uuid"),
            F("skills"),
            Cast(F("due_at"), DateTimeField()),
            Value("", output_field=CharField()),
            Value(0.0, output_field=FloatField()),
            Value("", output_field=CharField()),
        )
    )


def _assignments(
    learner_ids: Sequence[int], course: Course, *, now: datetime
) -> "QuerySet[Assignment, Row]":
    enrolled = Q(classroom__enrolments__learner_id__in=learner_ids) & Q(
        classroom__enrolments__left_at=None
    )
    named = Q(learners=None) | Q(learners=F("classroom__enrolments__learner"))
    return (
        Assignment.objects.filter(
            enrolled,
            named,
            classroom__course=course,
            classroom__is_archived=False,
            withdrawn_at=None,
            due_at__gte=now - LATE_FOR,
        )
        .order_by()
        .values_list(
            F("classroom__enrolments__learner_id"),
            Value("assignment", output_field=CharField()),
            F("uuid"),
            F("skills"),
            Cast(F("due_at"), DateTimeField()),
            Cast(F("title"), CharField()),
            Value(0.0, output_field=FloatField()),
            Cast(F("note"), CharField()),
        )
    )


def _overrides(learner_ids: Sequence[int], course: Course) -> "QuerySet[Override, Row]":
    return (
        Override.objects.filter(learner_id__in=learner_ids, skill__course=course, lifted_at=None)
        .order_by()
        .values_list(
            F("learner_id"),
            Value("override", output_field=CharField()),
            F("uuid"),
            F("skill_id"),
            Cast(F("created_at"), DateTimeField()),
            Cast(F("says"), CharField()),
            Cast(F("half_life_days"), FloatField()),
            Value("", output_field=CharField()),
        )
    )
