"""Fits, versions and promotions: teachers of the course read, administrators act."""

from uuid import UUID

from django.db.models import Count, Q, QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from tutor.accounts.models import Scope
from tutor.api.http import ApiView, caller
from tutor.api.model_serializers import (
    FitForm,
    FitSerializer,
    PromoteForm,
    PromotionSerializer,
    RollBackForm,
    VersionDetailSerializer,
    VersionSerializer,
)
from tutor.api.openapi import problem
from tutor.api.paging import NewestPages
from tutor.common.clock import now_utc
from tutor.common.errors import TutorError
from tutor.tracing.access import course_for_models, fit_for_models, version_for_models
from tutor.tracing.fits import fit_cancel, fit_request
from tutor.tracing.models import FitRun, ModelVersion, Promotion, ShardStatus
from tutor.tracing.promotion import promotion_start, roll_back

SCOPES = {"GET": Scope.READ, "POST": Scope.ADMIN}
ACCEPTED = "Taken on; Location says where to watch it."


class FitList(ListModelMixin, ApiView):
    """The fits of a course."""

    serializer_class = FitSerializer
    pagination_class = NewestPages
    scopes = SCOPES
    writes = {"POST": "api_fit_start"}
    object_kind = "course"

    def get_queryset(self) -> QuerySet[FitRun]:
        """Return the course's fits. Raises: Http404."""
        course = course_for_models(caller(self.request), self.kwargs["uuid"])
        return FitRun.objects.select_related("course", "version").filter(course=course)

    @extend_schema(operation_id="fits_list", tags=["models"])
    def get(self, request: Request, uuid: UUID) -> Response:
        """List the training runs on a course, newest first."""
        return self.list(request)

    @extend_schema(
        operation_id="fits_start",
        tags=["models"],
        request=FitForm,
        responses={202: OpenApiResponse(FitSerializer, description=ACCEPTED)},
    )
    def post(self, request: Request, uuid: UUID) -> Response:
        """Ask for a fit of a model on the course's responses; a worker takes it."""
        course = course_for_models(caller(request), uuid, is_deed=True)
        wanted = self.body(request, FitForm)
        run = fit_request(course, by=caller(request), now=now_utc(), **wanted)
        where = reverse("api:fit", args=[run.uuid], request=request)
        return Response(
            FitSerializer(run).data, status=status.HTTP_202_ACCEPTED, headers={"Location": where}
        )


class FitDetail(ApiView):
    """One fit."""

    serializer_class = FitSerializer

    @extend_schema(operation_id="fits_read", tags=["models"])
    def get(self, request: Request, uuid: UUID) -> Response:
        """Read how a fit goes."""
        return Response(FitSerializer(fit_for_models(caller(request), uuid)).data)


class FitCancel(ApiView):
    """The end of a fit before its end."""

    serializer_class = FitSerializer
    scopes = SCOPES
    writes = {"POST": "api_fit_cancel"}
    object_kind = "fit"

    @extend_schema(operation_id="fits_cancel", tags=["models"], request=None)
    def post(self, request: Request, uuid: UUID) -> Response:
        """Stop a fit: at once where it waits, at its next progress where it runs."""
        run = fit_for_models(caller(request), uuid, is_deed=True)
        if not fit_cancel(run, by=caller(request), now=now_utc()):
            raise TutorError("This fit has ended already.", code="fit_ended")
        run.refresh_from_db()
        return Response(FitSerializer(run).data)


class VersionList(ListModelMixin, ApiView):
    """The versions of a course's models."""

    serializer_class = VersionSerializer
    pagination_class = NewestPages

    def get_queryset(self) -> QuerySet[ModelVersion]:
        """Return the course's versions without their tests. Raises: Http404."""
        course = course_for_models(caller(self.request), self.kwargs["uuid"])
        versions = ModelVersion.objects.defer("metrics").select_related("course", "fit_run")
        return versions.filter(course=course)

    @extend_schema(operation_id="model_versions_list", tags=["models"])
    def get(self, request: Request, uuid: UUID) -> Response:
        """List what fits gave, newest first; one version of each role serves."""
        return self.list(request)


class VersionDetail(ApiView):
    """One version."""

    serializer_class = VersionDetailSerializer

    @extend_schema(operation_id="model_versions_read", tags=["models"])
    def get(self, request: Request, uuid: UUID) -> Response:
        """Read a version with its test beside what served and simple baselines."""
        return Response(VersionDetailSerializer(version_for_models(caller(request), uuid)).data)


def promotions() -> QuerySet[Promotion]:
    """Return promotions with how far their replays are."""
    return Promotion.objects.select_related("course", "version", "previous").annotate(
        n_shards=Count("shards"),
        n_shards_done=Count("shards", filter=Q(shards__status=ShardStatus.DONE)),
    )


def promotion_accepted(request: Request, promotion: Promotion) -> Response:
    """Answer that a change of the serving version has begun, and where to watch it."""
    where = reverse("api:promotion", args=[promotion.uuid], request=request)
    found = promotions().get(pk=promotion.pk)
    return Response(
        PromotionSerializer(found).data,
        status=status.HTTP_202_ACCEPTED,
        headers={"Location": where, "Retry-After": "1"},
    )


class VersionPromote(ApiView):
    """The step from a candidate to what serves."""

    serializer_class = PromotionSerializer
    scopes = SCOPES
    writes = {"POST": "api_version_promote"}
    object_kind = "model_version"

    @extend_schema(
        operation_id="model_versions_promote",
        tags=["models"],
        request=PromoteForm,
        responses={202: OpenApiResponse(PromotionSerializer, description=ACCEPTED)},
    )
    def post(self, request: Request, uuid: UUID) -> Response:
        """Make a version serve: workers replay the log, and the old one serves until they end.

        Of two changes of one role at a time the newer one is made.
        """
        version = version_for_models(caller(request), uuid, is_deed=True)
        wanted = self.body(request, PromoteForm)
        promotion = promotion_start(version, by=caller(request), now=now_utc(), **wanted)
        return promotion_accepted(request, promotion)


class VersionRollBack(ApiView):
    """The way back to the version that served before."""

    serializer_class = PromotionSerializer
    scopes = SCOPES
    writes = {"POST": "api_version_roll_back"}
    object_kind = "course"

    @extend_schema(
        operation_id="model_versions_roll_back",
        tags=["models"],
        request=RollBackForm,
        responses={
            202: OpenApiResponse(PromotionSerializer, description=ACCEPTED),
            409: problem("409", "No version served this role before, or one is coming already."),
        },
    )
    def post(self, request: Request, uuid: UUID) -> Response:
        """Make the version serve again that served a role before the one that serves it now."""
        course = course_for_models(caller(request), uuid, is_deed=True)
        wanted = self.body(request, RollBackForm)
        return promotion_accepted(
            request, roll_back(course, by=caller(request), now=now_utc(), **wanted)
        )


class PromotionList(ListModelMixin, ApiView):
    """Which version served when."""

    serializer_class = PromotionSerializer
    pagination_class = NewestPages

    def get_queryset(self) -> QuerySet[Promotion]:
        """Return the course's promotions. Raises: Http404."""
        course = course_for_models(caller(self.request), self.kwargs["uuid"])
        return promotions().filter(course=course)

    @extend_schema(operation_id="promotions_list", tags=["models"])
    def get(self, request: Request, uuid: UUID) -> Response:
        """List the changes of the versions that serve, newest first."""
        return self.list(request)


class PromotionDetail(ApiView):
    """One change of the serving version."""

    serializer_class = PromotionSerializer

    @extend_schema(operation_id="promotions_read", tags=["models"])
    def get(self, request: Request, uuid: UUID) -> Response:
        """Read how far the replay of the log is, or how it ended."""
        promotion = get_object_or_404(promotions(), uuid=uuid)
        course_for_models(caller(request), promotion.course.uuid)
        return Response(PromotionSerializer(promotion).data)
