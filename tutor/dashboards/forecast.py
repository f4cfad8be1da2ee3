"""What becomes of a learner's skills in the coming days if nothing is practised."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from tutor.accounts.models import User
from tutor.content.graph import SkillNode, course_graph
from tutor.content.models import Course
from tutor.dashboards.heatmap import mastery_percent
from tutor.dashboards.selectors import WEAK_BELOW
from tutor.tracing.selectors import EVIDENCE_MIN, HeldStates, SkillBelief, beliefs_ahead

# The columns of the table, in days from now.
DAYS = (0, 3, 7, 14)
STRUGGLING_SHOWN = 3
FADING_SHOWN = 3
# What is lost of P(mastery) by the last day for a skill to be shown as fading.
FADES_BY = 0.05


@dataclass(frozen=True, slots=True)
class AheadCell:
    """A skill's belief on a coming day."""

    day: int
    belief: SkillBelief

    @property
    def percent(self) -> int:
        """P(mastery) as the heatmap shows it."""
        return int(mastery_percent(np.array(self.belief.p_mastery)))


@dataclass(frozen=True, slots=True)
class AheadRow:
    """A skill on the coming days; `is_struggling`: below one half now, else it fades."""

    skill: SkillNode
    is_struggling: bool
    cells: tuple[AheadCell, ...]


def ahead_rows(
    held: HeldStates, learner: User, course: Course, *, now: datetime
) -> tuple[AheadRow, ...]:
    """Return the weakest skills and those that fade most, from a state at hand (no query).

    Only skills with enough evidence; the weakest and the most fading first.
    """
    coming = beliefs_ahead(held, learner, course, at=[now + timedelta(days=day) for day in DAYS])
    first, last = coming[0], coming[-1]
    known = first.n_observations >= EVIDENCE_MIN
    weak = np.flatnonzero(known & (first.p_mastery < WEAK_BELOW))
    weak = weak[np.argsort(first.p_mastery[weak], kind="stable")][:STRUGGLING_SHOWN]
    loss = first.p_mastery - last.p_mastery
    fading = np.flatnonzero(known & (first.p_mastery >= WEAK_BELOW) & (loss >= FADES_BY))
    fading = fading[np.argsort(-loss[fading], kind="stable")][:FADING_SHOWN]
    skills = course_graph(course).skills

    def row(place: int, *, is_struggling: bool) -> AheadRow:
        cells = zip(DAYS, coming, strict=True)
        return AheadRow(
            skill=skills[place],
            is_struggling=is_struggling,
            cells=tuple(AheadCell(day, beliefs.of(skills[place].id)) for day, beliefs in cells),
        )

    return (
        *(row(int(place), is_struggling=True) for place in weak),
        *(row(int(place), is_struggling=False) for place in fading),
    )
