"""Drafts: what an author writes is kept at once, and nobody else sees it before it is published."""

from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.http import Http404
from django.utils.translation import gettext as _

from tutor.accounts.models import User
from tutor.common.errors import TutorError
from tutor.common.texts import tree_clean
from tutor.content.access import author_check
from tutor.content.authoring.changing import step_new
from tutor.content.bundles import Document, checksum
from tutor.content.exporting import problem_placed
from tutor.content.models import Course, Draft, DraftKind, Lesson, Problem, Skill
from tutor.content.planning import lesson_document

# A draft holds one problem; a course of 50,000 letters is no problem.
MOST_BYTES = 2 * 1024 * 1024


def problem_now(problem: Problem) -> Document:
    """Give a problem as it stands, in the bundle's form; its revision and lesson are selected."""
    if problem.revision is None:
        raise TutorError(_("The problem has no content yet."), code="no_revision")
    return problem_placed(problem.revision.document, order=problem.order, lesson=problem.lesson.key)


def thing_now(course: Course, kind: str, key: str) -> Document | None:
    """Give what stands under an id now; None when it is retired or was never there."""
    if kind == DraftKind.LESSON:
        lessons = Lesson.objects.filter(course=course, key=key, is_retired=False)
        lesson = lessons.prefetch_related("skills").first()
        return lesson_document(lesson) if lesson else None
    problems = Problem.objects.filter(course=course, key=key, is_retired=False)
    problem = problems.select_related("revision", "lesson").first()
    return problem_now(problem) if problem and problem.revision else None


def draft_open(course: Course, kind: str, key: str, *, by: User, now: datetime) -> Draft:
    """Return the author's draft of a problem or lesson; a new one begins with what stands now.

    Raises:
        TutorError: code `not_an_author` or `gone`.
    """
    author_check(by, course)
    found = Draft.objects.filter(course=course, author=by, kind=kind, key=key).first()
    if found is not None:
        return found
    document = thing_now(course, kind, key)
    if document is None:
        raise TutorError(_("There is no '{key}' to change any more.").format(key=key), code="gone")
    try:
        with transaction.atomic():
            return Draft.objects.create(
                course=course,
                author=by,
                kind=kind,
                key=key,
                base=checksum(document),
                document=document,
                created_at=now,
                updated_at=now,
            )
    except IntegrityError:
        # A double click: the other request made it.
        return Draft.objects.get(course=course, author=by, kind=kind, key=key)


def draft_new_problem(course: Course, lesson: Lesson, *, by: User, now: datetime) -> Draft:
    """Begin a new problem of a lesson, with an id that nothing has or had.

    Raises:
        TutorError: code `not_an_author`.
    """
    author_check(by, course)
    taken = set(Problem.objects.filter(course=course).values_list("key", flat=True))
    drafts = Draft.objects.filter(course=course, kind=DraftKind.PROBLEM, key="")
    taken |= {document.get("id") for document in drafts.values_list("document", flat=True)}
    number = 1
    while f"{lesson.key[:100]}-{number}" in taken:
        number += 1
    last = Problem.objects.filter(lesson=lesson).order_by("-order").first()
    document: Document = {
        "id": f"{lesson.key[:100]}-{number}",
        "lesson": lesson.key,
        "title": "",
        "order": (last.order if last else 0) + 10,
        "body": "",
        "licence": "",
        "attribution": "",
        "variables": {},
        "constraints": [],
        "steps": [],
    }
    document["steps"] = [step_new([], document)]
    skills = sorted(lesson.skills.filter(is_retired=False).values_list("key", flat=True))
    document["steps"][0]["skills"] = skills[:1]
    return Draft.objects.create(
        course=course,
        author=by,
        kind=DraftKind.PROBLEM,
        document=document,
        created_at=now,
        updated_at=now,
    )


def draft_new_lesson(course: Course, skill: Skill, *, by: User, now: datetime) -> Draft:
    """Begin a new lesson on a skill, behind the others, with an id that nothing has or had.

    Raises:
        TutorError: code `not_an_author`.
    """
    author_check(by, course)
    taken = set(Lesson.objects.filter(course=course).values_list("key", flat=True))
    drafts = Draft.objects.filter(course=course, kind=DraftKind.LESSON, key="")
    taken |= {document.get("id") for document in drafts.values_list("document", flat=True)}
    stem, number = f"{skill.key[:100]}-lesson", 1
    while (key := stem if number == 1 else f"{stem}-{number}") in taken:
        number += 1
    last = Lesson.objects.filter(course=course).order_by("-order").first()
    document: Document = {
        "id": key,
        "title": skill.title,
        "skills": [skill.key],
        "order": (last.order if last else 0) + 10,
        "body": "",
        "worked_examples": [],
    }
    return Draft.objects.create(
        course=course,
        author=by,
        kind=DraftKind.LESSON,
        document=document,
        created_at=now,
        updated_at=now,
    )


def draft_for(user: User, draft_uuid: UUID) -> Draft:
    """Return one of the person's own drafts. Raises: Http404."""
    drafts = Draft.objects.select_related("course", "author")
    draft = drafts.filter(uuid=draft_uuid, author=user).first()
    if draft is None:
        raise Http404
    return draft


def draft_save(draft: Draft, document: Document, *, now: datetime) -> Draft:
    """Keep what was written. Its id stays: an id is for ever.

    Raises:
        TutorError: code `not_an_author`, `other_id` or `too_large`.
    """
    author_check(draft.author, draft.course)
    if draft.key and document.get("id") != draft.key:
        raise TutorError(
            _("The id cannot become '{id}': answers point to '{key}', so it stays.").format(
                id=document.get("id"), key=draft.key
            ),
            code="other_id",
        )
    if len(str(document)) > MOST_BYTES:
        raise TutorError(_("This is too large for one problem."), code="too_large")
    draft.document = tree_clean(document)
    draft.updated_at = now
    draft.save(update_fields=["document", "updated_at"])
    return draft


def draft_discard(draft: Draft) -> None:
    """Forget what was written."""
    draft.delete()
