"""What the authors' lists show: courses, their lessons, skills and problems, with warnings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.core.paginator import Page, Paginator
from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext as _

from tutor.accounts.models import User
from tutor.content.access import can_author
from tutor.content.authoring.checking import qualities_of
from tutor.content.exporting import problem_placed
from tutor.content.linting import LintFinding
from tutor.content.models import Course, Draft, Lesson, Problem, Skill

PROBLEMS_PER_PAGE = 25
RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class CourseRow:
    """A course in the list."""

    course: Course
    n_skills: int
    n_lessons: int
    n_problems: int
    authors: tuple[str, ...]
    can_change: bool


@dataclass(frozen=True, slots=True)
class DraftRow:
    """Something that the person writes and has not published."""

    uuid: UUID
    title: str
    kind: str
    course: str
    is_new: bool
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class ProblemRow:
    """A problem in the list."""

    uuid: UUID
    key: str
    title: str
    lesson: str
    kinds: tuple[str, ...]
    n_steps: int
    n_hints: int
    is_varied: bool
    is_retired: bool
    revision: int
    is_drafted: bool


@dataclass(frozen=True, slots=True)
class LessonRow:
    """A lesson in the list."""

    uuid: UUID
    key: str
    title: str
    skills: tuple[str, ...]
    n_problems: int
    n_examples: int


@dataclass(frozen=True, slots=True)
class SkillRow:
    """A skill in the list; without a step it can be neither practised nor traced."""

    key: str
    title: str
    n_steps: int
    n_lessons: int


def course_rows(user: User) -> list[CourseRow]:
    """Return every course with its counts (four queries, however many there are)."""
    standing = Q(is_retired=False)
    counts: list[Mapping[int, int]] = [
        dict(
            model.objects.filter(standing)
            .values_list("course_id")
            .annotate(n=Count("id"))
            .order_by()
        )
        for model in (Skill, Lesson, Problem)
    ]
    rows = []
    for course in Course.objects.prefetch_related("authors"):
        authors = list(course.authors.all())
        skills, lessons, problems = (count.get(course.pk, 0) for count in counts)
        names = tuple(str(author) for author in authors)
        rows.append(CourseRow(course, skills, lessons, problems, names, can_author(user, course)))
    return rows


def draft_rows(user: User, course: Course | None = None) -> list[DraftRow]:
    """Return the person's drafts, those that were written last first."""
    drafts = Draft.objects.filter(author=user).select_related("course")
    if course is not None:
        drafts = drafts.filter(course=course)
    return [
        DraftRow(
            uuid=draft.uuid,
            title=draft.document.get("title") or draft.document.get("id", ""),
            kind=draft.get_kind_display(),
            course=draft.course.title,
            is_new=not draft.key,
            updated_at=draft.updated_at,
        )
        for draft in drafts
    ]


def problems_found(course: Course, *, words: str, lesson: str) -> QuerySet[Problem]:
    """Return the course's problems that hold all words, in the course's order."""
    # What a response log brought has no content to show.
    problems = Problem.objects.filter(course=course, revision__isnull=False)
    if lesson == RETIRED:
        problems = problems.filter(is_retired=True)
    else:
        problems = problems.filter(is_retired=False)
        if lesson:
            problems = problems.filter(lesson__key=lesson)
    for word in words.split()[:8]:
        problems = problems.filter(
            Q(key__icontains=word)
            | Q(title__icontains=word)
            | Q(body__icontains=word)
            | Q(steps__prompt__icontains=word)
            | Q(steps__skills__title__icontains=word)
        )
    return problems.order_by("lesson__order", "lesson_id", "order", "id").distinct()


def problem_page(
    course: Course, user: User, *, words: str, lesson: str, number: str | None
) -> tuple[Page[Problem], list[ProblemRow]]:
    """Return a page of the problems found, with what is shown of each."""
    found = problems_found(course, words=words, lesson=lesson)
    page = Paginator(found.select_related("lesson", "revision"), PROBLEMS_PER_PAGE).get_page(number)
    drafted = set(Draft.objects.filter(course=course, author=user).values_list("key", flat=True))
    return page, [_problem_row(problem, drafted) for problem in page]


def _problem_row(problem: Problem, drafted: set[str]) -> ProblemRow:
    steps = problem.revision.document["steps"] if problem.revision else []
    return ProblemRow(
        uuid=problem.uuid,
        key=problem.key,
        title=problem.title or problem.key,
        lesson=problem.lesson.title,
        kinds=tuple(dict.fromkeys(step["answer"]["kind"] for step in steps)),
        n_steps=len(steps),
        n_hints=sum(len(step.get("hints", ())) for step in steps),
        is_varied=bool(problem.variables),
        is_retired=problem.is_retired,
        revision=problem.revision.number if problem.revision else 0,
        is_drafted=problem.key in drafted,
    )


def page_warnings(page: Page[Problem]) -> dict[UUID, list[LintFinding]]:
    """Return what the quality rules say of a page's problems; those without are left out."""
    problems = [problem for problem in page if problem.revision is not None]
    documents = [
        problem_placed(p.revision.document, order=p.order, lesson=p.lesson.key)
        for p in problems
        if p.revision is not None
    ]
    found = zip(problems, qualities_of(documents), strict=True)
    return {problem.uuid: rows for problem, rows in found if rows}


def lesson_rows(course: Course) -> list[LessonRow]:
    """Return the course's lessons with what they hold (two queries)."""
    lessons = (
        Lesson.objects.filter(course=course, is_retired=False)
        .annotate(n=Count("problems", filter=Q(problems__is_retired=False)))
        .prefetch_related("skills")
        .order_by("order", "id")
    )
    return [
        LessonRow(
            uuid=lesson.uuid,
            key=lesson.key,
            title=lesson.title,
            skills=tuple(skill.title for skill in lesson.skills.all()),
            n_problems=lesson.n,
            n_examples=len(lesson.worked_examples),
        )
        for lesson in lessons
    ]


def lessons_retired(course: Course) -> list[tuple[UUID, str]]:
    """Return the lessons that can be brought back (one query)."""
    # What a response log brought has no skills and nothing to show.
    lessons = Lesson.objects.filter(course=course, is_retired=True, skills__isnull=False)
    return list(lessons.order_by("order", "id").values_list("uuid", "title").distinct())


def skill_rows(course: Course) -> list[SkillRow]:
    """Return the course's skills with how often each is practised and explained (one query)."""
    skills = (
        Skill.objects.filter(course=course, is_retired=False)
        .annotate(
            n_steps=Count("steps", filter=Q(steps__is_retired=False), distinct=True),
            n_lessons=Count("lessons", filter=Q(lessons__is_retired=False), distinct=True),
        )
        .order_by("position", "id")
    )
    return [SkillRow(skill.key, skill.title, skill.n_steps, skill.n_lessons) for skill in skills]


def course_warnings(skills: Sequence[SkillRow], lessons: Sequence[LessonRow]) -> list[str]:
    """Say what the course lacks as a whole."""
    idle = [skill.title for skill in skills if not skill.n_steps]
    told = [_("No problem practises: {skills}.").format(skills=", ".join(idle[:8]))] if idle else []
    unexplained = [skill.title for skill in skills if not skill.n_lessons]
    if unexplained:
        told.append(_("No lesson explains: {skills}.").format(skills=", ".join(unexplained[:8])))
    empty = [lesson.title for lesson in lessons if not lesson.n_problems]
    if empty:
        told.append(_("Lessons without a problem: {lessons}.").format(lessons=", ".join(empty[:8])))
    return told
