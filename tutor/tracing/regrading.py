"""Regrading a step: corrections in the log, and the states of those concerned replayed."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from tutor.accounts.models import User
from tutor.common.errors import TutorError
from tutor.content.models import Step
from tutor.responses.regrading import Change, RegradeFindings, regrade_find, regrade_record
from tutor.tracing.replaying import learners_replay_later


@dataclass(frozen=True, slots=True)
class Affected:
    """A learner with answers that a regrade changes."""

    learner: User
    n_now_right: int
    n_now_wrong: int


@dataclass(frozen=True, slots=True)
class RegradeReport:
    """What a regrade changed, or would change, and whom it concerns."""

    findings: RegradeFindings
    is_dry_run: bool
    n_now_right: int
    n_now_wrong: int
    affected: tuple[Affected, ...]


def responses_regrade(
    step: Step, *, by: User | None, reason: str, now: datetime, is_dry_run: bool
) -> RegradeReport:
    """Grade every answer to a step again by its current answer key, and tell who is affected.

    `by` is a teacher or an administrator, or None at the server's console.

    Raises:
        TutorError: code `not_a_teacher`, `reason_missing`, `step_not_shown` or `answer_invalid`.
    """
    if by is not None and not by.is_teacher:
        raise TutorError(_("Only teachers grade a step again."), code="not_a_teacher")
    # Before the transaction: a slow grading must not hold the database.
    findings = regrade_find(step)
    if is_dry_run:
        return _report(findings, findings.changes, is_dry_run=True)
    with transaction.atomic():
        made = regrade_record(findings, by=by, reason=reason, now=now)
        concerned = {
            change.learner_id
            for change in made
            if change.is_observation and change.learner_id is not None
        }
        learners_replay_later(step.course, sorted(concerned), now=now)
    return _report(findings, made, is_dry_run=False)


def _report(
    findings: RegradeFindings, changes: tuple[Change, ...], *, is_dry_run: bool
) -> RegradeReport:
    right = Counter(change.learner_id for change in changes if change.is_correct)
    wrong = Counter(change.learner_id for change in changes if not change.is_correct)
    ids = [pk for pk in right.keys() | wrong.keys() if pk is not None]
    return RegradeReport(
        findings=findings,
        is_dry_run=is_dry_run,
        n_now_right=right.total(),
        n_now_wrong=wrong.total(),
        affected=tuple(
            Affected(learner, right[learner.pk], wrong[learner.pk])
            for learner in User.objects.filter(pk__in=ids).order_by("display_name", "pk")
        ),
    )
