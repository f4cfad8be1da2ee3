"""One line on why something is proposed, in words for a learner."""

from collections.abc import Mapping

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tutor.content.graph import CourseGraph
from tutor.scheduling.policies import Candidate, Kind
from tutor.tracing.selectors import EVIDENCE_MIN


def reason_text(candidate: Candidate, graph: CourseGraph, *, is_new: bool = False) -> str:
    """Return why a candidate is proposed; `is_new` where nothing but a placement asked for it."""
    opening = _opening(candidate, graph, is_new=is_new or candidate.kind is Kind.LEARN)
    return " ".join(part for part in (opening, _unlocking(candidate.reason_values)) if part)


def _opening(candidate: Candidate, graph: CourseGraph, *, is_new: bool) -> str:
    kind, values = candidate.kind, candidate.reason_values
    title = graph.skill_of[candidate.skill_id].title
    percent = values["percent"]
    if is_new and kind in {Kind.LEARN, Kind.PRACTISE}:
        if graph.parents[candidate.skill_id]:
            return _("New: you have what “{title}” builds on.").format(title=title)
        return _("New: “{title}” is a place to begin.").format(title=title)
    if kind is Kind.REMEDIAL:
        return _("A step back to “{title}”: what was hard builds on it.").format(title=title)
    if values["n"] < EVIDENCE_MIN:
        # Pages show no number on so little evidence, so a reason does not either.
        return _("You have begun to learn “{title}”.").format(title=title)
    if kind is Kind.REVIEW:
        return _(
            "Because “{title}” is due: about {percent}\N{NO-BREAK SPACE}% likely to be right "
            "today. What is recalled after a pause keeps longer."
        ).format(title=title, percent=percent)
    return _(
        "You are learning “{title}”: about {percent}\N{NO-BREAK SPACE}% likely to be right now."
    ).format(title=title, percent=percent)


def _unlocking(values: Mapping[str, float | int]) -> str:
    unlocks = int(values["unlocks"])
    if not unlocks:
        return ""
    return ngettext(
        "It opens the way to {count} more skill.",
        "It opens the way to {count} more skills.",
        unlocks,
    ).format(count=unlocks)
