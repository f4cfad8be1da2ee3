"""Values with their intervals, as the teacher pages show them."""

from collections.abc import Callable

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from tutor.common.templatetags.stepwise import percent
from tutor.dashboards.item_facts import Interval

register = template.Library()

# Below this a tenth of a second is worth telling.
SECONDS_WHOLE = 10
# Each from twice itself on, so that nothing reads "1 minutes".
DURATIONS: tuple[tuple[int, Callable[[int], str]], ...] = (
    (86_400, lambda n: _("{n} days").format(n=n)),
    (3_600, lambda n: _("{n} hours").format(n=n)),
    (60, lambda n: _("{n} minutes").format(n=n)),
)


@register.simple_tag
def share_range(interval: Interval | None) -> SafeString | str:
    """Write a share in per cent with its interval; a dash where nothing is known."""
    if not interval:
        return "–"
    return format_html(
        '{} <small class="range">{} – {}</small>',
        percent(interval.value),
        percent(interval.lower),
        percent(interval.upper),
    )


@register.simple_tag
def correlation_range(interval: Interval | None) -> SafeString | str:
    """Write a correlation with its interval; a dash where nothing is known."""
    if not interval:
        return "–"
    return format_html(
        '{} <small class="range">{} – {}</small>',
        *(signed(value) for value in (interval.value, interval.lower, interval.upper)),
    )


@register.filter
def points_of(value: float | None) -> str:
    """Write a difference of shares in percentage points with its sign; nothing as a dash."""
    if value is None:
        return "–"
    points = int(abs(100 * value) + 0.5)
    sign = "+" if value > 0 else "−"
    return f"{sign if points else ''}{points}\N{NO-BREAK SPACE}%"


@register.filter
def duration(seconds: float) -> str:
    """Write a length of time in the unit that people would take: 0.4 s, 12 s, 5 minutes, 3 days."""
    for unit, name in DURATIONS:
        if seconds >= 2 * unit:
            return name(int(seconds / unit + 0.5))
    shown = f"{seconds:.1f}" if seconds < SECONDS_WHOLE else f"{seconds:.0f}"
    return _("{n} s").format(n=shown.removesuffix(".0"))


def signed(value: float) -> str:
    """Write a number with two decimals and a real minus sign."""
    return f"{value:.2f}".replace("-", "−").replace("−0.00", "0.00")
