"""Regrade: when an answer key was wrong, corrections are appended; the log itself stays as it was.

Every answer to the step is graded again, against the current revision of its problem and with the
variant that the learner saw. Finding out is reading and grading only, which may be slow; recording
is one short transaction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from tutor.accounts.models import User
from tutor.accounts.services import audit_record
from tutor.common.errors import TutorError
from tutor.content.models import Course, ProblemRevision, Step
from tutor.grading.answers import answer_check
from tutor.grading.errors import AnswerInvalidError, GradingError
from tutor.grading.specs import Graded
from tutor.grading.symbolic import symbolic_shared
from tutor.grading.variants import document_render, variant_draw
from tutor.responses.models import Regrade, Response, ResponseKind
from tutor.responses.selectors import effective_correctness

REASON_LENGTH = 300


@dataclass(frozen=True, slots=True)
class Change:
    """One response whose verdict is another now. `learner_id` is None for an erased learner."""

    response_id: int
    learner_id: int | None
    is_observation: bool
    is_correct: bool


@dataclass(frozen=True, slots=True)
class RegradeFindings:
    """What grading a step's answers again gave.

    Answers without a text (imported, erased), answers that cannot be read any more, and answers to
    a variant that the current revision would not give are counted and keep their verdict.
    """

    step: Step
    n_answers: int
    n_without_text: int
    n_unreadable: int
    n_other_variant: int
    changes: tuple[Change, ...]


def regrade_find(step: Step) -> RegradeFindings:
    """Grade every answer to a step again; nothing is written.

    Raises:
        TutorError: code `step_not_shown` where no current problem holds the step, or
            `answer_invalid` where its answer key cannot be graded with.
    """
    grader = _Grader(step)
    n_answers = n_without_text = n_unreadable = n_other_variant = 0
    changes = []
    answers = Response.objects.filter(step=step, kind=ResponseKind.ANSWER)
    seen = ProblemRevision.objects.in_bulk(
        answers.exclude(revision=None).values_list("revision_id", flat=True).distinct()
    )
    rows = answers.order_by("id").values_list(
        *("pk", "learner_id", "is_observation", "hints_opened"),
        *("raw_answer", "variant_seed", "revision_id", effective_correctness()),
    )
    for pk, learner_id, is_observation, n_hints, raw, seed, revision_id, counted in rows.iterator():
        n_answers += 1
        if not raw:
            n_without_text += 1
            continue
        if not grader.is_same_variant(seen.get(revision_id), seed):
            n_other_variant += 1
            continue
        graded = grader.grade(raw, seed)
        if not graded.is_readable:
            n_unreadable += 1
            continue
        # As observations.py says: an observation with help opened before it is not a correct one.
        is_correct = graded.is_correct and not (is_observation and n_hints > 0)
        if is_correct != counted:
            changes.append(Change(pk, learner_id, is_observation, is_correct))
    return RegradeFindings(
        step=step,
        n_answers=n_answers,
        n_without_text=n_without_text,
        n_unreadable=n_unreadable,
        n_other_variant=n_other_variant,
        changes=tuple(changes),
    )


class _Grader:
    """Grades against the current revision, each variant rendered and each text graded once."""

    def __init__(self, step: Step) -> None:
        revision = step.problem.revision
        documents = [] if revision is None else revision.document["steps"]
        if revision is None or step.key not in {document["id"] for document in documents}:
            raise TutorError(
                _("No current problem shows the step {key}, so nothing says what is right.").format(
                    key=step.key
                ),
                code="step_not_shown",
            )
        self._step = step
        self._revision: ProblemRevision = revision
        self._steps: dict[int, Mapping[str, Any]] = {}
        self._graded: dict[tuple[int, str], Graded] = {}
        self._is_same: dict[tuple[int | None, int], bool] = {}

    def is_same_variant(self, seen: ProblemRevision | None, seed: int) -> bool:
        """Return whether the current revision draws for a seed what the learner was shown."""
        if seen is None or seen.pk == self._revision.pk:
            return True
        key = (seen.pk, seed)
        if key not in self._is_same:
            self._is_same[key] = _values(seen, seed) == _values(self._revision, seed)
        return self._is_same[key]

    def grade(self, raw: str, seed: int) -> Graded:
        """Grade an answer to the variant of a seed."""
        if (seed, raw) not in self._graded:
            document = self._document(seed)
            try:
                self._graded[seed, raw] = answer_check(
                    document["answer"],
                    raw,
                    choices=document.get("choices", ()),
                    feedback=document.get("feedback", ()),
                    symbolic=symbolic_shared(),
                )
            except AnswerInvalidError as error:
                raise TutorError(
                    _("The step {key} cannot be graded with: {error}").format(
                        key=self._step.key, error=error
                    ),
                    code="answer_invalid",
                ) from error
        return self._graded[seed, raw]

    def _document(self, seed: int) -> Mapping[str, Any]:
        if seed not in self._steps:
            document: Any = document_render(self._revision.document, seed)
            self._steps[seed] = next(
                part for part in document["steps"] if part["id"] == self._step.key
            )
        return self._steps[seed]


def _values(revision: ProblemRevision, seed: int) -> Mapping[str, Any] | None:
    """Return what a revision's variables are for a seed; None where they can be drawn no more."""
    document = revision.document
    try:
        return variant_draw(
            document.get("variables") or {}, document.get("constraints") or [], seed=seed
        )
    except GradingError:
        return None


@transaction.atomic
def regrade_record(
    findings: RegradeFindings, *, by: User | None, reason: str, now: datetime
) -> tuple[Change, ...]:
    """Append the corrections; return those that were still to be made.

    Raises:
        TutorError: code `reason_missing`: learners are told the reason.
    """
    if not reason.strip():
        raise TutorError(
            _("Say why the answers are graded again; learners are told."), code="reason_missing"
        )
    # Two people who regrade one step at a moment append each correction once.
    Step.objects.select_for_update(no_key=True).get(pk=findings.step.pk)
    made: list[Change] = []
    for start in range(0, len(findings.changes), 500):
        part = findings.changes[start : start + 500]
        now_counted: dict[int, bool] = dict(
            Response.objects.filter(pk__in=[change.response_id for change in part]).values_list(
                "pk", effective_correctness()
            )
        )
        made += [
            change
            for change in part
            if now_counted.get(change.response_id, change.is_correct) != change.is_correct
        ]
    Regrade.objects.bulk_create(
        [
            Regrade(
                response_id=change.response_id,
                is_correct=change.is_correct,
                reason=reason.strip()[:REASON_LENGTH],
                regraded_at=now,
                regraded_by=by,
            )
            for change in made
        ],
        batch_size=500,
    )
    audit_record(
        by,
        action="step_regrade",
        object_kind="step",
        object_id=str(findings.step.uuid),
        detail={"answers": findings.n_answers, "changed": len(made)},
        now=now,
    )
    return tuple(made)


@dataclass(frozen=True, slots=True)
class LearnerRegrade:
    """A correction as its learner is told of it."""

    problem_title: str
    step_key: str
    answered_at: datetime
    is_correct: bool
    reason: str
    regraded_at: datetime


def regrades_of_learner(
    learner: User, course: Course, *, since: datetime
) -> Sequence[LearnerRegrade]:
    """Return the learner's answers whose verdict was corrected since a moment, the newest first.

    One entry an answer: its latest correction.
    """
    latest: dict[int, Regrade] = {}
    for regrade in (
        Regrade.objects.filter(
            response__learner=learner, response__course=course, regraded_at__gte=since
        )
        .select_related("response__step__problem")
        .order_by("-id")
    ):
        latest.setdefault(regrade.response_id, regrade)
    return [
        LearnerRegrade(
            problem_title=str(regrade.response.step.problem),
            step_key=regrade.response.step.key,
            answered_at=regrade.response.answered_at,
            is_correct=regrade.is_correct,
            reason=regrade.reason,
            regraded_at=regrade.regraded_at,
        )
        for regrade in latest.values()
    ]
