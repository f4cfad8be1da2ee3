"""Values with their intervals, as the teacher pages show them."""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from tutor.common.templatetags.stepwise import percent
from tutor.dashboards.item_facts import Interval

register = template.Library()


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


def signed(value: float) -> str:
    """Write a number with two decimals and a real minus sign."""
    return f"{value:.2f}".replace("-", "−").replace("−0.00", "0.00")
