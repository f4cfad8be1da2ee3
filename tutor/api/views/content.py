"""Reading courses: teachers and administrators see every course of the site."""

from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from tutor.api.http import ApiView
from tutor.api.paging import Pages
from tutor.api.queries import ProblemQuery, RetiredQuery
from tutor.api.serializers import (
    CourseSerializer,
    LessonSerializer,
    PrerequisiteSerializer,
    ProblemDetailSerializer,
    ProblemSerializer,
    SkillSerializer,
)
from tutor.content.models import Course, Lesson, Prerequisite, Problem, Skill

COURSE_EXAMPLE = OpenApiExample(
    "a course",
    value={
        "uuid": "0c6fcf1e-6c1b-4a39-9a0b-5f7f5f0f3a11",
        "key": "fractions",
        "title": "Fractions",
        "description": "From parts of a whole to dividing by a fraction.",
        "language": "en",
        "licence": "CC BY 4.0",
        "attribution": "Stepwise",
        "version_number": 3,
        "n_skills": 12,
        "n_problems": 48,
        "created_at": "2026-03-02T12:00:00Z",
    },
    response_only=True,
)


def courses() -> QuerySet[Course]:
    """Return courses with the counts that the API shows."""
    live_skills = Count("skills", filter=Q(skills__is_retired=False), distinct=True)
    live_problems = Count("problems", filter=Q(problems__is_retired=False), distinct=True)
    return Course.objects.annotate(n_skills=live_skills, n_problems=live_problems)


class TitlePages(Pages):
    """Pages in order of title."""

    ordering = ("title", "id")


class PositionPages(Pages):
    """Pages in the course's order."""

    ordering = ("position", "id")


class LessonPages(Pages):
    """Pages in teaching order."""

    ordering = ("order", "id")


class CourseList(ListModelMixin, ApiView):
    """The courses of the site."""

    serializer_class = CourseSerializer
    pagination_class = TitlePages
    queryset = courses()

    @extend_schema(operation_id="courses_list", examples=[COURSE_EXAMPLE])
    def get(self, request: Request) -> Response:
        """List the courses."""
        return self.list(request)


class CourseDetail(RetrieveModelMixin, ApiView):
    """One course."""

    serializer_class = CourseSerializer
    lookup_field = "uuid"
    queryset = courses()

    @extend_schema(operation_id="courses_read", examples=[COURSE_EXAMPLE])
    def get(self, request: Request, uuid: UUID) -> Response:
        """Read a course."""
        return self.retrieve(request, uuid)


class CoursePart(ListModelMixin, ApiView):
    """Rows that belong to a course."""

    def course(self) -> Course:
        """Return the course of the address. Raises: Http404."""
        return get_object_or_404(Course, uuid=self.kwargs["uuid"])

    def live(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Leave out retired rows unless they were asked for."""
        return rows if self.asked()["retired"] else rows.filter(is_retired=False)


class SkillList(CoursePart):
    """The skills of a course."""

    serializer_class = SkillSerializer
    query_class = RetiredQuery
    pagination_class = PositionPages

    def get_queryset(self) -> QuerySet[Skill]:
        """Return the course's skills."""
        return self.live(Skill.objects.filter(course=self.course()))

    @extend_schema(operation_id="skills_list")
    def get(self, request: Request, uuid: UUID) -> Response:
        """List the skills in the course's order."""
        return self.list(request)


class PrerequisiteList(CoursePart):
    """The skill graph of a course."""

    serializer_class = PrerequisiteSerializer

    def get_queryset(self) -> QuerySet[Prerequisite]:
        """Return the course's edges."""
        edges = Prerequisite.objects.select_related("from_skill", "to_skill")
        return edges.filter(course=self.course())

    @extend_schema(operation_id="prerequisites_list")
    def get(self, request: Request, uuid: UUID) -> Response:
        """List the edges of the skill graph."""
        return self.list(request)


class LessonList(CoursePart):
    """The lessons of a course."""

    serializer_class = LessonSerializer
    query_class = RetiredQuery
    pagination_class = LessonPages

    def get_queryset(self) -> QuerySet[Lesson]:
        """Return the course's lessons."""
        return self.live(Lesson.objects.prefetch_related("skills").filter(course=self.course()))

    @extend_schema(operation_id="lessons_list")
    def get(self, request: Request, uuid: UUID) -> Response:
        """List the lessons in teaching order."""
        return self.list(request)


def problems() -> QuerySet[Problem]:
    """Return problems with the count of live steps."""
    live_steps = Count("steps", filter=Q(steps__is_retired=False))
    return Problem.objects.select_related("lesson", "revision").annotate(n_steps=live_steps)


class ProblemList(CoursePart):
    """The problems of a course."""

    serializer_class = ProblemSerializer
    query_class = ProblemQuery

    def get_queryset(self) -> QuerySet[Problem]:
        """Return the course's problems, of one lesson where that was asked for."""
        rows = problems().defer("revision__document").filter(course=self.course())
        lesson = self.asked().get("lesson")
        return self.live(rows.filter(lesson__key=lesson) if lesson else rows)

    @extend_schema(operation_id="problems_list")
    def get(self, request: Request, uuid: UUID) -> Response:
        """List the problems, without their steps."""
        return self.list(request)


class ProblemDetail(RetrieveModelMixin, ApiView):
    """One problem with its steps and hints."""

    serializer_class = ProblemDetailSerializer
    lookup_field = "uuid"
    queryset = problems()

    @extend_schema(operation_id="problems_read")
    def get(self, request: Request, uuid: UUID) -> Response:
        """Read a problem with the document that learners are shown, in the bundle format."""
        return self.retrieve(request, uuid)
