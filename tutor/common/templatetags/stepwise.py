"""Small pieces that every page shows alike: a belief with its interval, a status, a progress line.

Coordinates are formatted here, not in templates, where a language's decimal comma would enter them.
"""

import math
from typing import Any

from django import template
from django.utils.translation import gettext_lazy as _

register = template.Library()

STATUS_LABELS = {
    "locked": _("Locked"),
    "ready": _("Ready to learn"),
    "learning": _("Learning"),
    "mastered": _("Mastered"),
    "review_due": _("Review due"),
    "unknown": _("No problems yet"),
}


def _clamped(value: float) -> float:
    return min(1.0, max(0.0, float(value)))


def _place(value: float) -> str:
    return f"{100.0 * _clamped(value):.2f}%"


@register.filter
def percent(value: float | None) -> str:
    """Write a share as a whole percentage, halves rounded up; nothing as a dash."""
    if value is None:
        return "–"
    return f"{math.floor(100.0 * _clamped(value) + 0.5)}\N{NO-BREAK SPACE}%"


@register.inclusion_tag("_partials/status.html")
def status_badge(status: str, label: str | None = None) -> dict[str, Any]:
    """Show a skill's status by shape, colour and word.

    Raises:
        ValueError: if there is no such status.
    """
    if status not in STATUS_LABELS:
        raise ValueError(
            f"'{status}' is no status; expected one of {', '.join(sorted(STATUS_LABELS))}"
        )
    return {"status": status, "label": label or STATUS_LABELS[status]}


@register.inclusion_tag("_partials/belief.html")
def belief_bar(
    value: float,
    lower: float,
    upper: float,
    *,
    title: str = "",
    n: int | None = None,
    before: float | str | None = None,
    gate: float | None = None,
    is_early: bool = False,
) -> dict[str, Any]:
    """Draw P(correct now), in [0, 1], with the ends of its 80 % interval.

    `before` marks where the value was, `gate` the bound that opens what follows. `is_early` says
    that the evidence is too thin for a number: the mark and the band are drawn all the same.
    """
    if isinstance(before, str):
        # What a template passes for a value that is not there.
        before = None
    return {
        "is_early": is_early,
        "title": title,
        "n": n,
        "value": value,
        "lower": lower,
        "upper": upper,
        "before": before,
        "value_at": _place(value),
        "lower_at": _place(lower),
        "width": _place(_clamped(upper) - _clamped(lower)),
        "before_at": None if before is None else _place(before),
        "gate_at": None if gate is None else _place(gate),
    }


@register.inclusion_tag("_partials/progress.html")
def progress_line(done: int, begun: int, total: int) -> dict[str, Any]:
    """Draw how many of `total` skills are mastered and how many more are begun."""
    whole = max(total, 1)
    return {
        "done": done,
        "begun": begun,
        "total": total,
        "done_width": _place(done / whole),
        "begun_at": _place(done / whole),
        "begun_width": _place(begun / whole),
    }


@register.filter
def status_word(status: str) -> str:
    """Return a status in words."""
    return str(STATUS_LABELS[status])


@register.filter
def letter(place: int) -> str:
    """Return the letter that stands for a place counted from 0; beyond Z the number."""
    return chr(ord("A") + place) if 0 <= place < 26 else str(place + 1)
