"""Which prerequisites the data suggests or speaks against: rules over the model's evidence. Pure.

Association, never cause: whoever is good at one skill is good at others too. So an edge is judged
against the usual difference between all pairs, not against none.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median

from tutor.content.graph import CourseGraph, SkillNode
from tutor.tracing.edges import Contingency, EdgeEvidence

# Hundreds of pairs are looked at, so an interval has to be sure: 99.9 %.
Z_SURE = 3.290527
SUGGESTED_SHOWN = 20


class EdgeSays(StrEnum):
    """What the evidence says of a pair."""

    SUGGESTED = "suggested"
    CONTRADICTED = "contradicted"
    SUPPORTED = "supported"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Difference:
    """How much more are right after a strong parent than after a weak one, with its interval."""

    value: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class EdgeCase:
    """A pair of skills, what the evidence says of it, and why."""

    parent: SkillNode
    child: SkillNode
    evidence: EdgeEvidence
    difference: Difference | None
    says: EdgeSays

    @property
    def facts(self) -> dict[str, object]:
        """What is kept with a decision: counts and values, nothing of a learner."""
        one = self.evidence
        return {
            "says": self.says.value,
            "weight": round(one.weight, 4),
            "lower": round(one.lower, 4),
            "upper": round(one.upper, 4),
            "n_learners": one.n_learners,
            "after_strong": [one.after_strong.n_right, one.after_strong.n],
            "after_weak": [one.after_weak.n_right, one.after_weak.n],
        }


@dataclass(frozen=True, slots=True)
class EdgeCases:
    """All pairs that are judged; `usual` is the difference that any two skills show."""

    cases: tuple[EdgeCase, ...]
    usual: float | None

    def that(self, says: EdgeSays) -> tuple[EdgeCase, ...]:
        """Return the pairs of which the evidence says this, the clearest first."""
        found = [case for case in self.cases if case.says is says]
        sign = -1.0 if says is EdgeSays.SUGGESTED else 1.0
        found.sort(key=lambda case: sign * (case.difference.value if case.difference else 0.0))
        return tuple(found)


def difference_of(strong: Contingency, weak: Contingency) -> Difference | None:
    """Return the difference of two shares with its 99.9 % interval (Agresti and Caffo)."""
    if not strong.n or not weak.n:
        return None
    value = strong.n_right / strong.n - weak.n_right / weak.n
    p, q = (strong.n_right + 1) / (strong.n + 2), (weak.n_right + 1) / (weak.n + 2)
    half = Z_SURE * math.sqrt(p * (1 - p) / (strong.n + 2) + q * (1 - q) / (weak.n + 2))
    middle = p - q
    return Difference(value, max(middle - half, -1.0), min(middle + half, 1.0))


def edges_judge(evidence: Sequence[EdgeEvidence], graph: CourseGraph) -> EdgeCases:
    """Judge each pair against the usual difference between two skills.

    Suggested is a pair in the course's order, without a path between its skills, whose whole
    interval lies above the usual difference; contradicted a prerequisite whose whole interval lies
    below it.
    """
    differences: Mapping[tuple[int, int], Difference | None] = {
        (one.parent_id, one.child_id): difference_of(one.after_strong, one.after_weak)
        for one in evidence
    }
    known = [
        found.value
        for one in evidence
        if one.is_enough_evidence and (found := differences[one.parent_id, one.child_id])
    ]
    usual = median(known) if known else None
    return EdgeCases(
        cases=tuple(
            EdgeCase(
                parent=graph.skill_of[one.parent_id],
                child=graph.skill_of[one.child_id],
                evidence=one,
                difference=differences[one.parent_id, one.child_id],
                says=_says(one, differences[one.parent_id, one.child_id], usual, graph),
            )
            for one in evidence
        ),
        usual=usual,
    )


def _says(
    one: EdgeEvidence, difference: Difference | None, usual: float | None, graph: CourseGraph
) -> EdgeSays:
    if difference is None or usual is None or not one.is_enough_evidence:
        return EdgeSays.UNDECIDED
    if one.is_prerequisite:
        if difference.upper < usual:
            return EdgeSays.CONTRADICTED
        return EdgeSays.SUPPORTED if difference.lower > 0 else EdgeSays.UNDECIDED
    order = graph.skill_ids
    is_forward = order.index(one.parent_id) < order.index(one.child_id)
    has_path = one.parent_id in graph.ancestors(one.child_id) or one.child_id in graph.ancestors(
        one.parent_id
    )
    if difference.lower > max(usual, 0.0) and is_forward and not has_path:
        return EdgeSays.SUGGESTED
    return EdgeSays.UNDECIDED
