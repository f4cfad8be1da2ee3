"""Learners of one's own classes, their time in classes, and new passwords for them."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from tutor.accounts.models import Scope, User
from tutor.accounts.passwords import password_renew
from tutor.api.http import ApiView, caller
from tutor.api.paging import Pages
from tutor.api.problems import FieldsRefusedError
from tutor.api.queries import LearnerQuery
from tutor.api.roster_serializers import (
    EnrolmentForm,
    EnrolmentSerializer,
    LearnerQueryForm,
    LearnerSerializer,
    PasswordSerializer,
)
from tutor.api.rosters import plan_check, sheet_of
from tutor.common.clock import now_utc
from tutor.common.errors import TutorError
from tutor.roster.access import classroom_in_use
from tutor.roster.importing import roster_import, roster_plan
from tutor.roster.membership import learner_remove
from tutor.roster.models import Enrolment
from tutor.roster.selectors import classrooms_of_teacher, learners_of_teacher


class LearnerView(ApiView):
    """Learners of the caller's classes; administrators reach all."""

    serializer_class = LearnerSerializer
    object_kind = "user"

    def get_queryset(self) -> QuerySet[User]:
        """Return the learners in the caller's reach."""
        return learners_of_teacher(caller(self.request))


class NamePages(Pages):
    """Pages in order of the learners' names."""

    ordering = ("display_name", "id")


class LearnerList(ListModelMixin, LearnerView):
    """The learners of all one's classes."""

    pagination_class = NamePages
    query_class: Any = LearnerQueryForm
    looks_at = "learners_read"

    def get_queryset(self) -> QuerySet[User]:
        """Return the learners in the caller's reach, or the one of a username."""
        wanted = self.asked().get("username")
        learners = super().get_queryset()
        return learners.filter(username__iexact=wanted) if wanted else learners

    @extend_schema(operation_id="learners_list")
    def get(self, request: Request) -> Response:
        """List the learners of your classes; an administrator gets all."""
        return self.list(request)


class LearnerDetail(RetrieveModelMixin, LearnerView):
    """One learner."""

    lookup_field = "uuid"
    looks_at = "learner_read"

    @extend_schema(operation_id="learners_read")
    def get(self, request: Request, uuid: UUID) -> Response:
        """Read a learner's account."""
        return self.retrieve(request, uuid)


class LearnerPassword(LearnerView):
    """A new password for a learner."""

    scopes = {"POST": Scope.ROSTER}
    writes = {"POST": "api_learner_password"}

    @extend_schema(
        operation_id="learners_password",
        request=None,
        responses={201: OpenApiResponse(PasswordSerializer, description="Shown this once.")},
    )
    def post(self, request: Request, uuid: UUID) -> Response:
        """Give a learner a new password and return it, this once; old log-ins end."""
        learner = get_object_or_404(self.get_queryset(), uuid=uuid)
        plain = password_renew(learner, by=caller(request), now=now_utc())
        document = {"uuid": learner.uuid, "username": learner.username, "password": plain}
        return Response(PasswordSerializer(document).data, status=status.HTTP_201_CREATED)


class OldestPages(Pages):
    """In the order in which learners joined."""

    ordering = ("joined_at", "id")


class EnrolmentList(ListModelMixin, ApiView):
    """Who is and was in a class, and who joins."""

    serializer_class = EnrolmentSerializer
    pagination_class = OldestPages
    query_class: Any = LearnerQuery
    looks_at = "roster_read"
    scopes = {"GET": Scope.READ, "POST": Scope.ROSTER}
    writes = {"POST": "api_enrolment_create"}
    object_kind = "classroom"

    def get_queryset(self) -> QuerySet[Enrolment]:
        """Return the enrolments of the class in the address. Raises: Http404."""
        wanted = self.asked()
        classroom = classroom_in_use(caller(self.request), self.kwargs["uuid"])
        found = Enrolment.objects.select_related("classroom", "learner").filter(classroom=classroom)
        return found.filter(learner__uuid=wanted["learner"]) if "learner" in wanted else found

    @extend_schema(operation_id="enrolments_list", tags=["classrooms"])
    def get(self, request: Request, uuid: UUID) -> Response:
        """List who is in the class and who was, in the order in which they joined."""
        return self.list(request)

    @extend_schema(
        operation_id="enrolments_create",
        tags=["classrooms"],
        request=EnrolmentForm,
        responses={201: OpenApiResponse(EnrolmentSerializer, description="Enrolled.")},
    )
    def post(self, request: Request, uuid: UUID) -> Response:
        """Enrol a learner of yours, who has an account, in a class of yours."""
        person = caller(request)
        classroom = classroom_in_use(person, uuid)
        wanted = self.body(request, EnrolmentForm)
        learner = learners_of_teacher(person).filter(uuid=wanted["learner"]).first()
        if learner is None:
            raise FieldsRefusedError({"learner": [f"{wanted['learner']} is no learner of yours."]})
        row = {"name": learner.display_name, "username": learner.username, "password": ""}
        sheet = sheet_of([row])
        plan = roster_plan(classroom, sheet, by=person)
        plan_check(plan)
        if plan.n_kept:
            raise TutorError(f"{learner.username} is in the class already.", code="already_joined")
        roster_import(classroom, sheet, by=person, now=now_utc())
        made = Enrolment.objects.select_related("classroom", "learner").get(
            classroom=classroom, learner=learner, left_at=None
        )
        where = reverse("api:enrolment", args=[made.uuid], request=request)
        return Response(
            EnrolmentSerializer(made).data,
            status=status.HTTP_201_CREATED,
            headers={"Location": where},
        )


class EnrolmentDetail(ApiView):
    """One learner's time in a class."""

    serializer_class = EnrolmentSerializer
    looks_at = "enrolment_read"
    scopes = {"GET": Scope.READ, "DELETE": Scope.ROSTER}
    writes = {"DELETE": "api_enrolment_end"}
    object_kind = "enrolment"

    def get_queryset(self) -> QuerySet[Enrolment]:
        """Return the enrolments in the caller's classes, archived ones for administrators only."""
        own = classrooms_of_teacher(caller(self.request))
        if not caller(self.request).is_administrator:
            own = own.filter(is_archived=False)
        return Enrolment.objects.select_related("classroom", "learner").filter(classroom__in=own)

    @extend_schema(operation_id="enrolments_read", tags=["classrooms"])
    def get(self, request: Request, uuid: UUID) -> Response:
        """Read when a learner joined a class, and when they left."""
        found = get_object_or_404(self.get_queryset(), uuid=uuid)
        return Response(EnrolmentSerializer(found).data)

    @extend_schema(
        operation_id="enrolments_end",
        tags=["classrooms"],
        request=None,
        responses={204: OpenApiResponse(description="Ended; twice changes nothing.")},
    )
    def delete(self, request: Request, uuid: UUID) -> Response:
        """End a learner's time in a class. Account, answers and beliefs stay."""
        found = get_object_or_404(self.get_queryset(), uuid=uuid)
        if found.left_at is None:
            learner_remove(found.classroom, found.learner, by=caller(request), now=now_utc())
        return Response(status=status.HTTP_204_NO_CONTENT)
