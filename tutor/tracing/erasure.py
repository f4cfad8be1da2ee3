"""Erasing a learner: the account and all that hangs on it; the answers too, or their owner."""

import logging
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from axes.models import AccessAttempt, AccessFailureLog
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.auth import SESSION_KEY
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from tutor.accounts.models import User
from tutor.accounts.services import audit_record
from tutor.common.errors import TutorError
from tutor.responses.models import Response, ResponseSource
from tutor.roster.models import Classroom
from tutor.tracing import engine_fit
from tutor.tracing.models import FitRun, FitStatus, VersionStatus

logger = logging.getLogger(__name__)

KEEP = "keep"
CHUNK = 500


@dataclass(frozen=True, slots=True)
class FitUsed:
    """A fit that read the learner's responses. `version_uuid` is None where it gave no version."""

    uuid: UUID
    course_key: str
    model_name: str
    cutoff: datetime
    version_uuid: UUID | None
    is_serving: bool


@dataclass(frozen=True, slots=True)
class Erasure:
    """What an erasure did."""

    n_responses: int
    is_keeping_responses: bool
    fits: tuple[FitUsed, ...]


@transaction.atomic
def learner_erase(
    learner: User, *, by: User | None, now: datetime, is_keeping_responses: bool | None = None
) -> Erasure:
    """Delete a learner's account with states, plans, sittings, notes, log-ins, tokens and the like.

    Responses are deleted, or kept under a random key with the texts of answers blanked; None leaves
    that to the school's setting STEPWISE_ERASURE. `by` is an administrator or the learner, or None
    at the server's console. The fits that used the responses are returned and noted; fits from now
    on read none that were deleted.

    Raises:
        TutorError: code `not_a_learner` or `not_allowed`.
    """
    if not learner.is_learner:
        raise TutorError(
            _("Only learners are erased; {name} is not one.").format(name=learner.display_name),
            code="not_a_learner",
        )
    if by is not None and not (by.is_administrator or by.pk == learner.pk):
        raise TutorError(
            _("Only an administrator, or the learner, may erase a learner."), code="not_allowed"
        )
    is_keeping = settings.ERASURE == KEEP if is_keeping_responses is None else is_keeping_responses
    # An answer that is being recorded is either before this or finds no account.
    learner = User.objects.select_for_update().get(pk=learner.pk)
    fits = fits_of_learner(learner)
    responses = Response.objects.filter(learner=learner)
    if is_keeping:
        n_responses = _responses_keep(responses, erased_key=_key_draw(learner))
    else:
        n_responses = _responses_delete(responses)
    _traces_delete(learner)
    _own_assignments_delete(learner)
    audit_record(
        None if by is not None and by.pk == learner.pk else by,
        action="learner_erase",
        object_kind="learner",
        object_id=str(learner.uuid),
        detail={
            "responses": n_responses,
            "are_responses_kept": is_keeping,
            "is_own_wish": by is not None and by.pk == learner.pk,
            "fits": [str(fit.uuid) for fit in fits],
        },
        now=now,
    )
    learner_id = learner.pk
    learner.delete()
    logger.info("learner %s erased with %s responses", learner_id, n_responses)
    return Erasure(n_responses=n_responses, is_keeping_responses=is_keeping, fits=fits)


def fits_of_learner(learner: User) -> tuple[FitUsed, ...]:
    """Return the fits, ended or under way, that read responses of the learner; the newest first."""
    found = []
    runs = FitRun.objects.filter(
        course__responses__learner=learner, status__in=[FitStatus.RUNNING, FitStatus.DONE]
    )
    for run in runs.select_related("course", "version").distinct().order_by("-id"):
        read = Response.objects.filter(
            learner=learner,
            course=run.course,
            is_observation=True,
            answered_at__lte=run.cutoff,
        )
        if run.finished_at is not None:
            # History that was imported later was not there to read.
            read = read.filter(recorded_at__lte=run.finished_at)
        if read.exists():
            version = getattr(run, "version", None)
            found.append(
                FitUsed(
                    uuid=run.uuid,
                    course_key=run.course.key,
                    model_name=run.model_name,
                    cutoff=run.cutoff,
                    version_uuid=version.uuid if version else None,
                    is_serving=version is not None and version.status == VersionStatus.SERVING,
                )
            )
    return tuple(found)


def _responses_delete(responses: QuerySet[Response]) -> int:
    n_responses = responses.count()
    responses.delete()
    return n_responses


def _key_draw(learner: User) -> UUID:
    """Return a random key that tells one thing of the learner: kept for tests of fits, or not.

    Otherwise a version could be tested on what it was fitted on.
    """
    side = engine_fit.is_held_out(learner.uuid)
    while engine_fit.is_held_out(key := uuid4()) != side:
        pass
    return key


def _responses_keep(responses: QuerySet[Response], *, erased_key: UUID) -> int:
    """Put the responses under a random key, with nothing that leads back to their owner."""
    # Sessions and tokens of imported responses are made from the learner's id in the old log.
    imported = responses.filter(source=ResponseSource.IMPORTED).only("pk")
    part: list[Response] = []
    for response in imported.iterator(CHUNK):
        response.session_uuid, response.attempt_token = erased_key, uuid4()
        part.append(response)
        if len(part) == CHUNK:
            Response.objects.bulk_update(part, ["session_uuid", "attempt_token"])
            part = []
    Response.objects.bulk_update(part, ["session_uuid", "attempt_token"])
    return responses.update(learner=None, erased_key=erased_key, raw_answer="", plan_uuid=None)


def _own_assignments_delete(learner: User) -> None:
    """Delete what was set to this learner alone: with nobody named it would be the whole class's.

    By the reverse relation of classes: the room of assignments stands above this one.
    """
    others = User.objects.exclude(pk=learner.pk)
    for classroom in Classroom.objects.filter(assignments__learners=learner).distinct():
        classroom.assignments.filter(learners=learner).exclude(learners__in=others).delete()


def _traces_delete(learner: User) -> None:
    """Delete what no foreign key leads to: log-ins, failed log-ins, the admin's notes."""
    for session in Session.objects.iterator(CHUNK):
        if session.get_decoded().get(SESSION_KEY) == str(learner.pk):
            session.delete()
    for log in (AccessAttempt, AccessFailureLog):
        log.objects.filter(username__iexact=learner.username).delete()
    LogEntry.objects.filter(
        content_type=ContentType.objects.get_for_model(User), object_id=str(learner.pk)
    ).delete()
