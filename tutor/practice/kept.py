"""An answer that met an expired login: kept in the visitor's session, sent again after logging in.

What is kept is the posted form, token and all. After the login it is posted once more, so it is
recorded at most once, and refused politely when its step is gone meanwhile.
"""

from typing import TypedDict
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect

from tutor.common.http import HtmxRequest
from tutor.content.forms import answer_fields

SESSION_KEY = "kept_answer"
# A visitor's session is no place to store things in.
LONGEST_KEPT = 8_000
PLAIN_FIELDS = ("attempt_token", "elapsed_ms", "kind", "hint_key")


class KeptAnswer(TypedDict):
    """A posted answer: the address it was posted to, and its fields."""

    session: str
    action: str
    fields: list[tuple[str, str]]


def answer_keep(request: HttpRequest, session_uuid: UUID) -> bool:
    """Keep the posted answer; return whether it was small enough to keep."""
    fields = [
        (name, value)
        for name in PLAIN_FIELDS
        if isinstance(request.POST, QueryDict) and (value := request.POST.get(name))
    ]
    fields += [
        (name, value) for name, values in answer_fields(request.POST).items() for value in values
    ]
    if sum(len(name) + len(value) for name, value in fields) > LONGEST_KEPT:
        return False
    request.session[SESSION_KEY] = KeptAnswer(
        session=str(session_uuid), action=request.path, fields=fields
    )
    return True


def answer_kept(request: HttpRequest, session_uuid: UUID) -> KeptAnswer | None:
    """Return what is kept for this sitting."""
    kept: KeptAnswer | None = request.session.get(SESSION_KEY)
    return kept if kept is not None and kept["session"] == str(session_uuid) else None


def answer_forget(request: HttpRequest) -> None:
    """Drop what is kept."""
    request.session.pop(SESSION_KEY, None)


def login_redirect(request: HtmxRequest, session_uuid: UUID, *, is_kept: bool) -> HttpResponse:
    """Send somebody to the login, and from there back to the answer or to the sitting."""
    target = reverse("practice_kept" if is_kept else "practice", args=[session_uuid])
    address = f"{reverse('login')}?{urlencode({'next': target})}"
    return HttpResponseClientRedirect(address) if request.htmx else redirect(address)
