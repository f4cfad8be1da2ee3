"""Reading the audit log: who looked at whom, who changed what."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from tutor.accounts.models import AuditEvent, User
from tutor.roster.models import Classroom

PAGE_ROWS = 50
# How looks are named: by pages (`accounts.auditing`) and by the API.
LOOKS = (
    Q(action__endswith="_viewed") | Q(action__endswith="_exported") | Q(action__endswith="_read")
)


class Kind(StrEnum):
    """Which lines are asked for."""

    ALL = "all"
    LOOKS = "looks"
    EXPORTS = "exports"
    DEEDS = "deeds"


KINDS = (
    (Kind.ALL.value, _("everything")),
    (Kind.LOOKS.value, _("looks at learners’ data")),
    (Kind.EXPORTS.value, _("exports only")),
    (Kind.DEEDS.value, _("changes")),
)


class AuditForm(forms.Form):
    """What to look for in the log."""

    kind = forms.ChoiceField(label=_("Show"), choices=KINDS, required=False)
    actor = forms.CharField(label=_("By (username)"), max_length=150, required=False)
    about = forms.CharField(label=_("About (username or class)"), max_length=150, required=False)
    since = forms.DateField(
        label=_("From"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    until = forms.DateField(
        label=_("To"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )

    def clean(self) -> dict[str, Any] | None:
        """Refuse a time that ends before it begins."""
        cleaned = super().clean()
        since, until = self.cleaned_data.get("since"), self.cleaned_data.get("until")
        if since and until and until < since:
            self.add_error("until", _("This is before the first day; choose the same or later."))
        return cleaned


@dataclass(frozen=True, slots=True)
class AuditLine:
    """An event in words: `about` and `within` are names where what they name is still there."""

    event: AuditEvent
    about: str
    within: str
    more: str

    @property
    def deed(self) -> str:
        """What was done, in words."""
        return action_words(self.event.action)


@dataclass(frozen=True, slots=True)
class AuditPage:
    """A page of the log, newest first; `before` asks for the next older one."""

    lines: tuple[AuditLine, ...]
    before: int | None


def audit_page(asked: Mapping[str, Any], *, before: int | None) -> AuditPage:
    """Read a page of the log (three queries and up to two for the names asked for)."""
    events = _filtered(asked).select_related("actor").order_by("-at", "-id")
    if before is not None:
        edge = AuditEvent.objects.filter(pk=before).values_list("at", flat=True).first()
        if edge is not None:
            events = events.filter(Q(at__lt=edge) | Q(at=edge, pk__lt=before))
    found = list(events[: PAGE_ROWS + 1])
    shown = found[:PAGE_ROWS]
    names = _names(shown)
    return AuditPage(
        lines=tuple(_line(event, names) for event in shown),
        before=shown[-1].pk if len(found) > PAGE_ROWS else None,
    )


def _filtered(asked: Mapping[str, Any]) -> QuerySet[AuditEvent]:
    events = AuditEvent.objects.all()
    kind = asked.get("kind")
    if kind == Kind.LOOKS:
        events = events.filter(LOOKS)
    elif kind == Kind.EXPORTS:
        events = events.filter(action__endswith="_exported")
    elif kind == Kind.DEEDS:
        events = events.exclude(LOOKS)
    if asked.get("actor"):
        events = events.filter(actor__username__iexact=asked["actor"].strip())
    if asked.get("about"):
        name = asked["about"].strip()
        people = User.objects.filter(username__iexact=name).values_list("uuid", flat=True)
        classes = Classroom.objects.filter(name__iexact=name).values_list("uuid", flat=True)
        events = events.filter(object_id__in=[str(uuid) for uuid in (*people, *classes)])
    zone = ZoneInfo(settings.TIME_ZONE)
    if asked.get("since"):
        events = events.filter(at__gte=datetime.combine(asked["since"], time(), tzinfo=zone))
    if asked.get("until"):
        ends = datetime.combine(asked["until"] + timedelta(days=1), time(), tzinfo=zone)
        events = events.filter(at__lt=ends)
    return events


def _names(events: Iterable[AuditEvent]) -> dict[str, str]:
    """Return the names behind the ids of people and classes (two queries)."""
    ids = set()
    for event in events:
        for text in (event.object_id, event.detail.get("classroom", "")):
            try:
                ids.add(UUID(str(text)))
            except ValueError:
                continue
    people = User.objects.filter(uuid__in=ids).values_list("uuid", "display_name", "username")
    classes = Classroom.objects.filter(uuid__in=ids).values_list("uuid", "name")
    return {
        **{str(uuid): f"{name} ({username})" for uuid, name, username in people},
        **{str(uuid): name for uuid, name in classes},
    }


def _line(event: AuditEvent, names: Mapping[str, str]) -> AuditLine:
    detail = dict(event.detail)
    within = names.get(str(detail.pop("classroom", "")), "")
    about = names.get(event.object_id, "")
    if not about and event.object_id:
        about = f"{event.object_kind} {event.object_id[:8]}…"
    more = ", ".join(
        f"{key}: {len(value) if isinstance(value, list) else value}"
        for key, value in detail.items()
    )
    return AuditLine(event=event, about=about, within=within, more=more[:160])


def action_words(action: str) -> str:
    """Return an action of the log in words."""
    known = {
        "learner_viewed": _now("looked at the learner"),
        "classroom_viewed": _now("looked at the class"),
        "heatmap_viewed": _now("looked at the heatmap"),
        "heatmap_csv_exported": _now("exported the heatmap"),
        "roster_viewed": _now("looked at the roster"),
        "roster_csv_exported": _now("exported the roster"),
        "roster_read": _now("read the roster by the API"),
        "roster_import": _now("imported learners"),
        "password_set": _now("set a new password"),
        "override_make": _now("said a word on a skill"),
        "override_lift": _now("lifted a word on a skill"),
    }
    if action in known:
        return known[action]
    what, _underscore, verb = action.rpartition("_")
    if verb == "viewed":
        return _now("looked at: {what}").format(what=what.replace("_", " "))
    if verb == "exported":
        return _now("exported: {what}").format(what=what.replace("_", " "))
    return action.replace("_", " ")
