"""A placement on the screen: one question after another, no verdict until the end.

Which question comes next is the scheduler's; here it is shown, and its answer recorded as every
answer is.
"""

from collections import OrderedDict
from contextlib import suppress
from datetime import datetime
from threading import Lock
from uuid import UUID

from django.db import IntegrityError, transaction

from tutor.accounts.models import User
from tutor.content.models import Course
from tutor.practice.grading import grade
from tutor.practice.models import Activity, Session, SessionKind
from tutor.practice.recording import (
    Deed,
    Outcome,
    Scene,
    activity_of,
    deed_record,
    late,
    scene_of,
)
from tutor.responses.models import ResponseKind
from tutor.scheduling.models import Placement
from tutor.scheduling.placements import (
    PlacementQuestion,
    placement_answer,
    placement_end,
    placement_open,
    placement_question,
    placement_start,
)

QUESTIONS_KEPT = 256


def placing_start(learner: User, course: Course, *, now: datetime) -> Session:
    """Begin a placement with its first question on the screen, or resume the one that is open.

    Raises:
        TutorError: code `nothing_to_ask` for a course without a step.
    """
    placement = placement_start(learner, course, now=now)
    with transaction.atomic():
        # The learner's row is the lock: two clicks begin one sitting.
        User.objects.select_for_update(no_key=True).get(pk=learner.pk)
        session = placing_session(learner, course)
        if session is None:
            session = Session.objects.create(
                learner=learner,
                course=course,
                kind=SessionKind.PLACEMENT,
                started_at=now,
                last_active_at=now,
            )
    placing_show(session, placement, now=now)
    return session


def placing_session(learner: User, course: Course) -> Session | None:
    """Return the sitting of the learner's open placement; a placement may lie for days."""
    return Session.objects.filter(
        learner=learner, course=course, kind=SessionKind.PLACEMENT, ended_at=None
    ).first()


def placing_show(
    session: Session, placement: Placement, *, now: datetime
) -> PlacementQuestion | None:
    """Put the question at hand on the screen, if it is not there; None when enough is known."""
    question = _question(placement, session.course)
    if question is None:
        # Nothing more is worth asking, which a new version of the course can bring about too.
        placement_end(placement, session.course, now=now)
        Session.objects.filter(pk=session.pk, ended_at=None).update(ended_at=now)
        return None
    if activity_of(session) is None:
        # Another device may put it there first.
        with suppress(IntegrityError), transaction.atomic():
            Activity.objects.create(
                session=session,
                revision_id=question.target.step.revision_id,
                skill_id_aim=question.skill_id,
                variant_seed=question.target.variant_seed,
                step_index=question.target.step.position,
                step_shown_at=now,
                started_at=now,
            )
    return question


# A question is worked out from all answers before it, which takes a while on a large course, and it
# is asked for when it is put on the screen and again when the page is drawn.
_kept: OrderedDict[tuple[UUID, int, int], PlacementQuestion | None] = OrderedDict()
_lock = Lock()


def _question(placement: Placement, course: Course) -> PlacementQuestion | None:
    key = (placement.uuid, len(placement.answers), course.version_number)
    with _lock:
        if key in _kept:
            return _kept[key]
    question = placement_question(placement, course)
    with _lock:
        _kept[key] = question
        while len(_kept) > QUESTIONS_KEPT:
            _kept.popitem(last=False)
    return question


def placing_answer(
    session: Session,
    *,
    raw_answer: str,
    attempt_token: UUID,
    elapsed_ms: int | None = None,
    now: datetime,
) -> Outcome:
    """Grade and record an answer, and put the next question on the screen.

    An unreadable answer records nothing.
    """
    scene = scene_of(session)
    if scene is None or scene.activity.attempt_token != attempt_token:
        return late(session, attempt_token)
    graded = grade(
        scene.step.answer, raw_answer, choices=scene.step.choices, feedback=scene.step.feedback
    )
    if not graded.is_readable:
        return Outcome(Deed.UNREADABLE, graded.message)
    return _record(
        session,
        scene,
        kind=ResponseKind.ANSWER,
        is_right=graded.is_correct,
        raw_answer=raw_answer,
        misconception=graded.misconception or "",
        attempt_token=attempt_token,
        elapsed_ms=elapsed_ms,
        now=now,
    )


def placing_dont_know(
    session: Session, *, attempt_token: UUID, elapsed_ms: int | None = None, now: datetime
) -> Outcome:
    """Record "I don't know this yet", and put the next question on the screen."""
    scene = scene_of(session)
    if scene is None or scene.activity.attempt_token != attempt_token:
        return late(session, attempt_token)
    return _record(
        session,
        scene,
        kind=ResponseKind.DONT_KNOW,
        is_right=False,
        raw_answer="",
        misconception="",
        attempt_token=attempt_token,
        elapsed_ms=elapsed_ms,
        now=now,
    )


def placing_stop(session: Session, *, now: datetime) -> None:
    """End the placement early: what was answered counts."""
    placement = placement_open(session.learner, session.course)
    with transaction.atomic():
        if placement is not None:
            placement_end(placement, session.course, now=now)
        Activity.objects.filter(session=session, finished_at=None).update(finished_at=now)
        Session.objects.filter(pk=session.pk, ended_at=None).update(ended_at=now)


def _record(
    session: Session,
    scene: Scene,
    *,
    kind: ResponseKind,
    is_right: bool,
    raw_answer: str,
    misconception: str,
    attempt_token: UUID,
    elapsed_ms: int | None,
    now: datetime,
) -> Outcome:
    placement = placement_open(session.learner, session.course)
    skill_id = scene.activity.skill_id_aim
    with transaction.atomic():
        outcome = deed_record(
            session,
            scene,
            kind=kind,
            is_right=is_right,
            raw_answer=raw_answer,
            misconception=misconception,
            attempt_token=attempt_token,
            elapsed_ms=elapsed_ms,
            now=now,
        )
        if outcome.deed is not Deed.RECORDED:
            return outcome
        Activity.objects.filter(pk=scene.activity.pk).update(finished_at=now)
        if placement is not None and skill_id is not None:
            placement = placement_answer(
                placement, session.course, skill_id=skill_id, is_correct=is_right, now=now
            )
    if placement is not None:
        placing_show(session, placement, now=now)
    return Outcome(Deed.RECORDED)
