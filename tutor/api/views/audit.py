"""The audit log, for administrators."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from tutor.accounts.models import AuditEvent, Scope
from tutor.api.http import ApiView
from tutor.api.paging import NewestPages
from tutor.api.queries import AuditQuery


class AuditEventSerializer(serializers.ModelSerializer[AuditEvent]):
    """Who did what to what; ids and counts, no names and no answers."""

    actor = serializers.UUIDField(source="actor.uuid", default=None, allow_null=True)
    detail = serializers.DictField()

    class Meta:
        model = AuditEvent
        fields = ("id", "at", "actor", "action", "object_kind", "object_id", "detail")


class AuditList(ListModelMixin, ApiView):
    """Who did what."""

    serializer_class = AuditEventSerializer
    pagination_class = NewestPages
    query_class: Any = AuditQuery
    scopes = {"GET": Scope.ADMIN}

    def get_queryset(self) -> QuerySet[AuditEvent]:
        """Return the events that are wanted."""
        wanted = self.asked()
        events = AuditEvent.objects.select_related("actor")
        if "actor" in wanted:
            events = events.filter(actor__uuid=wanted["actor"])
        for name in ("action", "object_id"):
            if name in wanted:
                events = events.filter(**{name: wanted[name]})
        return events

    @extend_schema(operation_id="audit_list", tags=["audit"])
    def get(self, request: Request) -> Response:
        """List what was done and looked at, newest first. For administrators."""
        return self.list(request)
