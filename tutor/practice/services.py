"""The learner's doings: start, answer, ask for help, go on. Each is one transaction.

An activity's `attempt_token` changes with every deed, and every form carries the token that it was
rendered with. So a double click or a re-sent form is recognised by its old token and changes
nothing: the learner is shown where things stand.
"""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.db import transaction
from django.utils.translation import gettext as _

from tutor.accounts.models import User
from tutor.common.errors import TutorError
from tutor.content.documents import problem_document
from tutor.content.models import Course
from tutor.practice.beginning import activity_begin, activity_plan
from tutor.practice.grading import grade
from tutor.practice.models import Activity, Session, SessionKind
from tutor.practice.recording import (
    Deed,
    Outcome,
    activity_of,
    deed_record,
    late,
    scene_of,
)
from tutor.responses.models import ResponseKind
from tutor.scheduling.services import offer_for

# A sitting that lay this long is over; the next start begins a new one.
SITTING_GAP = timedelta(hours=8)


def session_open(learner: User, course: Course, *, now: datetime) -> Session | None:
    """Return the learner's sitting that is still going on, on whatever device."""
    return (
        Session.objects.filter(
            learner=learner,
            course=course,
            kind=SessionKind.PRACTICE,
            ended_at=None,
            last_active_at__gte=now - SITTING_GAP,
        )
        .order_by("-id")
        .first()
    )


@transaction.atomic
def session_start(
    learner: User, course: Course, *, skill_id: int | None = None, now: datetime
) -> Session:
    """Resume the open sitting, or begin one with the offered activity, or the chosen skill.

    Raises:
        TutorError: code `nothing_to_do` when the course has nothing left to offer now, and
            `unknown_choice` when the skill is not among what is offered now.
    """
    # The learner's row is the lock: two clicks on Start begin one sitting.
    User.objects.select_for_update(no_key=True).get(pk=learner.pk)
    session = session_open(learner, course, now=now)
    if session is not None and skill_id is None and activity_of(session) is not None:
        return session
    offer = offer_for(learner, course, now=now)
    if not offer.candidates:
        raise TutorError(
            _(
                "There is nothing fresh to practise right now. "
                "Come back tomorrow, or read a lesson."
            ),
            code="nothing_to_do",
        )
    # By skill, not by place: the offer may have changed since the page was shown.
    taken = offer.drawn
    if skill_id is not None:
        taken = next((c.index for c in offer.candidates if c.skill_id == skill_id), None)
    if taken is None:
        raise TutorError(
            _("That suggestion is gone; choose from the ones shown now."), code="unknown_choice"
        )
    if session is None:
        Session.objects.filter(
            learner=learner, course=course, kind=SessionKind.PRACTICE, ended_at=None
        ).update(ended_at=now)
        session = Session.objects.create(
            learner=learner, course=course, started_at=now, last_active_at=now
        )
    else:
        Activity.objects.filter(session=session, finished_at=None).update(finished_at=now)
    upcoming = activity_plan(session, offer, taken=taken, now=now)
    activity_begin(session, upcoming, now=now)
    return session


def session_end(session: Session, *, now: datetime) -> None:
    """End a sitting; what is on the screen is left unanswered."""
    with transaction.atomic():
        Activity.objects.filter(session=session, finished_at=None).update(finished_at=now)
        Session.objects.filter(pk=session.pk, ended_at=None).update(ended_at=now)


def answer_submit(
    session: Session,
    *,
    raw_answer: str,
    attempt_token: UUID,
    elapsed_ms: int | None = None,
    now: datetime,
) -> Outcome:
    """Grade and record an answer to the step at hand, move the belief, choose what is next.

    An unreadable answer records nothing and costs no attempt.
    """
    scene = scene_of(session)
    if scene is None or scene.activity.attempt_token != attempt_token or scene.activity.is_solved:
        return late(session, attempt_token)
    # Before the transaction: a slow grading must not hold the database.
    graded = grade(
        scene.step.answer, raw_answer, choices=scene.step.choices, feedback=scene.step.feedback
    )
    if not graded.is_readable:
        return Outcome(Deed.UNREADABLE, graded.message)
    return deed_record(
        session,
        scene,
        kind=ResponseKind.ANSWER,
        is_right=graded.is_correct,
        raw_answer=raw_answer,
        misconception=graded.misconception or "",
        message=graded.message,
        attempt_token=attempt_token,
        elapsed_ms=elapsed_ms,
        now=now,
    )


def dont_know(
    session: Session, *, attempt_token: UUID, elapsed_ms: int | None = None, now: datetime
) -> Outcome:
    """Record "I don't know this yet": the honest way on, which shows the worked solution."""
    scene = scene_of(session)
    if scene is None or scene.activity.attempt_token != attempt_token or scene.activity.is_solved:
        return late(session, attempt_token)
    return deed_record(
        session,
        scene,
        kind=ResponseKind.DONT_KNOW,
        is_right=False,
        attempt_token=attempt_token,
        elapsed_ms=elapsed_ms,
        now=now,
    )


def hint_open(session: Session, *, attempt_token: UUID, now: datetime) -> Outcome:
    """Open the next hint; before any answer that is an (incorrect) observation of its own."""
    scene = scene_of(session)
    if scene is None or scene.activity.attempt_token != attempt_token or scene.activity.is_solved:
        return Outcome(Deed.REPEATED)
    opened = scene.activity.hints_opened
    upcoming = next((hint for hint in scene.step.hints if hint.key not in opened), None)
    if upcoming is None:
        return Outcome(Deed.REPEATED)
    if not scene.activity.is_observed:
        return deed_record(
            session,
            scene,
            kind=ResponseKind.HINT,
            is_right=False,
            hint=upcoming,
            attempt_token=attempt_token,
            elapsed_ms=None,
            now=now,
        )
    changed = Activity.objects.filter(pk=scene.activity.pk, attempt_token=attempt_token).update(
        hints_opened=[*opened, upcoming.key], attempt_token=uuid4()
    )
    return Outcome(Deed.RECORDED if changed else Deed.REPEATED)


def scaffold_answer(
    session: Session,
    *,
    hint_key: str,
    raw_answer: str,
    attempt_token: UUID,
    now: datetime,
) -> Outcome:
    """Grade and record an answer to an opened scaffold; never an observation."""
    scene = scene_of(session)
    if scene is None or scene.activity.attempt_token != attempt_token or scene.activity.is_solved:
        return late(session, attempt_token)
    hint = next((hint for hint in scene.step.hints if hint.key == hint_key), None)
    if hint is None or hint.answer is None or hint_key not in scene.activity.hints_opened:
        return Outcome(Deed.OUTDATED, _("That question is not on the screen any more."))
    graded = grade(hint.answer, raw_answer, choices=hint.choices)
    if not graded.is_readable:
        return Outcome(Deed.UNREADABLE, graded.message)
    return deed_record(
        session,
        scene,
        kind=ResponseKind.SCAFFOLD,
        is_right=graded.is_correct,
        raw_answer=raw_answer,
        message=graded.message,
        hint=hint,
        attempt_token=attempt_token,
        elapsed_ms=None,
        now=now,
    )


@transaction.atomic
def activity_continue(session: Session, *, attempt_token: UUID, now: datetime) -> Outcome:
    """Go on after feedback: to the problem's next step, or to the planned activity."""
    activity = (
        Activity.objects.select_for_update(of=("self",))
        .select_related("revision")
        .filter(session=session, finished_at=None)
        .first()
    )
    if activity is None or activity.attempt_token != attempt_token or not activity.is_solved:
        return Outcome(Deed.REPEATED)
    problem = problem_document(activity.revision, seed=activity.variant_seed)
    if activity.step_index + 1 < len(problem.steps):
        activity.step_index += 1
        activity.attempt_token = uuid4()
        activity.step_shown_at = now
        activity.tries = 0
        activity.is_observed = activity.is_solved = False
        activity.hints_opened, activity.scaffolds_solved, activity.feedback = [], [], {}
        activity.save()
        return Outcome(Deed.RECORDED)
    activity.finished_at = now
    activity.save(update_fields=["finished_at"])
    upcoming = activity.feedback.get("next")
    if upcoming is not None:
        activity_begin(session, upcoming, now=now)
    return Outcome(Deed.RECORDED)
