"""What the scheduler proposes, as cards."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext_lazy

from tutor.practice.map_page import SkillRow
from tutor.scheduling.services import OfferedCandidate

KIND_LABELS = {
    "learn": gettext_lazy("Something new"),
    "practise": gettext_lazy("Keep going"),
    "review": gettext_lazy("Review"),
    "remedial": gettext_lazy("One step back"),
}


@dataclass(frozen=True, slots=True)
class Proposal:
    """A candidate of the scheduler as a card."""

    kind: str
    kind_label: str
    reason: str
    minutes: int
    row: SkillRow


def proposal_of(candidate: OfferedCandidate, rows: Mapping[int, SkillRow]) -> Proposal:
    """Return a candidate as a card."""
    is_met = candidate.is_new and candidate.kind == "practise"
    kind = "learn" if is_met else candidate.kind
    return Proposal(
        kind=kind,
        kind_label=str(KIND_LABELS[kind]),
        reason=candidate.reason,
        minutes=candidate.minutes,
        row=rows[candidate.skill_id],
    )
