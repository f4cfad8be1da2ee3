"""Classes: teachers read and change their own, administrators all; others' classes are 404."""

from uuid import UUID

from django.db.models import Count, Q, QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from tutor.accounts.models import Scope, User
from tutor.api.http import ApiView, caller
from tutor.api.paging import Pages
from tutor.api.problems import FieldsRefusedError
from tutor.api.roster_serializers import (
    ClassroomChangeForm,
    ClassroomForm,
    ClassroomSerializer,
    EnrolledSerializer,
    LearnerSerializer,
    NewLearnersForm,
)
from tutor.api.rosters import plan_check, sheet_of
from tutor.common.clock import now_utc
from tutor.content.models import Course
from tutor.roster.access import classroom_for_teacher, classroom_in_use
from tutor.roster.importing import roster_import, roster_plan
from tutor.roster.models import Classroom
from tutor.roster.selectors import classrooms_of_teacher
from tutor.roster.services import (
    classroom_archive,
    classroom_create,
    classroom_rename,
    joining_switch,
)


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
    object_kind = "classroom"

    def get_queryset(self) -> QuerySet[Classroom]:
        """Return the caller's classes with their sizes."""
        present = Count("enrolments", filter=Q(enrolments__left_at=None), distinct=True)
        return classrooms_of_teacher(caller(self.request)).annotate(n_learners=present)

    def found(self, classroom: Classroom) -> dict[str, object]:
        """Return a class as it is now."""
        return ClassroomSerializer(self.get_queryset().get(pk=classroom.pk)).data


class ClassroomList(ListModelMixin, ClassroomView):
    """The caller's classes, and a new one."""

    scopes = {"GET": Scope.READ, "POST": Scope.ROSTER}
    writes = {"POST": "api_classroom_create"}

    @extend_schema(operation_id="classrooms_list")
    def get(self, request: Request) -> Response:
        """List the classes that you teach; an administrator gets all."""
        return self.list(request)

    @extend_schema(
        operation_id="classrooms_create",
        request=ClassroomForm,
        responses={201: OpenApiResponse(ClassroomSerializer, description="Made.")},
    )
    def post(self, request: Request) -> Response:
        """Make a class that you teach, with a fresh join code."""
        wanted = self.body(request, ClassroomForm)
        course = Course.objects.filter(uuid=wanted["course"]).first()
        if course is None:
            raise FieldsRefusedError({"course": [f"There is no course {wanted['course']}."]})
        classroom = classroom_create(
            name=wanted["name"], course=course, teachers=[caller(request)], now=now_utc()
        )
        where = reverse("api:classroom", args=[classroom.uuid], request=request)
        return Response(
            self.found(classroom), status=status.HTTP_201_CREATED, headers={"Location": where}
        )


class ClassroomDetail(ClassroomView):
    """One class."""

    scopes = {"GET": Scope.READ, "PATCH": Scope.ROSTER}
    writes = {"PATCH": "api_classroom_change"}

    @extend_schema(operation_id="classrooms_read")
    def get(self, request: Request, uuid: UUID) -> Response:
        """Read a class."""
        return Response(self.found(classroom_for_teacher(caller(request), uuid)))

    @extend_schema(operation_id="classrooms_change", request=ClassroomChangeForm)
    def patch(self, request: Request, uuid: UUID) -> Response:
        """Change a class's name, whether its code lets learners in, whether it is archived."""
        person, now = caller(request), now_utc()
        classroom = classroom_for_teacher(person, uuid)
        wanted = self.body(request, ClassroomChangeForm)
        if "name" in wanted:
            classroom_rename(classroom, name=wanted["name"], by=person, now=now)
        if "is_joinable" in wanted:
            joining_switch(classroom, is_joinable=wanted["is_joinable"], by=person, now=now)
        if "is_archived" in wanted:
            classroom_archive(classroom, is_archived=wanted["is_archived"], by=person, now=now)
        return Response(self.found(classroom))


class ClassroomLearners(ListModelMixin, ApiView):
    """Who is in a class now, and who joins."""

    serializer_class = LearnerSerializer
    pagination_class = LearnerPages
    looks_at = "roster_read"
    scopes = {"GET": Scope.READ, "POST": Scope.ROSTER}
    writes = {"POST": "api_learners_create"}
    object_kind = "classroom"

    def get_queryset(self) -> QuerySet[User]:
        """Return the learners of the class in the address. Raises: Http404."""
        classroom = classroom_in_use(caller(self.request), self.kwargs["uuid"])
        return User.objects.filter(enrolments__classroom=classroom, enrolments__left_at=None)

    @extend_schema(operation_id="classrooms_learners_list")
    def get(self, request: Request, uuid: UUID) -> Response:
        """List the learners who are in the class now. Each look is in the audit log."""
        return self.list(request)

    @extend_schema(
        operation_id="classrooms_learners_create",
        request=NewLearnersForm,
        responses={
            200: OpenApiResponse(EnrolledSerializer, description="What would be done."),
            201: OpenApiResponse(EnrolledSerializer, description="Done."),
        },
    )
    def post(self, request: Request, uuid: UUID) -> Response:
        """Enrol learners, all or none; accounts are made for those who have none.

        The passwords of new accounts are in the answer, this once. The same learners twice change
        nothing: who is in the class is recognised by the username, or without one by the name.
        """
        person = caller(request)
        classroom = classroom_in_use(person, uuid)
        wanted = self.body(request, NewLearnersForm)
        sheet = sheet_of(wanted["learners"])
        plan = roster_plan(classroom, sheet, by=person)
        plan_check(plan)
        is_dry_run = wanted["dry_run"]
        slips = () if is_dry_run else roster_import(classroom, sheet, by=person, now=now_utc())
        document = {
            "n_created": plan.n_created,
            "n_enrolled": plan.n_enrolled,
            "n_kept": plan.n_kept,
            "created": [
                {
                    "uuid": slip.learner.uuid,
                    "username": slip.learner.username,
                    "display_name": slip.learner.display_name,
                    "password": slip.password,
                }
                for slip in slips
            ],
        }
        code = status.HTTP_200_OK if is_dry_run else status.HTTP_201_CREATED
        return Response(EnrolledSerializer(document).data, status=code)
