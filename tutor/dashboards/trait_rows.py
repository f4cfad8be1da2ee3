"""A learner's traits in plain words, each with its range drawn beside the class's middle."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tutor.tracing.traits import LearnerTraits, Trait

DAY_HOURS = 24.0
MONTH_DAYS = 30.4375
# Where days turn into months, and where a number of months says no more.
MONTHS_FROM, LONGEST = 90.0, 730.0
SHORTEST = 0.25
SWING_MOST = 0.25


@dataclass(frozen=True, slots=True)
class RangeBar:
    """Where value, range and median lie on a line of width 100, as SVG numbers."""

    lower: str
    width: str
    value: str
    median: str | None


@dataclass(frozen=True, slots=True)
class TraitRow:
    """A trait as the page shows it: `text` holds the number, `range_text` its 80 % range."""

    key: str
    name: str
    before: str
    value_text: str
    after: str
    range_text: str
    median_text: str
    meaning: str
    is_informed: bool
    bar: RangeBar


def trait_rows(traits: LearnerTraits) -> tuple[TraitRow, ...]:
    """Lay out the traits; none where there are none to show."""
    if not (traits.half_life_days and traits.level and traits.swing and traits.transfer):
        return ()
    return (
        _row(
            "half-life",
            traits.half_life_days,
            name=_("Forgetting"),
            before=_("Forgets about half in"),
            after="",
            meaning=_(
                "After so long without practice, half of the way to the long-run level is gone."
            ),
            text=duration,
            range_text=duration_range,
            place=_place_of_days,
        ),
        _row(
            "level",
            traits.level,
            name=_("Long-run level"),
            before=_("Settles at about"),
            after=_("right"),
            meaning=_(
                "Where answers on a skill of middling difficulty settle when nothing is practised."
            ),
            text=_percent,
            range_text=_percent_range,
            place=lambda share: share,
        ),
        _row(
            "swing",
            traits.swing,
            name=_("Steadiness"),
            before=_("Moves by about"),
            after=_("from day to day"),
            meaning=_(
                "How far the chance of a right answer wanders by itself within a day, up or down, "
                "near 50 %."
            ),
            text=_points,
            range_text=_points_range,
            place=lambda share: share / SWING_MOST,
        ),
        _row(
            "transfer",
            traits.transfer,
            name=_("Carrying over"),
            before=_("Leans on prerequisites at"),
            after=_("of full strength"),
            meaning=_("How strongly knowing the prerequisites pulls up what builds on them."),
            text=_percent,
            range_text=_percent_range,
            place=lambda share: share,
        ),
    )


def _row(
    key: str,
    trait: Trait,
    *,
    name: str,
    before: str,
    after: str,
    meaning: str,
    text: Callable[[float], str],
    range_text: Callable[[float, float, float], str],
    place: Callable[[float], float],
) -> TraitRow:
    def at(value: float) -> float:
        return 100.0 * min(1.0, max(0.0, place(value)))

    lower, upper = at(trait.lower), at(trait.upper)
    middle = trait.class_median
    return TraitRow(
        key=key,
        name=name,
        before=before,
        value_text=text(trait.value),
        after=after,
        range_text=range_text(trait.value, trait.lower, trait.upper),
        median_text="" if middle is None else text(middle),
        meaning=meaning,
        is_informed=trait.is_informed,
        bar=RangeBar(
            lower=f"{lower:.1f}",
            width=f"{max(upper - lower, 1.0):.1f}",
            value=f"{at(trait.value):.1f}",
            median=None if middle is None else f"{at(middle):.1f}",
        ),
    )


def duration(days: float) -> str:
    """Write a length of time in the unit that fits it."""
    unit, n = _counted(days)
    if unit == "hours":
        return ngettext("{n} hour", "{n} hours", n).format(n=n)
    if unit == "days":
        return ngettext("{n} day", "{n} days", n).format(n=n)
    if unit == "months":
        return ngettext("{n} month", "{n} months", n).format(n=n)
    return _("more than two years")


def duration_range(value: float, lower: float, upper: float) -> str:
    """Write a range of lengths; the unit is left out where it is the value's."""
    units = {_counted(days)[0] for days in (value, lower, upper)}
    if len(units) == 1 and units != {"years"}:
        low, high = str(_counted(lower)[1]), str(_counted(upper)[1])
    else:
        low, high = duration(lower), duration(upper)
    return low if low == high else _("{low} to {high}").format(low=low, high=high)


def _counted(days: float) -> tuple[str, int]:
    if round(days) < 1:
        return "hours", max(round(DAY_HOURS * days), 1)
    if days < MONTHS_FROM:
        return "days", round(days)
    return ("months", round(days / MONTH_DAYS)) if days < LONGEST else ("years", 2)


def _place_of_days(days: float) -> float:
    return math.log(max(days, SHORTEST) / SHORTEST) / math.log(LONGEST / SHORTEST)


def _whole(share: float) -> int:
    return math.floor(100.0 * share + 0.5)


def _percent(share: float) -> str:
    return f"{_whole(share)}\N{NO-BREAK SPACE}%"


def _percent_range(_value: float, lower: float, upper: float) -> str:
    return _("{low} to {high}").format(low=_percent(lower), high=_percent(upper))


def _points(share: float) -> str:
    n = _whole(share)
    return ngettext("{n} point", "{n} points", n).format(n=n)


def _points_range(_value: float, lower: float, upper: float) -> str:
    return _("{low} to {high}").format(low=_whole(lower), high=_whole(upper))
