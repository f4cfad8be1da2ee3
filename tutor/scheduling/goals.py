"""Setting goals, assignments and overrides. Each is dated, and can be taken back."""

from collections.abc import Collection, Iterable
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from tutor.accounts.models import User
from tutor.accounts.services import audit_record
from tutor.common.errors import TutorError
from tutor.content.models import Course, Skill
from tutor.roster.models import Classroom, Enrolment
from tutor.scheduling.models import Assignment, Goal, Override, OverrideSays


@transaction.atomic
def goal_set(
    learner: User,
    course: Course,
    *,
    skill_ids: Collection[int],
    due_at: datetime | None = None,
    now: datetime,
) -> Goal:
    """Set the learner's own goal, in place of the one before.

    Raises:
        TutorError: code `no_skills`, `unknown_skill` or `date_past`.
    """
    skills = _skills_checked(course, skill_ids)
    _date_check(due_at, now=now)
    goal_end(learner, course, now=now)
    goal = Goal.objects.create(learner=learner, course=course, due_at=due_at, created_at=now)
    goal.skills.set(skills)
    return goal


def goal_end(learner: User, course: Course, *, now: datetime) -> None:
    """Drop the learner's own goal: the whole course is the goal again."""
    Goal.objects.filter(learner=learner, course=course, ended_at=None).update(ended_at=now)


@transaction.atomic
def assignment_make(
    classroom: Classroom,
    *,
    title: str,
    skill_ids: Collection[int],
    due_at: datetime,
    learners: Iterable[User] = (),
    note: str = "",
    by: User | None,
    now: datetime,
) -> Assignment:
    """Set a class, or the learners named, a goal with a date.

    Raises:
        TutorError: code `no_skills`, `unknown_skill`, `date_past`, `no_title` or `not_in_class`.
    """
    _date_check(due_at, now=now)
    assignment = Assignment(classroom=classroom, created_at=now, created_by=by)
    _assignment_fill(assignment, title, note, due_at, skill_ids, learners)
    _record(assignment, "assignment_make", by=by, now=now)
    return assignment


@transaction.atomic
def assignment_change(
    assignment: Assignment,
    *,
    title: str,
    skill_ids: Collection[int],
    due_at: datetime,
    learners: Iterable[User] = (),
    note: str = "",
    by: User | None,
    now: datetime,
) -> None:
    """Change what an assignment asks for, by when, and of whom. Raises as `assignment_make` does.

    A date that is past may stay as it is.
    """
    if due_at != assignment.due_at:
        _date_check(due_at, now=now)
    _assignment_fill(assignment, title, note, due_at, skill_ids, learners)
    _record(assignment, "assignment_change", by=by, now=now)


def _assignment_fill(
    assignment: Assignment,
    title: str,
    note: str,
    due_at: datetime,
    skill_ids: Collection[int],
    learners: Iterable[User],
) -> None:
    classroom = assignment.classroom
    skills = _skills_checked(classroom.course, skill_ids)
    if not title.strip():
        raise TutorError(_("An assignment needs a title."), code="no_title")
    named = list(learners)
    current = set(
        Enrolment.objects.filter(classroom=classroom, left_at=None).values_list(
            "learner_id", flat=True
        )
    )
    for learner in named:
        if learner.pk not in current:
            raise TutorError(
                _("{name} is not in this class now; name only its learners.").format(
                    name=learner.display_name
                ),
                code="not_in_class",
            )
    assignment.title, assignment.note, assignment.due_at = title.strip(), note.strip(), due_at
    assignment.save()
    assignment.skills.set(skills)
    assignment.learners.set(named)


def assignment_withdraw(assignment: Assignment, *, by: User | None, now: datetime) -> None:
    """Take an assignment back; what was practised for it stays. A second call changes nothing."""
    with transaction.atomic():
        live = Assignment.objects.filter(pk=assignment.pk, withdrawn_at=None)
        if live.update(withdrawn_at=now):
            _record(assignment, "assignment_withdraw", by=by, now=now)


def _record(assignment: Assignment, action: str, *, by: User | None, now: datetime) -> None:
    audit_record(
        by,
        action=action,
        object_kind="classroom",
        object_id=str(assignment.classroom.uuid),
        detail={"assignment": str(assignment.uuid)},
        now=now,
    )


@transaction.atomic
def override_make(
    learner: User,
    skill: Skill,
    *,
    says: OverrideSays,
    note: str = "",
    half_life_days: float = 30.0,
    by: User | None,
    now: datetime,
) -> Override:
    """Record a teacher's word on a skill, in place of the one before. The model is not told.

    Raises:
        TutorError: code `bad_half_life`.
    """
    if not 1 <= half_life_days <= 365:
        raise TutorError(
            _("The half-life is {days} days, expected 1 to 365.").format(days=half_life_days),
            code="bad_half_life",
        )
    Override.objects.filter(learner=learner, skill=skill, lifted_at=None).update(lifted_at=now)
    override = Override.objects.create(
        learner=learner,
        skill=skill,
        says=says,
        note=note,
        half_life_days=half_life_days,
        created_at=now,
        created_by=by,
    )
    _override_record(override, "override_make", by=by, now=now)
    return override


def override_lift(override: Override, *, by: User | None, now: datetime) -> None:
    """Take a teacher's word back; what the learner opened meanwhile stays open."""
    with transaction.atomic():
        live = Override.objects.filter(pk=override.pk, lifted_at=None)
        if live.update(lifted_at=now):
            _override_record(override, "override_lift", by=by, now=now)


def _override_record(override: Override, action: str, *, by: User | None, now: datetime) -> None:
    audit_record(
        by,
        action=action,
        object_kind="user",
        object_id=str(override.learner.uuid),
        detail={"skill": str(override.skill.uuid), "says": override.says},
        now=now,
    )


def _skills_checked(course: Course, skill_ids: Collection[int]) -> list[Skill]:
    if not skill_ids:
        raise TutorError(_("Choose at least one skill."), code="no_skills")
    skills = list(Skill.objects.filter(course=course, pk__in=skill_ids, is_retired=False))
    if len(skills) != len(set(skill_ids)):
        raise TutorError(
            _("{found} of {asked} skills are in this course; choose only skills of it.").format(
                found=len(skills), asked=len(set(skill_ids))
            ),
            code="unknown_skill",
        )
    return skills


def _date_check(due_at: datetime | None, *, now: datetime) -> None:
    if due_at is not None and due_at <= now:
        raise TutorError(
            _("The date {date} is past; choose one to come.").format(date=f"{due_at:%Y-%m-%d}"),
            code="date_past",
        )
