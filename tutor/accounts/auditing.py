"""Every look at a learner's data is in the audit log, without a word in the views.

Addresses that lead to a class or a learner name them `classroom_uuid` and `learner_uuid`. Whatever
a teacher or an administrator is shown below such an address is written down here, so that a new
page cannot forget to. The API, whose addresses are built otherwise, keeps its own record.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.http import HttpRequest, HttpResponse
from django.urls import ResolverMatch

from tutor.accounts.models import AuditEvent, User
from tutor.accounts.services import audit_record
from tutor.common.clock import now_utc
from tutor.common.http import HtmxRequest

# What a part of an address names, the most particular first.
KIND_OF_NAME = {"learner_uuid": "user", "classroom_uuid": "classroom"}
# A page that asks for a part of itself again within this time is still the same look.
SAME_LOOK = timedelta(minutes=5)


class AuditMiddleware:
    """Record what was shown of whom to whom; where that cannot be written, nothing is shown."""

    def __init__(self, get_response: Callable[[HtmxRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HtmxRequest) -> HttpResponse:
        response = self.get_response(request)
        match = request.resolver_match
        if match and _has_shown(response) and not KIND_OF_NAME.keys().isdisjoint(match.kwargs):
            user = request.user
            if isinstance(user, User) and user.is_teacher:
                _look_record(request, response, match, user, now=now_utc())
        return response


def _has_shown(response: HttpResponse) -> bool:
    """Whether there is something on the page: no redirect, no refusal but a form's own."""
    return response.status_code in {200, 201, 422}


def _look_record(
    request: HtmxRequest, response: HttpResponse, match: ResolverMatch, user: User, *, now: datetime
) -> None:
    names = [name for name in KIND_OF_NAME if name in match.kwargs]
    object_id = str(match.kwargs[names[0]])
    action = look_action(match, is_export=response.has_header("Content-Disposition"))
    if _is_part(request) and _is_same_look(user, action, object_id, now=now):
        return
    audit_record(
        user,
        action=action,
        object_kind=KIND_OF_NAME[names[0]],
        object_id=object_id,
        detail={KIND_OF_NAME[name]: str(match.kwargs[name]) for name in names[1:]},
        now=now,
    )


def look_action(match: ResolverMatch, *, is_export: bool) -> str:
    """Return what a look by an address is called in the log."""
    return f"{match.url_name}_{'exported' if is_export else 'viewed'}"


def _is_part(request: HttpRequest) -> bool:
    return bool(getattr(request, "htmx", False))


def _is_same_look(user: User, action: str, object_id: str, *, now: datetime) -> bool:
    return AuditEvent.objects.filter(
        actor=user, action=action, object_id=object_id, at__gt=now - SAME_LOOK
    ).exists()
