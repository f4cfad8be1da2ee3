"""Importing a course: check everything, plan, then write in one short transaction.

Checking and planning only read, and take most of the time; learners go on answering meanwhile. Many
new problems are written ahead, where nobody sees them yet (`staging`). The write transaction
refuses a plan that was made for another version of the course, and the plan is then made anew.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from tutor.accounts.models import User
from tutor.accounts.services import audit_record
from tutor.common.errors import TutorError
from tutor.common.giving_way import at_leisure
from tutor.content.access import author_check
from tutor.content.applying import plan_apply
from tutor.content.bundles import (
    Document,
    bundle_pack,
    bundle_unpack,
    canonical,
    checksum,
    edge_key,
)
from tutor.content.errors import (
    ImportRefusedError,
    RowError,
    Severity,
    errors_of,
    warnings_of,
)
from tutor.content.exporting import course_export
from tutor.content.findings import Progress, progress_ignored
from tutor.content.models import Course, CourseVersion, EdgeKind
from tutor.content.origins import NOWHERE, Origin
from tutor.content.partial import sound_part
from tutor.content.planning import Change, Counts, Plan, edges_kept, plan_make
from tutor.content.staging import Stage, staged
from tutor.content.validation import bundle_check

logger = logging.getLogger(__name__)

TRIES = 3


@dataclass(frozen=True)
class ImportResult:
    """What an import changed, or would change; `version` is None when nothing did."""

    course: Course | None
    course_key: str
    course_title: str
    is_dry_run: bool
    version: int | None
    counts: Counts
    changes: tuple[Change, ...]
    warnings: tuple[RowError, ...] = ()
    notes: tuple[str, ...] = field(default=())

    @property
    def is_no_op(self) -> bool:
        """Whether nothing changed, or would."""
        return not any(
            number
            for row in self.counts.values()
            for action, number in row.items()
            if action != "unchanged"
        )

    def as_dict(self) -> dict[str, Any]:
        """Give the result as it is kept with an import job and answered by the API."""
        return {
            "course": str(self.course.uuid) if self.course else None,
            "course_id": self.course_key,
            "course_title": self.course_title,
            "is_dry_run": self.is_dry_run,
            "is_no_op": self.is_no_op,
            "version": self.version,
            "counts": self.counts,
            "changes": [change.as_dict() for change in self.changes],
        }


OnApply = Callable[[ImportResult], None]


@dataclass(frozen=True, slots=True)
class Edit:
    """That a bundle is a course's export of a version, but for some problems."""

    version: int
    problems: frozenset[str]


class _StalePlanError(Exception):
    """The course changed between planning and writing."""


def course_import(
    bundle: object,
    *,
    by: User | None,
    now: datetime,
    is_dry_run: bool,
    progress: Progress = progress_ignored,
    on_apply: OnApply | None = None,
    origin: Origin = NOWHERE,
    is_partial: bool = False,
    is_exact: bool = False,
    edit: Edit | None = None,
    is_patient: bool = False,
) -> ImportResult:
    """Bring a course to what a bundle says; the same bundle twice changes nothing.

    What the bundle lacks is retired; edges that came with a graph or were learned from data stay,
    unless `is_exact`. `on_apply` is called inside the write transaction, also when nothing changes.
    `origin` says where the bundle's parts stood in the file. With `is_partial` problems that have
    errors are left out, each with a note. `by` is None for the command line, which may everything.
    `edit` says that the bundle is the course's own export with something changed. Where nobody
    waits for the answer, `is_patient` leaves the processor to others while it is checked.

    Raises:
        ImportRefusedError: with every row that is wrong; nothing was written then.
        TutorError: code `not_an_author` or `course_busy`.
    """
    request = _Request(bundle, by, origin, is_partial=is_partial, is_exact=is_exact, edit=edit)
    for _try in range(TRIES):
        ready = (
            at_leisure(request.prepare, tell=progress) if is_patient else request.prepare(progress)
        )
        try:
            return plan_carry_out(
                ready.plan,
                by=by,
                now=now,
                is_dry_run=is_dry_run,
                warnings=ready.warnings,
                notes=ready.notes,
                progress=progress,
                on_apply=on_apply,
            )
        except (_StalePlanError, IntegrityError):
            key = ready.plan.target["course"]["id"]
            logger.info("course %s changed while its import was planned", key)
    raise _busy_error()


@dataclass(frozen=True)
class _Ready:
    """What passed the checks: a plan, and what is to be told of it."""

    plan: Plan
    warnings: tuple[RowError, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Request:
    """What is to be imported, and as what."""

    bundle: object
    by: User | None
    origin: Origin
    is_partial: bool
    is_exact: bool
    edit: Edit | None

    def prepare(self, progress: Progress) -> _Ready:
        """Check everything and plan; only reads.

        Raises:
            ImportRefusedError: with every row that is wrong.
            TutorError: code `not_an_author` or `course_busy`.
        """
        course = _course_of(self.bundle)
        if self.by is not None and course is not None:
            author_check(self.by, course)
        edit = self.edit
        if edit is not None and (course is None or course.version_number != edit.version):
            raise _busy_error()
        kept = edges_kept(course) if course and not self.is_exact else []
        needed = [(e["from"], e["to"]) for e in kept if e["kind"] == EdgeKind.PREREQUISITE.value]
        check = partial(
            bundle_check,
            kept_edges=needed,
            only=edit.problems if edit else None,
            progress=_part(progress, 0.0, 0.75),
        )
        document, rows, notes = self._checked(course, check)
        rows = tuple(self.origin.located(rows))
        if errors_of(rows) or not isinstance(document, Mapping):
            raise ImportRefusedError(rows)
        target = canonical(document)
        _edges_merge(target, kept)
        progress(0.76, "comparing")
        plan = plan_make(target, course, progress=_part(progress, 0.76, 0.8))
        return _Ready(plan, warnings_of(rows), notes)

    def _checked(
        self, course: Course | None, check: Callable[[object], Sequence[RowError]]
    ) -> tuple[object, Sequence[RowError], tuple[str, ...]]:
        bundle, origin = self.bundle, self.origin
        if not (self.is_partial and isinstance(bundle, dict)):
            return bundle, (*origin.rows, *check(bundle)), ()
        sound = sound_part(bundle, origin, check=check, standing=partial(_standing, course))
        _something_left_check(sound.bundle, sound.rows, origin, is_less=bool(sound.notes))
        return sound.bundle, sound.rows, sound.notes


def version_of(course: Course, number: int) -> CourseVersion:
    """Return one of a course's versions. Raises: TutorError, code `unknown_version`."""
    version = CourseVersion.objects.filter(course=course, number=number).first()
    if version is None:
        raise TutorError(
            _(
                "The course '{course}' has no version {number}; its versions go from 1 to {last}."
            ).format(course=course.key, number=number, last=course.version_number),
            code="unknown_version",
        )
    return version


def course_roll_back(
    course: Course,
    number: int,
    *,
    by: User | None,
    now: datetime,
    is_dry_run: bool = False,
    progress: Progress = progress_ignored,
    on_apply: OnApply | None = None,
    is_patient: bool = False,
) -> ImportResult:
    """Bring a course back to one of its versions, as a new version.

    Raises:
        TutorError: code `unknown_version` or `not_an_author`.
        ImportRefusedError: when that version does not pass today's checks.
    """
    bundle = bundle_unpack(bytes(version_of(course, number).bundle_gz))
    return course_import(
        bundle,
        by=by,
        now=now,
        is_dry_run=is_dry_run,
        is_exact=True,
        progress=progress,
        on_apply=on_apply,
        is_patient=is_patient,
    )


def plan_carry_out(
    plan: Plan,
    *,
    by: User | None,
    now: datetime,
    is_dry_run: bool,
    warnings: tuple[RowError, ...] = (),
    notes: tuple[str, ...] = (),
    progress: Progress = progress_ignored,
    on_apply: OnApply | None = None,
) -> ImportResult:
    """Write a plan, or only say what it would do.

    Raises:
        TutorError: code `course_busy`, when the course changed since the plan was made.
    """
    result = ImportResult(
        course=plan.course,
        course_key=plan.target["course"]["id"],
        course_title=plan.target["course"]["title"],
        is_dry_run=is_dry_run,
        version=None,
        counts=plan.counts,
        changes=plan.changes,
        warnings=warnings,
        notes=notes,
    )
    if is_dry_run:
        return result
    # Packed before the transaction: nothing slow while others wait for the lock.
    packed = None if plan.is_empty else (bundle_pack(plan.target), checksum(plan.target))
    with staged(plan, now=now, progress=_part(progress, 0.8, 0.95)) as stage:
        progress(0.95, "writing")
        with transaction.atomic():
            if packed is not None:
                course = _course_lock(plan, stage, by=by, now=now)
                plan_apply(plan, course, now=now, written=stage.problems)
                course.version_number += 1
                course.save()
                _version_store(plan, course, packed, by=by, now=now)
                result = replace(result, course=course, version=course.version_number)
            if on_apply is not None:
                on_apply(result)
    progress(1.0, "done")
    return result


def _course_of(bundle: object) -> Course | None:
    course = bundle.get("course") if isinstance(bundle, Mapping) else None
    key = course.get("id") if isinstance(course, Mapping) else None
    return Course.objects.filter(key=key).first() if isinstance(key, str) else None


def _standing(course: Course | None) -> dict[str, Document]:
    """The course's problems by id, as an export gives them."""
    problems = course_export(course)["problems"] if course else []
    return {problem["id"]: problem for problem in problems}


def _something_left_check(
    document: Document, rows: Sequence[RowError], origin: Origin, *, is_less: bool
) -> None:
    if is_less and not document["problems"]:
        refused = (replace(row, severity=Severity.ERROR) for row in rows)
        raise ImportRefusedError(origin.located(refused))


def _edges_merge(target: Document, kept: list[Document]) -> None:
    """Add edges that the course keeps to a bundle that does not speak of them."""
    own = {edge_key(edge) for edge in target["prerequisites"]}
    skills = {skill["id"] for skill in target["skills"]}
    target["prerequisites"] = sorted(
        [
            *target["prerequisites"],
            *(e for e in kept if edge_key(e) not in own and {e["from"], e["to"]} <= skills),
        ],
        key=edge_key,
    )


def _course_lock(plan: Plan, stage: Stage, *, by: User | None, now: datetime) -> Course:
    if plan.course is None:
        created = stage.become(plan.target["course"]["id"], now=now)
        if by is not None:
            created.authors.add(by)
        return created
    # Without the key: answers, whose rows point to the course, go on meanwhile.
    course = Course.objects.select_for_update(no_key=True).get(pk=plan.course.pk)
    if course.version_number != plan.base_version:
        raise _StalePlanError
    stage.move(course)
    return course


def _version_store(
    plan: Plan, course: Course, packed: tuple[bytes, str], *, by: User | None, now: datetime
) -> None:
    bundle_gz, digest = packed
    CourseVersion.objects.create(
        course=course,
        number=course.version_number,
        created_at=now,
        created_by=by,
        checksum=digest,
        counts=plan.counts,
        bundle_gz=bundle_gz,
    )
    audit_record(
        by,
        action="course_import",
        object_kind="course",
        object_id=str(course.uuid),
        detail={"version": course.version_number, "checksum": digest},
        now=now,
    )


def _busy_error() -> TutorError:
    return TutorError(
        _("The course was changed by somebody else while this import ran; please start it again."),
        code="course_busy",
    )


def _part(progress: Progress, start: float, end: float) -> Progress:
    return lambda share, stage: progress(start + (end - start) * share, stage)
