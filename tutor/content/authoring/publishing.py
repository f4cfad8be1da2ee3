"""Publishing: a draft becomes part of a new version of its course, through the import itself.

The course's export with the one thing changed is imported: so the same checks, the same difference,
revisions, versions and roll-back hold as for a file.
"""

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any, TypeVar

from django.utils.translation import gettext as _

from tutor.accounts.models import User
from tutor.common.errors import TutorError
from tutor.content.access import author_check
from tutor.content.authoring.checking import SECTION
from tutor.content.authoring.drafts import problem_now, thing_now
from tutor.content.bundles import Document, canonical_lesson, canonical_problem, checksum
from tutor.content.exporting import course_export
from tutor.content.importing import Edit, ImportResult, course_import
from tutor.content.models import Course, Draft, DraftKind, Lesson, Problem, Step
from tutor.content.planning import lesson_document

TRIES = 5
Result = TypeVar("Result")


class DraftConflictError(TutorError):
    """Somebody else changed the thing since the draft was begun."""

    code = "conflict"


def draft_publish(
    draft: Draft,
    *,
    by: User,
    now: datetime,
    is_dry_run: bool = False,
    renewed: Collection[str] = (),
) -> ImportResult:
    """Publish a draft as a new version of the course, or say what that would change.

    `renewed` names the steps whose change changes the task: they go on under a new id, so that what
    is known of the old task is not told of the new one.

    Raises:
        DraftConflictError: when what the draft began with is not what stands there now.
        ImportRefusedError: with every row that is wrong.
        TutorError: code `not_an_author` or `course_busy`.
    """
    author_check(by, draft.course)
    document = draft_document(draft, renewed=renewed)

    def publish(course: Course) -> ImportResult:
        standing = thing_now(course, draft.kind, document["id"])
        _conflict_check(draft, standing, document)
        return _edited(
            course, draft.kind, document["id"], document, by=by, now=now, is_dry_run=is_dry_run
        )

    result = _tried(draft.course, publish)
    if not is_dry_run:
        draft.delete()
    return result


def draft_document(draft: Draft, *, renewed: Collection[str] = ()) -> Document:
    """Give a draft in canonical form, with new ids for the steps whose task changed."""
    if draft.kind == DraftKind.LESSON:
        return canonical_lesson(_without_blanks(draft.document), place=0)
    document = canonical_problem(draft.document, place=0)
    if renewed:
        taken = set(Step.objects.filter(course=draft.course).values_list("key", flat=True))
        for step in document["steps"]:
            if step["id"] in renewed:
                step["id"] = _next_id(step["id"], taken)
                taken.add(step["id"])
    return document


def _without_blanks(lesson: Document) -> Document:
    """Leave out steps of worked examples in which nothing is written, and examples without any."""
    examples = [
        {**example, "steps": [text for text in example.get("steps", ()) if text.strip()]}
        for example in lesson.get("worked_examples", ())
    ]
    written = [one for one in examples if any(_is_written(part) for part in one.values())]
    return {**lesson, "worked_examples": written}


def _is_written(part: Any) -> bool:
    return bool(part.strip() if isinstance(part, str) else part)


def _next_id(key: str, taken: Collection[str]) -> str:
    """Give the id of the next task: `p-1a`, then `p-1a.2`, `p-1a.3`."""
    stem, _, number = key.rpartition(".")
    stem = stem if stem and number.isdigit() else key
    at = 2
    while f"{stem}.{at}" in taken:
        at += 1
    return f"{stem}.{at}"


def draft_rebase(draft: Draft) -> None:
    """Say that the author knows what stands there now, and goes on from it."""
    standing = thing_now(draft.course, draft.kind, draft.key)
    draft.base = checksum(standing) if standing else ""
    draft.save(update_fields=["base"])


def _conflict_check(draft: Draft, standing: Document | None, document: Document) -> None:
    if draft.key and standing is None and draft.base:
        raise DraftConflictError(
            _("'{key}' was retired meanwhile. Publishing brings it back, as you wrote it.").format(
                key=draft.key
            )
        )
    if draft.key and standing is not None and draft.base != checksum(standing):
        raise DraftConflictError(
            _(
                "Somebody else changed '{key}' after you began. Publishing would undo their change."
            ).format(key=draft.key)
        )
    things = Lesson.objects if draft.kind == DraftKind.LESSON else Problem.objects
    if not draft.key and things.filter(course=draft.course, key=document["id"]).exists():
        said = (
            _("There is a lesson '{key}' already; give yours another id.")
            if draft.kind == DraftKind.LESSON
            else _("There is a problem '{key}' already; give yours another id.")
        )
        raise DraftConflictError(said.format(key=document["id"]), code="id_taken")


def problem_retire(problem: Problem, *, by: User, now: datetime) -> ImportResult:
    """Take a problem out of its course; its answers stay, and it can be brought back.

    Raises:
        TutorError: code `not_an_author`, `course_busy` or `gone`.
    """
    return _retire(problem, DraftKind.PROBLEM, by=by, now=now)


def problem_restore(problem: Problem, *, by: User, now: datetime) -> ImportResult:
    """Bring a retired problem back as it was.

    Raises:
        TutorError: code `not_an_author`, `course_busy` or `not_retired`.
        ImportRefusedError: when it does not fit the course any more.
    """
    return _restore(problem, DraftKind.PROBLEM, lambda: problem_now(problem), by=by, now=now)


def lesson_retire(lesson: Lesson, *, by: User, now: datetime) -> ImportResult:
    """Take a lesson out of its course, with the problems that practise it.

    Raises:
        TutorError: code `not_an_author`, `course_busy` or `gone`.
    """
    return _retire(lesson, DraftKind.LESSON, by=by, now=now)


def lesson_restore(lesson: Lesson, *, by: User, now: datetime) -> ImportResult:
    """Bring a retired lesson back as it was; its problems come back one by one.

    Raises:
        TutorError: code `not_an_author`, `course_busy` or `not_retired`.
        ImportRefusedError: when it does not fit the course any more.
    """
    return _restore(lesson, DraftKind.LESSON, lambda: lesson_document(lesson), by=by, now=now)


def _retire(piece: Problem | Lesson, kind: DraftKind, *, by: User, now: datetime) -> ImportResult:
    author_check(by, piece.course)
    if piece.is_retired:
        message = _("'{key}' is retired already.").format(key=piece.key)
        raise TutorError(message, code="gone")
    return _tried(
        piece.course, lambda course: _edited(course, kind, piece.key, None, by=by, now=now)
    )


def _restore(
    piece: Problem | Lesson,
    kind: DraftKind,
    read: Callable[[], Document],
    *,
    by: User,
    now: datetime,
) -> ImportResult:
    author_check(by, piece.course)
    if not piece.is_retired:
        message = _("'{key}' is not retired.").format(key=piece.key)
        raise TutorError(message, code="not_retired")
    document = read()
    return _tried(
        piece.course, lambda course: _edited(course, kind, piece.key, document, by=by, now=now)
    )


def _edited(
    course: Course,
    kind: str,
    key: str,
    document: Document | None,
    *,
    by: User,
    now: datetime,
    is_dry_run: bool = False,
) -> ImportResult:
    """Import the course as it stands with one thing replaced, added or (None) taken out."""
    bundle = course_export(course)
    section = SECTION[DraftKind(kind)]
    others = [thing for thing in bundle[section] if thing["id"] != key]
    # In front, so that the findings of the thing begin with /problems/0 or /lessons/0.
    bundle[section] = [*([document] if document is not None else []), *others]
    if kind == DraftKind.LESSON and document is None:
        # No problem is without a lesson.
        bundle["problems"] = [p for p in bundle["problems"] if p["lesson"] != key]
    problems = frozenset({key} if kind == DraftKind.PROBLEM else ())
    edit = Edit(version=course.version_number, problems=problems)
    return course_import(bundle, by=by, now=now, is_dry_run=is_dry_run, edit=edit)


def _tried(course: Course, attempt: Callable[[Course], Result]) -> Result:
    """Do something with the course as it stands, anew when another import came in between."""
    for tries_left in reversed(range(TRIES)):
        try:
            return attempt(Course.objects.get(pk=course.pk))
        except TutorError as error:
            if error.code != "course_busy" or not tries_left:
                raise
    raise AssertionError("unreachable")
