"""What is known of learners: responses, beliefs, forecasts and plans of a class or a course."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from tutor.accounts.models import User
from tutor.api.beliefs import (
    BeliefRow,
    beliefs_documents,
    beliefs_stream,
    forecasts_documents,
)
from tutor.api.http import ApiView, caller
from tutor.api.learner_serializers import (
    BeliefsSerializer,
    ForecastsSerializer,
    PlanSerializer,
    ResponseSerializer,
)
from tutor.api.paging import NewestPages, Pages
from tutor.api.queries import AheadQuery, LearnerQuery, ResponseQuery
from tutor.api.reach import Reach, classroom_reach, course_reach
from tutor.api.renderers import CsvRenderer, NdjsonRenderer
from tutor.api.streams import TableForm, stream_response
from tutor.common.clock import now_utc
from tutor.responses.models import Response as LoggedResponse
from tutor.responses.rows import ResponseRow, row_make, rows_of, rows_stream, skill_keys
from tutor.scheduling.models import Plan

TAGS = ["learners"]
AS_CSV = extend_schema(tags=TAGS, responses={(200, "text/csv"): OpenApiTypes.STR})
AS_NDJSON = extend_schema(tags=TAGS, responses={(200, "application/x-ndjson"): OpenApiTypes.STR})


class LearnerPages(Pages):
    """Learners in the order of their accounts; each comes with a row for every skill."""

    page_size = 20
    max_page_size = 100


class ReachView(ApiView):
    """A view of the learners of a class or, below a course's address, of one's classes on it."""

    query_class: Any = LearnerQuery
    of_course = False

    @property
    def object_kind(self) -> str:  # type: ignore[override]
        """What the audit log says was looked at."""
        return "course" if self.of_course else "classroom"

    def reach(self) -> Reach:
        """Return whose data is wanted. Raises: Http404, ValidationError."""
        self.wanted = self.asked()
        person, uuid = caller(self.request), self.kwargs["uuid"]
        reach = course_reach(person, uuid) if self.of_course else classroom_reach(person, uuid)
        return reach.narrowed(self.wanted.get("learner"))

    def learners_page(self, reach: Reach) -> list[User]:
        """Return a page of learners."""
        page: list[User] = self.paginate_queryset(reach.people()) or []
        return page


class TableView(ReachView):
    """A table of learners' data as a whole, sent while it is read, so without an ETag."""

    renderer_classes: Any = (CsvRenderer, JSONRenderer)
    pagination_class = None
    form = TableForm.CSV
    # What the file is called behind the course's id, and the names of its columns.
    title: str
    columns: tuple[str, ...]

    def rows(self, reach: Reach) -> Iterator[Any]:
        """Yield the rows of a reach."""
        raise NotImplementedError

    def table(self) -> StreamingHttpResponse:
        """Send the rows while they are read."""
        reach = self.reach()
        name = f"{reach.course.key}-{self.title}"
        return stream_response(self.rows(reach), self.columns, form=self.form, name=name)


class ResponseView(ReachView):
    """The responses of a class or a course."""

    query_class = ResponseQuery

    def responses(self, reach: Reach) -> QuerySet[LoggedResponse]:
        """Return the responses that are wanted of a reach."""
        wanted = self.wanted
        found = LoggedResponse.objects.filter(course=reach.course)
        if reach.learners is not None:
            found = found.filter(learner__in=reach.learners)
        if wanted.get("kind"):
            found = found.filter(kind=wanted["kind"])
        if wanted["observations"]:
            found = found.filter(is_observation=True)
        if wanted.get("after"):
            found = found.filter(recorded_at__gte=wanted["after"])
        return found


class ResponseList(ResponseView):
    """Pages of the response log."""

    operation = "responses_list"
    serializer_class = ResponseSerializer
    looks_at = "responses_read"

    @extend_schema(tags=TAGS, responses=ResponseSerializer(many=True))
    def get(self, request: Request, uuid: UUID) -> Response:
        """List responses in the order in which they were recorded, corrections applied."""
        reach = self.reach()
        keys = skill_keys(reach.course)
        page = self.paginate_queryset(rows_of(self.responses(reach))) or []
        rows = [row_make(found, keys)._asdict() for found in page]
        return self.get_paginated_response(ResponseSerializer(rows, many=True).data)


class ResponseCsv(TableView, ResponseView):
    """The response log as a table."""

    operation = "responses_csv"
    looks_at = "responses_exported"
    title, columns = "responses", ResponseRow._fields

    def rows(self, reach: Reach) -> Iterator[Any]:
        """Yield the responses that are wanted."""
        return rows_stream(self.responses(reach), reach.course)

    @AS_CSV
    def get(self, request: Request, uuid: UUID) -> StreamingHttpResponse:
        """Export responses as CSV, which the import of response logs reads; no cell is a formula.

        Sent while it is read, so without an ETag.
        """
        return self.table()


class ResponseNdjson(ResponseCsv):
    """The response log as objects, a line each."""

    operation = "responses_ndjson"
    renderer_classes = (NdjsonRenderer, JSONRenderer)
    form = TableForm.NDJSON

    @AS_NDJSON
    def get(self, request: Request, uuid: UUID) -> StreamingHttpResponse:
        """Export responses as JSON objects, a line each, every text as it is.

        Sent while it is read, so without an ETag.
        """
        return self.table()


class BeliefView(ReachView):
    """Beliefs of a class or a course."""

    query_class = AheadQuery

    def moment(self) -> datetime:
        """Return the moment that is asked for."""
        return now_utc() + timedelta(days=self.wanted["days_ahead"])


class BeliefList(BeliefView):
    """What the serving model believes."""

    operation = "beliefs_list"
    serializer_class = BeliefsSerializer
    pagination_class = LearnerPages
    looks_at = "beliefs_read"

    @extend_schema(tags=TAGS, responses=BeliefsSerializer(many=True))
    def get(self, request: Request, uuid: UUID) -> Response:
        """List beliefs, learner by learner, for now or some days ahead, with their version.

        They are the model's own: what a teacher said of a skill is not laid over them.
        """
        reach = self.reach()
        at = self.moment()
        documents = beliefs_documents(self.learners_page(reach), reach.course, now=at)
        return self.get_paginated_response(BeliefsSerializer(documents, many=True).data)


class BeliefCsv(TableView, BeliefView):
    """Beliefs as a table."""

    operation = "beliefs_csv"
    looks_at = "beliefs_exported"
    title, columns = "beliefs", BeliefRow._fields

    def rows(self, reach: Reach) -> Iterator[Any]:
        """Yield the beliefs of the moment that is asked for."""
        return beliefs_stream(reach.people(), reach.course, now=self.moment())

    @AS_CSV
    def get(self, request: Request, uuid: UUID) -> StreamingHttpResponse:
        """Export beliefs as CSV, a row for each learner and skill."""
        return self.table()


class BeliefNdjson(BeliefCsv):
    """Beliefs as objects, a line each."""

    operation = "beliefs_ndjson"
    renderer_classes = (NdjsonRenderer, JSONRenderer)
    form = TableForm.NDJSON

    @AS_NDJSON
    def get(self, request: Request, uuid: UUID) -> StreamingHttpResponse:
        """Export beliefs as JSON objects, a line for each learner and skill."""
        return self.table()


class ForecastList(ReachView):
    """What the prediction role forecasts."""

    operation = "forecasts_list"
    serializer_class = ForecastsSerializer
    pagination_class = LearnerPages
    looks_at = "forecasts_read"

    @extend_schema(tags=TAGS, responses=ForecastsSerializer(many=True))
    def get(self, request: Request, uuid: UUID) -> Response:
        """List P(correct) of the steps that could come next, learner by learner.

        As the version that serves the prediction role said after the learner's last answer.
        """
        reach = self.reach()
        documents = forecasts_documents(self.learners_page(reach), reach.course)
        return self.get_paginated_response(ForecastsSerializer(documents, many=True).data)


class PlanList(ReachView):
    """What the scheduler decided."""

    operation = "plans_list"
    serializer_class = PlanSerializer
    pagination_class = NewestPages
    looks_at = "plans_read"

    @extend_schema(tags=TAGS, responses=PlanSerializer(many=True))
    def get(self, request: Request, uuid: UUID) -> Response:
        """List decisions, newest first, each with its candidates, scores and propensities."""
        reach = self.reach()
        plans = Plan.objects.select_related("learner", "course", "skill", "step")
        plans = plans.filter(course=reach.course)
        if reach.learners is not None:
            plans = plans.filter(learner__in=reach.learners)
        page = self.paginate_queryset(plans)
        return self.get_paginated_response(PlanSerializer(page, many=True).data)
