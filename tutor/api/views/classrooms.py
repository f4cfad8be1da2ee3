"""Reading classes: teachers see their own, administrators all; others' classes are 404."""

from uuid import UUID

from django.db.models import Count, Q, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from tutor.accounts.models import User
from tutor.api.http import ApiView, caller
from tutor.api.paging import Pages
from tutor.api.serializers import ClassroomSerializer, LearnerSerializer
from tutor.roster.access import classroom_for_teacher
from tutor.roster.models import Classroom
from tutor.roster.selectors import classrooms_of_teacher


class NamePages(Pages):
    """Pages in order of name."""

    ordering = ("name", "id")


class LearnerPages(Pages):
    """Pages in order of the learners' names."""

    ordering = ("display_name", "id")


class ClassroomView(ApiView):
    """Classes that the caller teaches."""

    serializer_class = ClassroomSerializer
    pagination_class = NamePages

    def get_queryset(self) -> QuerySet[Classroom]:
        """Return the caller's classes with their sizes."""
        present = Count("enrolments", filter=Q(enrolments__left_at=None), distinct=True)
        return classrooms_of_teacher(caller(self.request)).annotate(n_learners=present)


class ClassroomList(ListModelMixin, ClassroomView):
    """The caller's classes."""

    @extend_schema(operation_id="classrooms_list")
    def get(self, request: Request) -> Response:
        """List the classes that you teach; an administrator gets all."""
        return self.list(request)


class ClassroomDetail(RetrieveModelMixin, ClassroomView):
    """One class."""

    lookup_field = "uuid"

    @extend_schema(operation_id="classrooms_read")
    def get(self, request: Request, uuid: UUID) -> Response:
        """Read a class."""
        return self.retrieve(request, uuid)


class ClassroomLearners(ListModelMixin, ApiView):
    """Who is in a class now."""

    serializer_class = LearnerSerializer
    pagination_class = LearnerPages
    looks_at = "roster_read"
    object_kind = "classroom"

    def get_queryset(self) -> QuerySet[User]:
        """Return the learners of the class in the address. Raises: Http404."""
        classroom = classroom_for_teacher(caller(self.request), self.kwargs["uuid"])
        return User.objects.filter(enrolments__classroom=classroom, enrolments__left_at=None)

    @extend_schema(operation_id="classrooms_learners_list")
    def get(self, request: Request, uuid: UUID) -> Response:
        """List the learners who are in the class now. Each look is in the audit log."""
        return self.list(request)
